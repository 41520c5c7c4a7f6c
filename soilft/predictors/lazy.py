"""Predictors as one lazy array, computed for the days and the window that are asked for.

There is no graph: an indexed part is computed by the same `soilft.predictors.features.compute` that
draws the training rows and predicts. ``.chunk({"time": 30})`` makes it a Dask array of such parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from xarray.backends import BackendArray
from xarray.core.indexing import (
    ExplicitIndexer,
    IndexingSupport,
    LazilyIndexedArray,
    explicit_indexing_adapter,
)

from soilft.days import UNITS, DaySpan, day_of
from soilft.predictors.features import GROUPS, FeatureSet, compute, names_by_group, names_of
from soilft.predictors.stores import InputRefs
from soilft.predictors.window import Inputs

DIMS = ("time", "overpass", "y", "x", "feature")


class _Features(BackendArray):
    """Predictors computed when they are indexed; opens the stores once in each process."""

    def __init__(self, references: InputRefs, features: FeatureSet) -> None:
        inputs = references.open()
        self.references, self.features, self._opened = references, features, inputs
        self.names = names_of(inputs, features)
        self.dtype = np.dtype("float32")
        self.shape = (
            len(references.whole),
            len(features.targets),
            *inputs.grid.shape,
            len(self.names),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _Features, (self.references, self.features)

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.BASIC, self._part)

    def _part(self, key: tuple[int | slice, ...]) -> npt.NDArray[np.float32]:
        # What lies between the first and the last index is computed, then picked from.
        around, picks = zip(
            *(_around(k, size) for k, size in zip(key, self.shape, strict=True)), strict=True
        )
        if any(part.start == part.stop for part in around):
            empty = np.empty([part.stop - part.start for part in around], "float32")
            return np.asarray(empty[picks])
        days, overpasses, rows, columns, wanted = around
        numbers = self.references.whole.numbers
        span = DaySpan(day_of(int(numbers[days.start])), day_of(int(numbers[days.stop - 1])))
        chosen = self._groups(wanted)
        asked = FeatureSet(chosen, self.features.targets[overpasses], self.features.max_missing)
        inputs: Inputs = self._opened.window(rows, columns)
        computed = compute(inputs, asked, span)
        at = [computed.names.index(name) for name in self.names[wanted]]
        return np.asarray(computed.values[..., at][picks])

    def _groups(self, wanted: slice) -> tuple[str, ...]:
        """Groups that hold some of the features asked for: the others are not computed."""
        names = set(self.names[wanted])
        pairs = names_by_group(self._opened, self.features)
        return tuple(group for group, found in pairs if names & set(found))


def _around(key: int | slice, size: int) -> tuple[slice, int | slice]:
    """The range without step that holds an index, and the index within it."""
    if not isinstance(key, slice):
        at = int(key) % size
        return slice(at, at + 1), 0
    indices = range(*key.indices(size))
    if not indices:
        return slice(0, 0), slice(None)
    low, high = min(indices[0], indices[-1]), max(indices[0], indices[-1])
    return slice(low, high + 1), slice(None, None, indices.step)


def open_features(references: InputRefs, features: FeatureSet) -> xr.DataArray:
    """Open the predictors of a region lazily.

    Parameters
    ----------
    references
        Where the input stores lie.
    features
        Groups and overpasses.

    Returns
    -------
    DataArray
        float32 (time, overpass, y, x, feature), NaN where missing. ``feature`` holds the names,
        ``unit``, ``group`` and ``formula`` stand beside it.

    Raises
    ------
    StoreError
        Where an input store is missing.

    Examples
    --------
    >>> lazy = open_features(references, features)  # doctest: +SKIP
    >>> lazy.sel(time="2015-04-01", feature="npr_18.7_AM").mean().item()  # doctest: +SKIP
    """
    array = _Features(references, features)
    inputs = references.open()
    grouped = [(name, g) for g, names in names_by_group(inputs, features) for name in names]
    grid = references.region.grid
    described = {
        "unit": ("feature", [GROUPS[group].unit for _, group in grouped]),
        "formula": ("feature", [GROUPS[group].source for _, group in grouped]),
        "group": ("feature", [group for _, group in grouped]),
    }
    time = xr.Variable("time", references.whole.numbers, {"units": UNITS})
    coordinates = {
        "time": xr.conventions.decode_cf_variable("time", time),
        "overpass": [target.name for target in features.targets],
        "y": grid.y,
        "x": grid.x,
        "feature": [name for name, _ in grouped],
        **described,
    }
    lazy = xr.Variable(DIMS, LazilyIndexedArray(array))
    return xr.DataArray(lazy, coordinates, name="features", attrs={"grid_mapping_wkt": grid.wkt})
