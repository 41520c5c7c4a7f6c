"""MEaSUREs freeze/thaw record of AMSR-E and AMSR2 (FT-ESDR, NSIDC-0477; Kim et al. 2017), 25 km.

HDF5, a file a day and overpass, states from 36.5 GHz V by a seasonal threshold. The codes are those
of the product's own description of version 5. The name of the array and the grid of a version could
not be confirmed: the array is the one that holds such codes, and its shape tells EASE-Grid 1 (586 x
1383) from EASE-Grid 2.0 (584 x 1388). Where the file has ``cell_lat`` and ``cell_lon``, they must
agree with it; row 0 is the north.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import h5py
import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.errors import FormatMismatch, GridMismatch
from soilft.geo.regrid import overlap
from soilft.grid import PRESETS, Grid
from soilft.overpass import utc_hour
from soilft.schema import FROZEN, MISSING, THAWED, Coordinate, Variable
from soilft.sources import files, native_grid
from soilft.sources.amsr import LOCAL_SOLAR_HOUR, OVERPASSES
from soilft.sources.labels import label_variables
from soilft.sources.protocol import Arrays, Granule, Role, day_of_year

_SIDE = 25067.525
GRIDS: Mapping[tuple[int, int], Grid] = MappingProxyType(
    {
        (586, 1383): Grid(
            "EPSG:3410", -1383 / 2 * _SIDE, 586 / 2 * _SIDE, _SIDE, _SIDE, (586, 1383)
        ),
        (584, 1388): PRESETS["ease2-global-25km"],
    }
)
# Of each overpass; 2 and 3 are states of a whole day, in the combined files (CO).
STATES: Mapping[int, int] = MappingProxyType({0: FROZEN, 1: THAWED})
COMBINED, NO_STATE = (2, 3), (252, 253, 254, 255)
# Names that latitude and longitude may have, of each cell or of each row and column.
_PLACES = (("cell_lon", "longitude", "lon"), ("cell_lat", "latitude", "lat"))
# Latitude and longitude of the file may be rounded, or of the cell's edge; not of another row.
_DEGREES_OFF = 0.2

_NAME = re.compile(
    r"(?:^|/)(?P<sensor>AMSR[E2]?)_36V_(?P<overpass>AM|PM)_FT_(?P<year>\d{4})_day(?P<doy>\d{3})"
    r"(?:_v(?P<version>\d\d))?\.(?:h5|hdf5)$"
)


@dataclass(frozen=True)
class FtEsdr:
    """The freeze/thaw state of each overpass; AM is 01:30, PM 13:30 local solar time."""

    role: ClassVar[Role] = "label"
    product: ClassVar[str] = "ft-esdr-25km"
    version: ClassVar[str] = "0.3.0"
    references: ClassVar[str] = (
        "MEaSUREs FT-ESDR of AMSR-E and AMSR2, NSIDC-0477 (Kim et al. 2017, "
        "doi:10.5194/essd-9-133-2017)"
    )
    platform: ClassVar[str] = "Aqua, GCOM-W1"
    instrument: ClassVar[str] = "AMSR-E, AMSR2"
    solar_hours: ClassVar[Mapping[str, float]] = LOCAL_SOLAR_HOUR

    @property
    def overpasses(self) -> tuple[str, ...]:
        """AM is the descending node (01:30), PM the ascending one (13:30)."""
        return OVERPASSES

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """None."""
        return ()

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Label and time of observation (time, overpass, y, x)."""
        return label_variables("MEaSUREs FT-ESDR")

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of this product, or of the combined state."""
        match = _NAME.search(url)
        day = match and day_of_year(int(match["year"]), int(match["doy"]))
        if not match or not day:
            return None
        # Older editions wrote their number, and AMSR for both sensors; digits sort before letters.
        version = ".".join(part for part in (match["version"], match["sensor"]) if part)
        return Granule((day,), match["overpass"], version, url)

    def read(self, path: Path) -> xr.Dataset:
        """Open a granule: ``code`` uint8 (y, x), row 0 north, y and x in metres."""
        if _NAME.search(path.name) is None:
            raise FormatMismatch(
                path.name, expected="AMSR2_36V_AM_FT_YYYY_dayDDD.h5 or the like", found=path.name
            )
        files.require_self_contained(path)
        with files.reading(path), h5py.File(path) as file:
            arrays = dict(_maps(file))
            name, code = _codes(arrays, path)
            grid = GRIDS[code.shape]
            _require_place(arrays, grid, path)
            simulated = _text(file.attrs.get("simulated", "false"))
        field = xr.Variable(("y", "x"), code, {"name_in_file": name})
        return xr.Dataset({"code": field}, {"y": grid.y, "x": grid.x}, {"simulated": simulated})

    def place(self, dataset: xr.Dataset, granule: Granule, day: date, grid: Grid) -> Arrays:
        """The state on the grid by majority of area, (y, x)."""
        native = GRIDS[dataset.code.shape]
        rows, columns = native_grid.overlapping(native, grid, granule.name)
        code = dataset.code.isel(y=rows, x=columns).values
        state = np.full(code.shape, MISSING, "uint8")
        for stored, ours in STATES.items():
            state[code == stored] = ours
        weights = overlap(native.window(rows, columns), grid)
        return {"freeze_thaw": weights.majority(state, missing=MISSING)}

    def combine(self, parts: Sequence[tuple[Granule, Arrays]], day: date, grid: Grid) -> Arrays:
        """Stack the overpasses; the observation time is each one's nominal one."""
        state = np.full((len(OVERPASSES), *grid.shape), MISSING, "uint8")
        for granule, arrays in sorted(parts, key=lambda part: part[0]):
            state[OVERPASSES.index(granule.slot)] = arrays["freeze_thaw"]
        hours = np.stack([utc_hour(self.solar_hours[name], grid.lonlat[0]) for name in OVERPASSES])
        time = np.where(state != MISSING, hours, np.float32(np.nan))
        return {"freeze_thaw": state, "observation_time": time}


