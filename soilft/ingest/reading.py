"""Reading of a granule: again where a failure passes, refused by name where bytes are damaged.

A lock that another process holds, too many open files or a disk that does not answer say nothing
of a granule. They are met by waiting, and at last by the failure of the unit, which the next run
does again. Whatever else a granule's bytes let a library raise sets that granule aside.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

import numpy as np
import xarray as xr

from soilft.errors import (
    GranuleBusy,
    GranuleEndsWorker,
    InputError,
    SoilftError,
    UnreadableGranule,
)
from soilft.grid import Grid
from soilft.sources.files import open_granule
from soilft.sources.passing import passing
from soilft.sources.protocol import Arrays, DailySource, Granule, is_simulated
from soilft.store.ledger import SetAside

WINDOW_BYTES = 2**26
PAUSES_SECONDS = (0.5, 2.0, 8.0)
Result = TypeVar("Result")


@dataclass(frozen=True)
class ReadDay:
    """What a granule gave of a day.

    Parameters
    ----------
    arrays
        As ``source.place`` gives them.
    sha256
        Of the file.
    simulated
        Whether the file says that it is simulated.
    """

    arrays: Arrays
    sha256: str
    simulated: bool


def read_day(source: DailySource, granule: Granule, day: date, grid: Grid) -> ReadDay:
    """Read and regrid what a granule says of a day.

    Raises
    ------
    InputError
        Where its bytes cannot be used, whatever the library that met them has raised.
    GranuleBusy
        Where the file could not be read, and may be readable later.
    """

    def once() -> ReadDay:
        with open_granule(source, granule) as dataset:
            arrays = source.place(dataset, granule, day, grid)
            return ReadDay(arrays, dataset.attrs["sha256"], is_simulated(dataset.attrs))

    return patiently(granule, once)


def patiently(granule: Granule, read: Callable[[], Result]) -> Result:
    """Read, and read again after growing pauses while what hinders it may pass.

    What was not read is read once more before it counts as damaged: some libraries do not tell an
    error of the disk from one of the file.

    Raises
    ------
    InputError
        Where the bytes cannot be used, whatever the library that met them has raised.
    GranuleBusy
        Where it did not pass in time.
    """
    confirmed = False
    pauses = iter(PAUSES_SECONDS)
    while True:
        try:
            return read()
        except Exception as error:
            hindered = passing(error)
            if hindered is None:
                told = isinstance(error, SoilftError)
                if told and (confirmed or not isinstance(error, UnreadableGranule)):
                    raise
                if confirmed:
                    raise damaged(granule.name, error) from error
                confirmed = True
                continue
            pause = next(pauses, None)
            if pause is None:
                raise GranuleBusy(
                    granule.url,
                    expected="a file that can be read",
                    found=hindered,
                    remedy="Nothing was set aside: start the same command again.",
                ) from error
        time.sleep(pause)


def damaged(name: str, error: Exception) -> InputError:
    """The error of a granule whose bytes let a library fail in a way of its own."""
    lines = str(error).splitlines() or ["no message"]
    return UnreadableGranule(
        name,
        expected="a whole file of its product",
        found=f"{type(error).__name__}: {lines[0]}",
    )


def ends_worker(granule: Granule) -> GranuleEndsWorker:
    """The error of a granule at which the process that reads it ends."""
    return GranuleEndsWorker(
        granule.name,
        expected="a file that can be read",
        found="that every worker that read it ended, by a crash of a library or for want of memory",
        remedy="Replace the file, or give each worker more memory and say --retry-set-aside.",
    )


def set_aside(granule: Granule, error: InputError) -> SetAside:
    """A granule that is left out for an error."""
    return SetAside(granule.name, error.code, str(error))


def stood_in_for(item: SetAside, granule: Granule, older: Granule) -> SetAside:
    """The same, with what is read in its place; said once."""
    said = f" {older.url if older.name == granule.name else older.name} is read in its place."
    return item if item.reason.endswith(said) else replace(item, reason=f"{item.reason}{said}")


def named_by(error: InputError, granule: Granule) -> bool:
    """Whether an error is about a granule: about the file, or something in it."""
    return any(f"{error.thing}: ".startswith(f"{name}: ") for name in (granule.name, granule.url))


def read_through(dataset: xr.Dataset) -> None:
    """Read all arrays of a dataset, some rows at a time, and keep nothing."""
    for array in dataset.variables.values():
        count = array.shape[0] if array.ndim else 1
        rows = max(1, count * WINDOW_BYTES // max(1, array.nbytes))
        for first in range(0, count, rows):
            np.asarray(array[first : first + rows] if array.ndim else array)
