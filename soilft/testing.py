"""Test kit of a reader, in one call: `check_reader`.

The files are the caller's, best written by code that does not know the reader. Nothing here needs a
test framework: what does not hold raises `AssertionError`, and says what it is.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, cast

import numpy as np

from soilft.errors import InputError
from soilft.grid import Grid
from soilft.schema import Variable
from soilft.sources.protocol import Arrays, DailySource, Granule, StaticSource
from soilft.store.digest import spelled

Source = DailySource | StaticSource
ROLES = ("tb", "reanalysis", "static", "label")
# A time of observation is told from the day it stands under; a pass may reach into its neighbours.
EARLIEST_HOUR, LATEST_HOUR = -24.0, 48.0


def check_reader(
    source: Source,
    files: Sequence[Path],
    grid: Grid,
    *,
    day: date | None = None,
    stored: Mapping[str, np.ndarray[Any, Any]] | None = None,
    wrong: Mapping[str, Path] | None = None,
) -> Arrays:
    """Hold a reader against the promises of `soilft.sources.protocol`.

    It states a version and pickles; equal settings make equal readers; it knows its files by name
    and no others; reads a file twice to the same values, those that are stored; gives what it
    declares, whatever the order of the files; tells a time wherever it tells a value; refuses a
    file that is cut off, and every wrong one, by name.

    Parameters
    ----------
    files
        All files of one day, or of a static source.
    grid
        Cells that the files reach.
    day
        For a source with days.
    stored
        By name, values on the native grid, as another program reads them from the first file.
    wrong
        Files that must be refused, by what is wrong: another grid, unit, product, ...

    Returns
    -------
    dict of array
        The day's values, or the static fields: for the caller to compare with what was written.

    Raises
    ------
    AssertionError
        Naming the first promise that is not kept.
    """
    _check_value(source)
    granules = [_check_name(source, path, day) for path in files]
    with source.read(files[0]) as first, source.read(files[0]) as again:
        same = first.load().identical(again.load())
        _require(same, f"{files[0].name} reads differently when read twice")
        for name, values in (stored or {}).items():
            np.testing.assert_allclose(first[name].values, values, rtol=1e-6, err_msg=name)
    found = _values(source, files, granules, day, grid)
    reversed_ = _values(source, files[::-1], granules[::-1], day, grid)
    for name, values in found.items():
        same = np.array_equal(values, reversed_[name], equal_nan=values.dtype.kind == "f")
        _require(same, f"{name} depends on the order of the files")
    _check_declared(source, found, grid)
    _check_time(source, found)
    check_refusals(source, files[0], wrong or {})
    return found


def check_refusals(source: Source, file: Path, wrong: Mapping[str, Path]) -> None:
    """Hold a reader against files that it must refuse, naming them.

    Parameters
    ----------
    file
        A right one; it is refused when cut off and when empty.
    """
    with tempfile.TemporaryDirectory() as folder:
        content = file.read_bytes()
        for what, length in (("cut off", len(content) // 2), ("empty", 0)):
            part = Path(folder) / file.name
            part.write_bytes(content[:length])
            _check_refused(source, part, f"a file that is {what}")
    for what, path in wrong.items():
        _check_refused(source, path, what)


def _check_value(source: Source) -> None:
    _require(source.role in ROLES, f"role is {source.role}, not one of {', '.join(ROLES)}")
    _require(bool(source.product and source.references), "product and references are empty")
    try:
        copy = pickle.loads(pickle.dumps(source))  # noqa: S301 - made here
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise AssertionError(f"the reader does not pickle: {error}") from error
    _require(copy == source and hash(copy) == hash(source), "a pickled copy is not equal")
    version = getattr(source, "version", None)
    _require(isinstance(version, str) and version != "", "no version is stated, so no ledger key")
    _require(_spelling(copy) == _spelling(source), "a pickled copy has other ledger keys")
    names = [variable.name for variable in source.variables]
    _require(len(set(names)) == len(names) > 0, f"variables are {names}")
    leading = ("y",) if source.role == "static" else ("time",)
    for variable in source.variables:
        _require(variable.dims[:1] == leading, f"{variable.name} has the dims {variable.dims}")


def _spelling(source: Source) -> str:
    try:
        return spelled(source)
    except TypeError as error:
        raise AssertionError(f"the reader has no ledger key: {error}") from error


def _check_name(source: Source, path: Path, day: date | None) -> Granule:
    granule = source.granule(f"s3://archive/{path.name}")
    _require(granule is not None, f"{path.name} is not known by its name")
    for other in ("readme.txt", f"{path.name}.part"):
        _require(source.granule(other) is None, f"{other} is taken for a granule")
    known = cast("Granule", source.granule(str(path)))
    expected = () if day is None else (day,)
    _require(set(expected) <= set(known.days), f"{path.name} is of {known.days}, not of {day}")
    return known


def _values(
    source: Source, files: Sequence[Path], granules: Sequence[Granule], day: date | None, grid: Grid
) -> Arrays:
    with ExitStack() as stack:
        opened = [stack.enter_context(source.read(path)) for path in files]
        pairs = list(zip(granules, opened, strict=True))
        if day is None:
            return cast("StaticSource", source).place(pairs, grid)
        daily = cast("DailySource", source)
        parts = [(g, daily.place(dataset, g, day, grid)) for g, dataset in pairs]
        return daily.combine(parts, day, grid)


def _check_declared(source: Source, found: Arrays, grid: Grid) -> None:
    declared = {variable.name: variable for variable in source.variables}
    _require(set(found) <= set(declared), f"{sorted(set(found) - set(declared))} are not declared")
    first = source.variables[0].name
    _require(first in found, f"{first} is not given")
    _require(bool(_known(declared[first], found[first]).any()), f"{first} has no value")
    sizes = {"y": grid.shape[0], "x": grid.shape[1]}
    if source.role != "static":
        daily = cast("DailySource", source)
        sizes["overpass"] = len(daily.overpasses)
        sizes |= {axis.name: len(axis.values) for axis in daily.coordinates}
    for name, values in found.items():
        shape = tuple(sizes[dim] for dim in declared[name].dims if dim != "time")
        _require(values.shape == shape, f"{name} has the shape {values.shape}, not {shape}")
        dtype = np.dtype(declared[name].dtype)
        _require(np.can_cast(values.dtype, dtype, "same_kind"), f"{name} is {values.dtype}")


def _check_time(source: Source, found: Arrays) -> None:
    if "observation_time" not in found:
        return
    variable, hours = source.variables[0], found["observation_time"]
    known = _known(variable, found[variable.name])
    anywhere = np.any(known.reshape(known.shape[0], -1, *hours.shape[1:]), axis=1)
    told = np.isfinite(hours)
    _require(bool(np.all(told | ~anywhere)), f"{variable.name} has values without observation_time")
    inside = (hours[told] >= EARLIEST_HOUR) & (hours[told] <= LATEST_HOUR)
    _require(bool(inside.all()), "observation_time is not in hours of the day")


def _known(variable: Variable, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(np.isfinite(values) if values.dtype.kind == "f" else values != variable.fill)


def _check_refused(source: Source, path: Path, what: str) -> None:
    try:
        with source.read(path) as dataset:
            dataset.load()
    except InputError as error:
        text = str(error)
        _require(path.name.split(".")[0] in text, f"the refusal of {what} does not name it: {text}")
        _require(bool(error.expected and error.found), f"{what}: no expected and found in: {text}")
        return
    raise AssertionError(f"{what} is not refused: {path.name}")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
