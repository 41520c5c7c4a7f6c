"""Training table in the store: one Zarr group, every row with its place and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

from soilft.draws import at_most
from soilft.radiometers.gaps import LEVELS
from soilft.schema import FROZEN, THAWED, Coordinate, Template, Variable, flagged
from soilft.store import zarr as store
from soilft.store.digest import arrays_digest
from soilft.training.held_out import ONE_WINTER, SPLITS
from soilft.training.sampling import Table

ROWS_A_CHUNK = 50_000
_PART_SEED = 0


def write_table(
    url: str,
    table: Table,
    split: npt.NDArray[np.uint8],
    names: Sequence[str],
    radiometers: Sequence[str] = (),
    about: Mapping[str, Any] | None = None,
) -> str:
    """Write a table to the store; give the digest of its content.

    Parameters
    ----------
    split
        Codes of `SPLITS`, uint8 (row,).
    names
        Of the features, in order.
    radiometers
        Names of the radiometers by their number.
    about
        Further attributes: how the rows were drawn, and whether they are simulated.
    """
    arrays: dict[str, npt.NDArray[Any]] = {
        "features": table.features,
        "label": table.label,
        "day": table.day,
        "overpass": table.overpass,
        "cell": table.cell,
        "block": table.block,
        "era": table.radiometer,
        "level": table.level,
        "split": split,
    }
    count, width = table.features.shape
    template = Template(
        coordinates=(
            Coordinate("row", ("row",), np.arange(count, dtype="int64")),
            Coordinate("feature", ("feature",), np.arange(width, dtype="int32")),
        ),
        variables=(
            Variable("features", ("row", "feature"), "float32", float("nan")),
            flagged("label", ("row",), "freeze/thaw", {"thawed": THAWED, "frozen": FROZEN}),
            Variable("day", ("row",), "int32", -1, {"units": "days since 1970-01-01"}),
            Variable("overpass", ("row",), "uint8", 255),
            Variable("cell", ("row",), "int32", -1, {"long_name": "row-major index of the cell"}),
            Variable("block", ("row",), "int32", -1, {"long_name": "number of the spatial block"}),
            Variable("era", ("row",), "uint8", 255, {"long_name": "number of the radiometer"}),
            flagged("level", ("row",), "level of gap filling", LEVELS),
            flagged("split", ("row",), "random split", SPLITS),
        ),
        chunks={"row": max(1, min(count, ROWS_A_CHUNK))},
        attributes={**(about or {}), "feature_names": list(names), "eras": list(radiometers)},
    )
    store.write_whole(url, template, arrays)
    return arrays_digest(arrays)


@dataclass(frozen=True)
class StoredTable:
    """A training table read back from the store; see `soilft.training.sampling.Table`."""

    features: npt.NDArray[np.float32]
    label: npt.NDArray[np.uint8]
    split: npt.NDArray[np.uint8]
    day: npt.NDArray[np.int32]
    overpass: npt.NDArray[np.uint8]
    cell: npt.NDArray[np.int32]
    block: npt.NDArray[np.int32]
    radiometer: npt.NDArray[np.uint8]
    level: npt.NDArray[np.uint8]
    names: tuple[str, ...]
    radiometers: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def year(self) -> npt.NDArray[np.int16]:
        """Year of each row, (row,): of its UTC day, or of the first where all lie in one winter.

        What is learnt of one before its New Year would be judged by another season, not by
        another winter.
        """
        years = self._calendar_year
        one = len(years) > 0 and int(self.day.max()) - int(self.day.min()) < ONE_WINTER
        return np.full_like(years, years.min()) if one else years

    @property
    def year_name(self) -> npt.NDArray[np.str_]:
        """The same to be shown, (row,): 2014, or 2014/15 where a winter holds all rows."""
        calendar = self._calendar_year
        first, last = calendar.min(initial=9999), calendar.max(initial=0)
        if len(np.unique(self.year)) == 1 and first < last:
            return np.full(len(self), f"{first}/{last % 100:02d}")
        return calendar.astype(str)

    @property
    def _calendar_year(self) -> npt.NDArray[np.int16]:
        years = self.day.astype("datetime64[D]").astype("datetime64[Y]").astype("int64") + 1970
        return years.astype("int16")

    @property
    def month(self) -> npt.NDArray[np.uint8]:
        """Calendar month, 1 to 12, (row,)."""
        months = self.day.astype("datetime64[D]").astype("datetime64[M]").astype("int64")
        return (months % 12 + 1).astype("uint8")

    def rows_of(self, split: str) -> npt.NDArray[np.intp]:
        """Indices of the rows of one part of the random split."""
        return np.flatnonzero(self.split == SPLITS[split])

    def clusters(self, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
        """Number of year and block of each row: what shares weather, ground and label errors."""
        return np.asarray((self.year[rows].astype("int64") << 32) + self.block[rows])


def read_table(url: str, most: int | None = None) -> StoredTable:
    """Read a training table, or a part of it.

    Parameters
    ----------
    most
        How many rows to read at most. Where the table has more, the same random part of them is
        read every time, chunk by chunk, so that the whole is never held.
    """
    group = store.open_raw(url)
    length = store.array(group, "label").shape[0]
    rows = _part(length, most)
    whole = len(rows) == length
    columns = ("label", "split", "day", "overpass", "cell", "block", "era", "level")
    arrays: dict[str, Any] = {name: np.asarray(store.array(group, name)[...]) for name in columns}
    features = store.array(group, "features")
    if whole:
        arrays["features"] = np.asarray(features[...])
    else:
        arrays = {name: values[rows] for name, values in arrays.items()}
        arrays["features"] = _features_of(features, rows)
    names, radiometers = (
        tuple(str(name) for name in group.attrs[key])  # type: ignore[union-attr]
        for key in ("feature_names", "eras")
    )
    # The column is called after the era in which its radiometer flew.
    arrays["radiometer"] = arrays.pop("era")
    return StoredTable(**arrays, names=names, radiometers=radiometers)


def read_radiometers(url: str, most: int | None = None) -> npt.NDArray[np.uint8]:
    """Radiometer of each row that `read_table` reads, uint8 (row,)."""
    radiometer = np.asarray(store.array(store.open_raw(url), "era")[...])
    return radiometer[_part(len(radiometer), most)]


def _part(length: int, most: int | None) -> npt.NDArray[np.intp]:
    rows = np.arange(length)
    return rows if most is None else at_most(rows, most, _PART_SEED)


def _features_of(features: zarr.Array[Any], rows: Any) -> npt.NDArray[np.float32]:
    found = np.empty((len(rows), features.shape[1]), "float32")
    step = features.chunks[0]
    for start in range(0, features.shape[0], step):
        first, last = np.searchsorted(rows, (start, start + step))
        if last > first:
            found[first:last] = np.asarray(features[start : start + step])[rows[first:last] - start]
    return found


@lru_cache(maxsize=1)
def held_table(
    url: str,
    content: str,  # noqa: ARG001  a table written anew is another entry of the cache
    most: int | None = None,
) -> StoredTable:
    """A table that this process reads once, whatever the number of its tasks; see `read_table`."""
    return read_table(url, most)


def feature_names(url: str) -> tuple[str, ...]:
    """Names of the features of a training table, in order."""
    names = store.open_raw(url).attrs["feature_names"]
    return tuple(str(name) for name in names)  # type: ignore[union-attr]
