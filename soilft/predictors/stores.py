"""Input stores of a region, as a small value that travels to workers and opens them there."""

from __future__ import annotations

from dataclasses import dataclass

from soilft.days import DaySpan
from soilft.grid import Region
from soilft.predictors.features import FeatureSet, names_of
from soilft.predictors.window import HALO_DAYS, REACH_DAYS, REMEMBERED, Inputs
from soilft.radiometers import eras, normals_store, transfer_store
from soilft.radiometers.gaps import Gaps
from soilft.radiometers.normals import PARTS
from soilft.store import zarr as store


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
class InputRefs:
    """URLs of input stores by role; those a region does not have are empty or None.

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
    reanalysis: str | None = None
    static: str | None = None
    transfers: str | None = None
    gaps: GapRefs | None = None

    def open(self) -> Inputs:
        """Open the stores lazily."""
        opened = {
            role: None if url is None else store.open_cube(url)
            for role, url in (
                ("reanalysis", self.reanalysis),
                ("static", self.static),
            )
        }
        tb = tuple(store.open_cube(url) for url in self.tb)
        axes = [(r["overpass"].values.tolist(), r["channel"].values.tolist()) for r in tb]
        transfers = () if self.transfers is None else transfer_store.read(self.transfers, axes)
        return Inputs(
            self.region.grid,
            self.whole,
            tb=tb,
            mask=self.region.mask,
            transfers=transfers,
            gaps=None if self.gaps is None else self.gaps.open(len(self.whole)),
            **opened,
        )


def block_bytes(references: InputRefs, features: FeatureSet, span: DaySpan) -> int:
    """Memory that computing a block of features needs at most, from its shapes.

    The features twice (as fields, and gathered by pixel), and the brightness temperatures of the
    span with its halo: merged, of one radiometer before that, and for each overpass as matched.
    Where gaps are filled, also those of other radiometers, the anomalies from the normals, what
    they are filled with, and the normals themselves.
    """
    inputs = references.open()
    cells = 4 * inputs.grid.shape[0] * inputs.grid.shape[1]
    width, targets = len(names_of(inputs, features)), len(features.targets)
    axes = len(inputs.nodes) * len(inputs.channels)
    tb = (len(span) + 2 * HALO_DAYS) * axes
    past = (len(span) + REACH_DAYS) * len(set(REMEMBERED) & set(inputs.reanalysis_names))
    filling = 0
    if inputs.gaps is not None:
        reach = 2 * inputs.gaps.reach * axes
        kept = 0 if inputs.gaps.normals is None else PARTS * axes
        filling = 4 * (tb + reach) + kept + 2 * reach
    return cells * (2 * len(span) * targets * width + tb * (2 + 2 * targets) + 4 * past + filling)
