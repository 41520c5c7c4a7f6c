"""Errors of the cube's annual layers against a reference, band by band, and their trend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.annual import phenology
from soilft.annual.trend import trend
from soilft.days import DaySpan
from soilft.rows import RowSpan
from soilft.schema import OVERPASSES
from soilft.store import zarr as store

Layer = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class AnnualBand:
    """One task: annual layers of some rows of the grid, of the cube and of a reference.

    Parameters
    ----------
    reference_url
        Store with ``freeze_thaw`` (time, overpass, y, x), such as a simulated truth, or None.
    overpass
        Whose daily states count.
    rows
        First row and one past the last.
    """

    cube_url: str
    reference_url: str | None
    overpass: str
    days: DaySpan
    rows: RowSpan


@dataclass(frozen=True)
class Layers:
    """Annual layers, each (year, y, x), NaN where too little is known.

    Parameters
    ----------
    years
        Year in which each freezing year begins.
    cube, reference
        Layers by name; those of the reference are empty where there is none.
    """

    years: tuple[int, ...]
    cube: Layer
    reference: Layer

    @classmethod
    def joined(cls, parts: Sequence[Layers]) -> Layers:
        """Put bands together, from north to south."""
        cube, reference = (
            {
                name: np.concatenate([getattr(part, side)[name] for part in parts], axis=1)
                for name in getattr(parts[0], side)
            }
            for side in ("cube", "reference")
        )
        return cls(parts[0].years, cube, reference)

    def series(self, name: str, side: str = "cube") -> npt.NDArray[np.float64]:
        """Mean over the pixels that are known in every year, by year; NaN where there is none."""
        layer: npt.NDArray[Any] = getattr(self, side)[name]
        whole = np.isfinite(layer).all(axis=0)
        if not whole.any():
            return np.full(len(self.years), np.nan)
        return np.asarray(layer[:, whole].mean(axis=1, dtype="float64"))

    def summary(self, reference: str) -> dict[str, Any] | None:
        """Mean, error against the reference, and trend of every layer, as JSON values."""
        if not self.years:
            return None
        compared = phenology.errors(self.cube, self.reference) if self.reference else {}
        layers = []
        for name in phenology.LAYERS:
            values = self.cube[name]
            known = np.isfinite(values)
            error = compared.get(name, {})
            series = self.series(name)
            layers.append(
                {
                    "name": name,
                    "unit": "1" if name == "cycles" else "d",
                    "mean": float(values[known].mean()) if known.any() else None,
                    "bias": error.get("bias"),
                    "mean_absolute_error": error.get("mean_absolute_error"),
                    "rows": int(known.sum()),
                    "years": list(self.years),
                    "series": series.tolist(),
                    "trend": trend(np.array(self.years), series),
                }
            )
        return {"reference": reference if self.reference else None, "layers": layers}


def bands_that_fit(
    rows: int, columns: int, days: int, limit_bytes: int, least: int
) -> list[RowSpan]:
    """Cut a grid's rows into bands that fit a worker, at least as many as asked for."""
    a_row = columns * days * 24
    return RowSpan(0, rows).cut(max(least, -(-rows * a_row // limit_bytes)))


def annual_band(task: AnnualBand) -> Layers:
    """Annual layers of one band. Runs on a worker."""
    band = task.rows.slice
    cube = store.open_raw(task.cube_url)
    ours = np.asarray(store.array(cube, "freeze_thaw_state")[:, band])
    found = [_layers(ours, task.days)]
    if task.reference_url is not None:
        group = store.open_raw(task.reference_url)
        codes = np.asarray(store.array(group, "overpass")[...]).tolist()
        at = codes.index(OVERPASSES[task.overpass])
        theirs = np.asarray(store.array(group, "freeze_thaw")[:, at, band])
        found.append(_layers(theirs, task.days))
    years = tuple(int(year) for year in found[0].pop("years"))
    for other in found[1:]:
        other.pop("years")
    return Layers(years, found[0], found[1] if len(found) > 1 else {})


def _layers(state: npt.NDArray[np.uint8], days: DaySpan) -> dict[str, npt.NDArray[Any]]:
    return dict(phenology.annual(state, days.numbers))