def _maps(file: h5py.File) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Every array of one or two dimensions, in all groups."""
    found: list[h5py.Dataset] = []

    def visit(_name: str, thing: Any) -> None:
        if isinstance(thing, h5py.Dataset) and thing.ndim in (1, 2):
            found.append(thing)

    file.visititems(visit)
    for dataset in found:
        yield dataset.name.strip("/"), dataset[...]


def _codes(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> tuple[str, npt.NDArray[np.uint8]]:
    """The one array of states."""
    bytes_ = {n: a for n, a in arrays.items() if a.dtype in ("uint8", "int8")}
    shapes = " or ".join(f"{a} x {b}" for a, b in GRIDS)
    if not bytes_:
        held = ", ".join(f"{n} {a.dtype} {a.shape}" for n, a in arrays.items())
        raise FormatMismatch(
            path.name, expected=f"one array of bytes, {shapes}", found=held or "no map"
        )
    mapped = {n: a.view("uint8") for n, a in bytes_.items() if a.shape in GRIDS}
    if not mapped:
        held = ", ".join(f"{n} {a.shape}" for n, a in bytes_.items())
        raise GridMismatch(path.name, expected=f"{shapes} cells of 25 km", found=held)
    known = np.isin(np.arange(256), [*STATES, *NO_STATE])
    fits = {n: a for n, a in mapped.items() if known[a].all()}
    if len(fits) != 1:
        held = "; ".join(f"{n}: {np.unique(a)[:8].tolist()}" for n, a in mapped.items())
        raise FormatMismatch(
            f"{path.name}: states",
            expected=f"one array of codes among {', '.join(map(str, [*STATES, *NO_STATE]))}",
            found=held,
            remedy=f"Codes {COMBINED} are of the combined files (CO), which are not read.",
        )
    [(name, code)] = fits.items()
    return name, code


def _require_place(arrays: Mapping[str, npt.NDArray[Any]], grid: Grid, path: Path) -> None:
    """Hold latitudes and longitudes, of cells or of axes, against the grid, where there are any."""
    lon, lat = grid.lonlat
    for leaves, cells, line in zip(_PLACES, (lon, lat), (lon[0], lat[:, 0]), strict=True):
        for name, stored in arrays.items():
            expected = {cells.shape: cells, line.shape: line}.get(stored.shape)
            if expected is None or name.rsplit("/", 1)[-1].lower() not in leaves:
                continue
            off = np.abs(stored.astype("float64") - expected)
            off = off[np.isfinite(off) & (np.abs(stored) <= 180)]
            if off.size and np.median(off) > _DEGREES_OFF:
                raise GridMismatch(
                    f"{path.name}: {name}",
                    expected=f"cells of {grid.crs}, row 0 north, columns from 180 degrees west",
                    found=f"{np.median(off):.3g} degrees off",
                    remedy="Is this file flipped, or re-gridded?",
                )


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
