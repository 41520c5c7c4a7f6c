"""The test kit of readers finds each promise that a reader does not keep."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import xarray as xr

from soilft.errors import FormatMismatch
from soilft.grid import Region
from soilft.sources import FtEsdr
from soilft.sources.protocol import Granule
from soilft.store.digest import UNSPELLED
from soilft.testing import check_reader
from tests.contract.ft_esdr import SHAPE, ft_esdr

DAY = date(2016, 1, 15)
WINDOW = Region("window", "latlon-0.25", (90, 31, 91, 32)).grid
RIGHT = FtEsdr()


@dataclass(frozen=True)
class Careless(FtEsdr):
    """A reader that does one thing in a way of its own; what is not given is as it should be."""

    combining: Callable[[Any], Any] | None = field(default=None, metadata=UNSPELLED)
    reading: Callable[[Path], xr.Dataset] | None = field(default=None, metadata=UNSPELLED)
    naming: Callable[[str], Granule | None] | None = field(default=None, metadata=UNSPELLED)

    @property
    def careless_in(self) -> str:
        given = (self.combining, self.reading, self.naming)
        return next(function.__name__ for function in given if function is not None)

    def combine(self, parts: Any, day: date, grid: Any) -> Any:
        found = super().combine(parts, day, grid)
        return found if self.combining is None else self.combining((parts, found))

    def read(self, path: Path) -> xr.Dataset:
        return super().read(path) if self.reading is None else self.reading(path)

    def granule(self, url: str) -> Granule | None:
        return super().granule(url) if self.naming is None else self.naming(url)


def last_file_alone(given: Any) -> Any:
    parts, found = given
    first = parts[0][1]["freeze_thaw"]
    return {**found, "freeze_thaw": np.stack([first, first * 0])}


def without_time(given: Any) -> Any:
    hours = np.full_like(given[1]["observation_time"], np.nan)
    return {**given[1], "observation_time": hours}


def in_minutes(given: Any) -> Any:
    return {**given[1], "observation_time": given[1]["observation_time"] * 60}


def undeclared(given: Any) -> Any:
    return {**given[1], "snow": given[1]["freeze_thaw"]}


def nothing_known(given: Any) -> Any:
    return {**given[1], "freeze_thaw": np.full_like(given[1]["freeze_thaw"], 255)}


def without_overpass(given: Any) -> Any:
    return {**given[1], "freeze_thaw": given[1]["freeze_thaw"][0]}


def as_floats(given: Any) -> Any:
    return {**given[1], "freeze_thaw": given[1]["freeze_thaw"].astype("float64")}


CALLS = itertools.count()


def differently_each_time(path: Path) -> xr.Dataset:
    return RIGHT.read(path) + next(CALLS)


def whatever_it_is(path: Path) -> xr.Dataset:
    return RIGHT.read(path) if path.stat().st_size > 10_000 else xr.Dataset()


def anonymous(path: Path) -> xr.Dataset:
    try:
        return RIGHT.read(path)
    except Exception as error:
        raise FormatMismatch("the file", expected="another", found="this") from error


def silent(path: Path) -> xr.Dataset:
    try:
        return RIGHT.read(path)
    except Exception as error:
        raise FormatMismatch(f"{path.name} is wrong") from error


def any_name(url: str) -> Granule | None:
    return Granule((DAY,), "AM", "", url)


def no_name(url: str) -> Granule | None:
    return None


def of_another_day(url: str) -> Granule | None:
    found = RIGHT.granule(url)
    return found and Granule((date(2016, 1, 16),), found.slot, found.version, url)


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        (Careless(combining=last_file_alone), "depends on the order of the files"),
        (Careless(combining=without_time), "has values without observation_time"),
        (Careless(combining=in_minutes), "not in hours of the day"),
        (Careless(combining=undeclared), "'snow'.* not declared"),
        (Careless(combining=nothing_known), "freeze_thaw has no value"),
        (Careless(combining=without_overpass), "freeze_thaw has the shape"),
        (Careless(combining=as_floats), "freeze_thaw is float64"),
        (Careless(reading=differently_each_time), "reads differently when read twice"),
        (Careless(reading=whatever_it_is), "a file that is cut off is not refused"),
        (Careless(reading=anonymous), "the refusal of a file that is cut off does not name it"),
        (Careless(reading=silent), "no expected and found"),
        (Careless(naming=any_name), "readme.txt is taken for a granule"),
        (Careless(naming=no_name), "is not known by its name"),
        (Careless(naming=of_another_day), "not of 2016-01-15"),
    ],
    ids=lambda value: value.careless_in if isinstance(value, Careless) else "",
)
def test_a_promise_that_is_not_kept_is_found(tmp_path: Path, reader: Any, words: str) -> None:
    paths = [
        ft_esdr(tmp_path, DAY, overpass, np.full(SHAPE, code), places=False)
        for code, overpass in enumerate(("AM", "PM"))
    ]
    check_reader(RIGHT, paths, WINDOW, day=DAY)
    with pytest.raises(AssertionError, match=words):
        check_reader(reader, paths, WINDOW, day=DAY)


def test_a_wrong_file_that_is_read_and_values_that_differ_are_found(tmp_path: Path) -> None:
    path = ft_esdr(tmp_path, DAY, "AM", places=False)
    with pytest.raises(AssertionError, match="another grid is not refused"):
        check_reader(RIGHT, [path], WINDOW, day=DAY, wrong={"another grid": path})
    with pytest.raises(AssertionError, match="code"):
        check_reader(RIGHT, [path], WINDOW, day=DAY, stored={"code": np.full(SHAPE, 2)})


def test_a_reader_that_does_not_travel_is_found(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Local(FtEsdr):
        pass

    path = ft_esdr(tmp_path, DAY, "AM", places=False)
    with pytest.raises(AssertionError, match="the reader does not pickle"):
        check_reader(Local(), [path], WINDOW, day=DAY)


@dataclass(frozen=True)
class Unversioned(FtEsdr):
    version: ClassVar[str] = ""


@dataclass(frozen=True)
class Unspelled(FtEsdr):
    window: object = WINDOW.affine


def test_a_reader_that_no_key_can_be_made_of_is_found(tmp_path: Path) -> None:
    path = ft_esdr(tmp_path, DAY, "AM", places=False)
    with pytest.raises(AssertionError, match="no version is stated"):
        check_reader(Unversioned(), [path], WINDOW, day=DAY)
    with pytest.raises(AssertionError, match="has no ledger key: Affine"):
        check_reader(Unspelled(), [path], WINDOW, day=DAY)
