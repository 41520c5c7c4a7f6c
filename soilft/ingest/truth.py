"""Truth of a synthetic Earth on the region's grid, for validation of what was made of its files.

It lies beside the inputs and is none of them: no input may bear its name, no predictor reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from soilft.days import DaySpan
from soilft.errors import FormatMismatch
from soilft.geo.regrid import Overlap, overlap
from soilft.grid import PRESETS, Grid
from soilft.ingest.granules import template_for
from soilft.schema import FROZEN, MISSING, THAWED, Coordinate, Template, Variable, flagged, measured
from soilft.sources import files, native_grid
from soilft.sources.protocol import Arrays, Granule, Role, calendar_day, is_simulated

NAME = "truth"
# Label satellite of each product, and the node that passes in the morning and in the evening.
SATELLITES: Mapping[str, str] = {"smos-l3-ft": "smos", "smap-l3-ft-36km": "smap"}
NODES: Mapping[str, Mapping[str, str]] = {
    "smos": {"AM": "ascending", "PM": "descending"},
    "smap": {"AM": "descending", "PM": "ascending"},
}
# Names of the files, about the day as YYYYMMDD.
PREFIX, SUFFIX = "simulated_truth_", ".nc"
_DIMS = ("time", "overpass", "y", "x")


@dataclass(frozen=True)
class TruthSource:
    """State of 0-5 cm of soil at every pass of a label satellite, as the simulator writes it.

    Parameters
    ----------
    satellite
        ``"smos"`` or ``"smap"``.
    overpasses
        Names along the overpass dimension, ``"AM"`` and ``"PM"``.
    seed
        Of the synthetic Earth: the files of another are refused.
    """

    satellite: str
    overpasses: tuple[str, ...]
    seed: int

    role: ClassVar[Role] = "label"
    product: ClassVar[str] = "simulated-truth"
    version: ClassVar[str] = "0.3.0"
    references: ClassVar[str] = "SIMULATED: the synthetic Earth of soilft.simulate"
    platform: ClassVar[str] = ""
    instrument: ClassVar[str] = ""

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """None."""
        return ()

    @property
    def variables(self) -> tuple[Variable, ...]:
        """State and temperature of 0-5 cm of soil (time, overpass, y, x)."""
        return (
            flagged(
                "freeze_thaw",
                _DIMS,
                "SIMULATED true state of 0-5 cm of soil at the pass, by majority of area",
                {"thawed": THAWED, "frozen": FROZEN},
            ),
            measured(
                "soil_temperature", _DIMS, "K", "SIMULATED true temperature of 0-5 cm at the pass"
            ),
        )

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of the simulator's truth."""
        name = url.rsplit("/", 1)[-1]
        if not (name.startswith(PREFIX) and name.endswith(SUFFIX)):
            return None
        text = name.removeprefix(PREFIX).removesuffix(SUFFIX)
        day = calendar_day(text) if len(text) == 8 and text.isdigit() else None
        return None if day is None else Granule((day,), NAME, "0", url)

    def read(self, path: Path) -> xr.Dataset:
        """Open a file: ``frozen_<node>`` and ``soil_temperature_<node>`` (lat, lon), south first.

        Raises
        ------
        FormatMismatch
            Where the file is not of the synthetic Earth with this seed.
        """
        dataset = files.open_netcdf(path, mask_and_scale=False)
        seed = dataset.attrs.get("simulation_seed", "none")
        if not is_simulated(dataset.attrs) or str(seed) != str(self.seed):
            raise FormatMismatch(
                path.name,
                expected=f"the truth of a synthetic Earth of the seed {self.seed}",
                found=f"simulated {dataset.attrs.get('simulated', 'none')}, seed {seed}",
                remedy="Set simulation.seed of the region file to that of the archive.",
            )
        layers = {
            f"{name}_{node}": files.require(dataset, f"{name}_{self.satellite}_{node}", path)
            for name in ("frozen", "soil_temperature")
            for node in self._nodes()
        }
        return files.derived(xr.Dataset(layers, attrs=dataset.attrs), dataset)

    # The protocol of sources with days: not every product needs every argument.
    def place(
        self,
        dataset: xr.Dataset,
        granule: Granule,
        day: date,  # noqa: ARG002
        grid: Grid,
    ) -> Arrays:
        """The day on the grid, each (overpass, y, x)."""
        path = Path(granule.name)
        whole = PRESETS["latlon-0.25"]
        with files.reading(path):
            found = {str(name): np.asarray(item.values) for name, item in dataset.items()}
        native = native_grid.aligned_window(
            path, dataset["lat"].values, dataset["lon"].values, whole, south_first=True
        )
        native_grid.overlapping(native, grid, granule.name)
        weights = overlap(native, grid)
        states, temperatures = zip(
            *(
                on_grid(found[f"frozen_{node}"], found[f"soil_temperature_{node}"], weights)
                for node in self._nodes()
            ),
            strict=True,
        )
        return {"freeze_thaw": np.stack(states), "soil_temperature": np.stack(temperatures)}

    def combine(
        self,
        parts: Sequence[tuple[Granule, Arrays]],
        day: date,  # noqa: ARG002
        grid: Grid,  # noqa: ARG002
    ) -> Arrays:
        """The one file of a day as it is."""
        return parts[-1][1]

    def _nodes(self) -> tuple[str, ...]:
        return tuple(NODES[self.satellite][name] for name in self.overpasses)


def on_grid(frozen: Any, temperature: Any, weights: Overlap) -> tuple[Any, Any]:
    """State by majority of area and mean temperature of one pass, on the target grid (y, x).

    Parameters
    ----------
    frozen : array of bool or uint8
        Whether each cell of the synthetic Earth is frozen, (lat, lon), row 0 in the south. Of
        equal areas the cell counts as thawed.
    temperature : array
        Of 0-5 cm, K, (lat, lon).
    weights : Overlap
        From those cells, north up, to the grid.
    """
    state = np.where(np.asarray(frozen, bool), FROZEN, THAWED).astype("uint8")
    return weights.majority(state[::-1], missing=MISSING), weights.mean(temperature[::-1])


def template(source: TruthSource, grid: Grid, days: DaySpan, chunk: int) -> Template:
    """Structure of ``inputs/truth.zarr``: chunked as the inputs are, and marked as no predictor."""
    made = template_for(source, grid, days, chunk)
    marks = {
        "simulated": "true",
        "simulation_seed": source.seed,
        "comment": "What is true on the synthetic Earth: for judging only, never a predictor.",
    }
    return replace(made, attributes={**made.attributes, **marks})
