"""SMAP L3 radiometer freeze/thaw (SPL3FTP), daily, 36 km EASE-Grid 2.0: HDF5 of NASA.

One file a UTC day holds two groups, a global grid and a north polar one, each with the morning pass
(06:00 local solar time, descending) before the evening pass (18:00, ascending) along its first
dimension; row 0 is the north. ``latitude`` and ``longitude`` are -9999 wherever nothing was
observed: they cannot serve as coordinates, but tell whether a file is the right way up, and which
part of the grid a subset is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal

import h5py
import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.errors import (
    ConfigError,
    FormatMismatch,
    MissingVariable,
    UnreadableGranule,
)
from soilft.geo.regrid import Overlap, overlap
from soilft.grid import PRESETS, Grid
from soilft.overpass import utc_hour
from soilft.schema import FROZEN, MISSING, THAWED, Coordinate, Variable, masked
from soilft.sources import files, native_grid
from soilft.sources.labels import DIMS, LOCAL_SOLAR_HOUR, label_variables
from soilft.sources.protocol import Arrays, Granule, Role, calendar_day
from soilft.sources.smap_native import (
    SURFACES,
    fractions,
    known_flags,
    native_window,
    poor_bits,
    require_states,
    surface_bits,
    text,
    utc_hours,
)

Projection = Literal["global", "polar"]
GRIDS: Mapping[str, Grid] = MappingProxyType(
    {
        "global": PRESETS["ease2-global-36km"],
        "polar": Grid("EPSG:6931", -9e6, 9e6, 36000.0, 36000.0, (500, 500)),
    }
)
# Releases before R16000 have one group, north of 45 degrees only.
FIRST_RELEASE = 16000

# Bits of ``label_quality``, with the surface conditions that set them.
QUALITY: Mapping[str, tuple[int, tuple[str, ...]]] = MappingProxyType(
    {
        "not_recommended": (1, ()),
        "water": (2, ("static_water", "high_water_fraction")),
        "coast": (4, ("coast",)),
        "precipitation": (8, ("precipitation",)),
        "snow_or_ice": (16, ("snow_or_ice",)),
        "permanent_snow_or_ice": (32, ("permanent_snow_or_ice",)),
        "mountains": (64, ("mountains",)),
    }
)
# Types of the arrays that every file has.
DTYPES = {
    "freeze_thaw": "uint8",
    "surface_flag": "uint16",
    "retrieval_qual_flag": "uint8 or uint16",
}
TIMES = ("freeze_thaw_time_utc", "freeze_thaw_time_seconds")
# Attributes that state the period of a file. A day's half orbits begin and end hours beside it.
EXTENT = ("rangeBeginningDateTime", "rangeEndingDateTime")
_DAY_SLACK = 18 * 3600.0

_NAME = re.compile(
    r"SMAP_L3_FT_(?P<family>P|P_E)_(?P<day>\d{8})_(?P<version>R(?P<release>\d{5})_\d{3})(?:\w*_subsetted)?\.(?:h5|nc4)$"
)
_NATIVE_DIMS = ("overpass", "y", "x")


@dataclass(frozen=True)
class SmapL3Ft:
    """The freeze/thaw state of each overpass, with the conditions it was retrieved under.

    Water and permanent ice have no state of the soil: they are missing. All else that the product
    flags keeps its state and is marked in ``label_quality``, for a score to leave out or not.

    Parameters
    ----------
    projection
        Which of the file's two grids: ``"global"``, or ``"polar"`` (data north of 45 degrees).
    masked_surfaces
        Surface conditions, from `SURFACES`, under which the state is missing.
    """

    role: ClassVar[Role] = "label"
    product: ClassVar[str] = "smap-l3-ft-36km"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = (
        "SMAP L3 Radiometer Freeze/Thaw SPL3FTP (NASA, NSIDC DAAC; Derksen et al. 2017, "
        "doi:10.1016/j.rse.2017.03.007)"
    )
    platform: ClassVar[str] = "SMAP"
    instrument: ClassVar[str] = "SMAP L-band radiometer"
    family: ClassVar[str] = "P"
    grids: ClassVar[Mapping[str, Grid]] = GRIDS

    projection: Projection = "global"
    masked_surfaces: tuple[str, ...] = (
        "static_water",
        "high_water_fraction",
        "permanent_snow_or_ice",
    )

    def __post_init__(self) -> None:
        for what, wanted, known in (
            ("SMAP projection", (self.projection,), self.grids),
            ("SMAP masked surfaces", self.masked_surfaces, SURFACES),
        ):
            unknown = [name for name in wanted if name not in known]
            if unknown:
                raise ConfigError(
                    what, expected=f"some of {', '.join(known)}", found=", ".join(unknown)
                )

    @property
    def overpasses(self) -> tuple[str, ...]:
        """AM is the descending node (06:00), PM the ascending one (18:00)."""
        return ("AM", "PM")

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """None."""
        return ()

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Label, time of observation and ``label_quality`` bits (time, overpass, y, x)."""
        bits = {name: bit for name, (bit, _) in QUALITY.items()}
        title = "conditions of the freeze/thaw state: SMAP L3 Freeze/Thaw"
        return (
            *label_variables("SMAP L3 Freeze/Thaw"),
            masked("label_quality", DIMS, title, bits),
        )

    @property
    def grid(self) -> Grid:
        """The declared grid of the projection."""
        return self.grids[self.projection]

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of this product."""
        match = _NAME.search(url)
        if match is None or match["family"] != self.family:
            return None
        day = calendar_day(match["day"])
        if day is None:
            return None
        return Granule((day,), "ft", match["version"], url)

    def read(self, path: Path) -> xr.Dataset:
        """Open a granule: codes and flags (overpass, y, x), AM first, with y and x in metres."""
        group = f"Freeze_Thaw_Retrieval_Data_{self.projection.capitalize()}"
        attributes = _identified(path, group, self.family)
        opened = _open_group(path, group)
        window = native_window(opened, self.grid, path)
        times = [name for name in TIMES if name in opened.variables][:1]
        kinds = DTYPES | dict.fromkeys(times, "text or float")
        for name, kind in kinds.items():
            array = files.require(opened, name, path)
            fits = (
                array.dtype.name in kind.split() if name in DTYPES else array.dtype.kind in "fSUO"
            )
            if array.shape != (2, *window.shape) or not fits:
                raise FormatMismatch(
                    f"{path.name}: {name}",
                    expected=f"{kind} of shape {(2, *window.shape)}, AM before PM",
                    found=f"{array.dtype} of shape {array.shape}",
                )
        require_states(opened["freeze_thaw"], path)
        surface_bits(opened["surface_flag"], path)
        poor_bits(opened["retrieval_qual_flag"], path)
        arrays = {name: _renamed(opened[name]) for name in kinds}
        axes = {"y": window.y, "x": window.x}
        return files.derived(xr.Dataset(arrays, axes, attributes), opened)

    def place(self, dataset: xr.Dataset, granule: Granule, day: date, grid: Grid) -> Arrays:
        """State and quality on the grid by majority of area, hours UTC of the largest piece.

        Times are there where the file has them; all arrays are (overpass, y, x).
        """
        path = Path(granule.name)
        row, column = (
            round(float(offset[0]))
            for offset in fractions(self.grid, dataset.x.values[:1], dataset.y.values[:1])
        )
        native = self.grid.window(
            slice(row, row + dataset.sizes["y"]), slice(column, column + dataset.sizes["x"])
        )
        rows, columns = native_grid.overlapping(native, grid, granule.name)
        with files.reading(path):
            part = dataset.isel(y=rows, x=columns).load()
        cells = native.window(rows, columns)
        weights = overlap(cells, grid)
        state, quality = self._labels(part, path)
        label = weights.majority(state, missing=MISSING)
        marked = np.full(label.shape, MISSING, "uint8")
        marked[label != MISSING] = 0
        for bit, _ in QUALITY.values():
            share = np.where(state != MISSING, (quality & bit) > 0, np.nan)
            marked[(label != MISSING) & (weights.mean(share) >= 0.5 - 1e-6)] += bit
        placed: Arrays = {"freeze_thaw": label, "label_quality": marked}
        for name in set(TIMES) & set(part.variables):
            hours = np.full(state.shape, np.nan)
            seen = state != MISSING
            hours[seen] = utc_hours(part[name].values[seen], day, f"{path.name}: {name}")
            _require_local_time(hours, cells, self.overpasses, f"{path.name}: {name}")
            placed["observation_time"] = _of_largest(weights, hours)
        return placed

    def _labels(
        self, part: xr.Dataset, path: Path
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """State and quality bits of native cells, (overpass, y, x)."""
        codes, surface = part["freeze_thaw"].values, part["surface_flag"].values
        retrieval = part["retrieval_qual_flag"].values
        bits = surface_bits(part["surface_flag"], path)
        state = np.full(codes.shape, MISSING, "uint8")
        state[codes == 0] = THAWED
        state[codes == 1] = FROZEN
        hidden = sum(bits[name] for name in self.masked_surfaces)
        # Of a cell without flags nobody knows whether it is land.
        state[((surface & hidden) > 0) | ~known_flags(part["surface_flag"])] = MISSING
        poor = (retrieval & poor_bits(part["retrieval_qual_flag"], path)) > 0
        # Bit 0 of the fill value is 0: unmasked, it would read as recommended.
        poor |= ~known_flags(part["retrieval_qual_flag"])
        quality = np.where(poor, QUALITY["not_recommended"][0], 0).astype("uint8")
        for bit, names in QUALITY.values():
            if names:
                quality[(surface & sum(bits[name] for name in names)) > 0] |= bit
        return state, quality

    def combine(self, parts: Sequence[tuple[Granule, Arrays]], day: date, grid: Grid) -> Arrays:
        """The one granule of the day; a state without a time gets its overpass's nominal one."""
        _, arrays = max(parts, key=lambda part: part[0])
        state = arrays["freeze_thaw"]
        nominal = np.stack(
            [utc_hour(LOCAL_SOLAR_HOUR[name], grid.lonlat[0]) for name in self.overpasses]
        )
        time = arrays.get("observation_time", np.full(state.shape, np.nan, "float32"))
        time = np.where(np.isfinite(time), time, nominal)
        time = np.where(state != MISSING, time, np.nan).astype("float32")
        return {**arrays, "observation_time": time}


