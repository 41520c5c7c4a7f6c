"""Stores of the radiometers, with their inter-calibration and the filling of their gaps."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import xarray as xr

from soilft.channels import CODES
from soilft.days import DaySpan
from soilft.grid import Grid, Region
from soilft.radiometers import eras, intercalibration_store, normals_store, record
from soilft.radiometers.gaps import Gaps
from soilft.radiometers.intercalibration import Transfer, unknown
from soilft.store import zarr


@dataclass(frozen=True)
class Radiometers:
    """Opened stores of the radiometers of a region, still unread.

    Parameters
    ----------
    tb
        Records of the radiometers, the preferred one first.
    transfers
        Inter-calibration of each record to the reference; none where empty.
    gaps
        How passes that were not seen are filled; not at all where None, and then of each pass the
        first radiometer counts that saw it.
    """

    grid: Grid
    whole: DaySpan
    tb: tuple[xr.Dataset, ...] = ()
    transfers: tuple[Transfer | None, ...] = ()
    gaps: Gaps | None = None

    def window(self, rows: slice, columns: slice) -> Self:
        """The same stores of some adjoining rows and columns, still unread."""
        return replace(
            self,
            grid=self.grid.window(rows, columns),
            tb=tuple(store.isel(y=rows, x=columns) for store in self.tb),
            transfers=tuple(None if t is None else t.window(rows, columns) for t in self.transfers),
            gaps=None if self.gaps is None else self.gaps.window(rows, columns),
        )

    def with_channels(self, names: Collection[str]) -> Self:
        """The same stores with some channels alone; a record that has none of them stays empty."""
        wanted = [CODES[name] for name in names]
        records, transfers = [], []
        for number, store in enumerate(self.tb):
            at = np.flatnonzero(np.isin(store["channel"].values, wanted))
            records.append(store.isel(channel=at))
            transfer = self.transfers[number] if self.transfers else None
            if transfer is not None:
                codes = [transfer.channels[i] for i in at]
                transfer = transfer.on_axes(transfer.overpasses, codes)
            transfers.append(transfer)
        kept = tuple(transfers) if self.transfers else ()
        filling = None if self.gaps is None else self.gaps.with_channels(wanted)
        return replace(self, tb=tuple(records), transfers=kept, gaps=filling)

    def of_radiometer(self, number: int, *, harmonized: bool) -> Self:
        """The same stores as if one radiometer alone had flown, its gaps unfilled.

        Parameters
        ----------
        harmonized
            Whether it is inter-calibrated to the reference.
        """
        mine = self.transfers[number] if harmonized and self.transfers else None
        kept = tuple(
            mine
            if n == number
            else unknown(
                store["overpass"].values.tolist(),
                store["channel"].values.tolist(),
                self.grid.shape,
            )
            for n, store in enumerate(self.tb)
        )
        return replace(self, transfers=kept, gaps=None)

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names of the brightness temperatures."""
        return record.channels(self.tb)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Overpass names of the brightness temperatures."""
        return record.nodes(self.tb)


@dataclass(frozen=True)
class GapRefs:
    """How gaps are to be filled; see `soilft.radiometers.gaps.Gaps`.

    Parameters
    ----------
    operating
        First day of the period and number of each radiometer in operation, see `eras.spells`.
    normals
        URL of the store of the normals; None where no level needs them.
    """

    levels: tuple[str, ...]
    operating: tuple[tuple[int, int], ...]
    normals: str | None = None

    def open(self, days: int) -> Gaps:
        """Read the normals, for a period of that many days."""
        read = None if self.normals is None else normals_store.read(self.normals)
        return Gaps(self.levels, eras.spelt_out(self.operating, days), read)


@dataclass(frozen=True)
class RadiometerRefs:
    """URLs of the radiometers' stores, a small value that travels to workers.

    Parameters
    ----------
    tb
        Stores of the radiometers, the preferred one first.
    transfers
        Store of the inter-calibration of each to the reference; none where None.
    gaps
        How passes that were not seen are filled; not at all where None.
    """

    region: Region
    whole: DaySpan
    tb: tuple[str, ...] = ()
    transfers: str | None = None
    gaps: GapRefs | None = None

    def open(self) -> Radiometers:
        """Open the stores lazily."""
        tb = tuple(zarr.open_cube(url) for url in self.tb)
        axes = [(r["overpass"].values.tolist(), r["channel"].values.tolist()) for r in tb]
        return Radiometers(
            self.region.grid,
            self.whole,
            tb,
            () if self.transfers is None else intercalibration_store.read(self.transfers, axes),
            None if self.gaps is None else self.gaps.open(len(self.whole)),
        )