def _identified(path: Path, group: str, family: str) -> dict[str, str]:
    """Check name, container and group; what the root says that concerns the reader's caller."""
    match = _NAME.search(path.name)
    known = match is not None and match["family"] == family
    if match is None or not known or int(match["release"]) < FIRST_RELEASE:
        raise FormatMismatch(
            f"{path.name}: release",
            expected=f"SMAP_L3_FT_{family}_YYYYMMDD_Rvvvvv_nnn.h5 with R{FIRST_RELEASE} or later",
            found=f"R{match['release']}" if match is not None and known else "another name",
        )
    files.require_self_contained(path)
    with files.reading(path), h5py.File(path) as file:
        if not isinstance(file.get(group), h5py.Group):
            raise MissingVariable(
                path.name, expected=f"the group {group}", found=", ".join(file) or "nothing"
            )
        said = _attributes(file, "Metadata/DatasetIdentification")
        extent = _attributes(file, "Metadata/Extent")
        simulated = text(file.attrs.get("simulated", "false"))
    # A renamed file gives itself away, where it says what it is at all.
    names = {"shortName": f"SPL3FT{family}", "CompositeReleaseID": f"R{match['release']}"}
    for key, expected in names.items():
        found = text(said.get(key, expected))
        if found != expected:
            raise FormatMismatch(f"{path.name}: {key}", expected=expected, found=found)
    _require_day(extent, match["day"], path)
    return {"simulated": simulated}


def _attributes(file: h5py.File, group: str) -> dict[str, object]:
    """Attributes of a group; none where it is not there."""
    found = file.get(group)
    return {} if found is None else dict(found.attrs)


def _require_day(extent: Mapping[str, object], day: str, path: Path) -> None:
    """Hold the middle of the period that a file states, if any, against the day of its name."""
    stated = [text(extent[key]) for key in EXTENT if key in extent]
    try:
        begin, end = (_seconds(moment) for moment in stated)
    except ValueError:
        if not stated:
            return
        raise FormatMismatch(
            f"{path.name}: {EXTENT[0]}", expected="two moments", found=" and ".join(stated)
        ) from None
    if abs((begin + end) / 2 - _seconds(f"{day}T12:00")) > _DAY_SLACK:
        raise FormatMismatch(
            f"{path.name}: {EXTENT[0]}",
            expected=f"a period about {day}, as named",
            found=" to ".join(stated),
            remedy="Was the file renamed? Give it the name of its own day.",
        )


def _seconds(moment: str) -> float:
    """Seconds since 1970 of a moment of UTC as ISO 8601 writes it."""
    parsed = datetime.fromisoformat(moment)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _open_group(path: Path, group: str) -> xr.Dataset:
    try:
        return xr.open_dataset(
            path, engine="netcdf4", group=group, mask_and_scale=False, decode_times=False
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise UnreadableGranule(
            path.name, expected=f"a readable group {group}", found=str(error)
        ) from error


def _renamed(array: xr.DataArray) -> xr.DataArray:
    """A variable with our dimensions, whatever the file or the library calls them."""
    bare = array.drop_vars(list(array.coords))
    return bare.swap_dims(dict(zip(array.dims, _NATIVE_DIMS, strict=True)))


def _require_local_time(
    hours: npt.NDArray[np.float64], cells: Grid, overpasses: Sequence[str], thing: str
) -> None:
    """Refuse a file whose passes are not at their local solar hour: swapped, or columns rolled."""
    lon, lat = cells.lonlat
    for name, field in zip(overpasses, hours, strict=True):
        # Towards the pole a swath crosses many hours of local time.
        known = np.isfinite(field) & (np.abs(lat) <= 60)
        expected = LOCAL_SOLAR_HOUR[name]
        off = (field[known] + lon[known] / 15 - expected + 12) % 24 - 12
        if off.size and abs(np.median(off)) > 3:
            raise FormatMismatch(
                thing,
                expected=f"{name} near {expected:g} h local solar time",
                found=f"{(expected + np.median(off)) % 24:.1f} h",
            )


def _of_largest(weights: Overlap, hours: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Time of the piece that covers most of each target cell, shape (overpass, y, x).

    Never a mean: neighbours at 23.9 h and 0.1 h belong to passes a day apart.
    """
    out = np.full((len(hours), weights.matrix.shape[0]), np.nan, "float32")
    for field, result in zip(hours.reshape(len(hours), -1), out, strict=True):
        known = np.flatnonzero(np.isfinite(field))
        if known.size:
            pieces = weights.matrix[:, known]
            pieces.sort_indices()
            covered = np.diff(pieces.indptr) > 0
            result[covered] = field[known][np.ravel(pieces.argmax(axis=1))[covered]]
    return out.reshape(len(hours), *weights.target_shape)
