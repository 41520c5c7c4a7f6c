"""JAXA's L3 brightness temperature of a sensor, daily, 0.25 or 0.1 degree: a file a band and node.

Row 0 is the north and column 0 starts at Greenwich, 0 to 360 degrees east. The files carry no
axes, so one that was turned upside down or rolled by half a turn cannot be told from a right one;
a transposed one, and one of other cells, can. Names end in ``L3SGT``, the band, the letter of the
cells (L 0.25 degree, H 0.1 degree), the developer's letter, and the version: product (one digit),
algorithm and parameters (three digits each).

The stored type was not seen in a real file. Unsigned 16 bit is the documented one. Signed 16 bit of
the same scale in K is decoded to the same temperatures: its negative codes, whichever they are, are
all missing, because no temperature is below 0 K.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from soilft.channels import channel_coordinate
from soilft.errors import FormatMismatch, GridMismatch, InputError
from soilft.geo.regrid import overlap
from soilft.grid import Grid
from soilft.schema import Coordinate, Variable
from soilft.sources import files, native_grid
from soilft.sources.amsr import (
    FREQUENCIES,
    GRID,
    OVERPASSES,
    POLARIZATIONS,
    channel_names,
    day_of,
    letters,
    possible,
    require_bands,
    tb_variables,
)
from soilft.sources.protocol import Arrays, Granule, Role, calendar_day

OUT_OF_RANGE, NOT_OBSERVED = 65534, 65535
SCALE = 0.01


@dataclass(frozen=True)
class Sensor:
    """What tells one sensor's files from another's.

    Parameters
    ----------
    prefix
        Pattern of the file name before the date.
    names, platforms
        What ``SensorShortName`` and ``PlatformShortName`` may say, hyphens and case aside.
    frequencies
        Bands of the sensor, from `FREQUENCIES`.
    versions
        First digits of the versions that are read.
    """

    prefix: str
    names: tuple[str, ...]
    platforms: tuple[str, ...]
    frequencies: Mapping[str, str]
    versions: tuple[str, ...]

    def parsed(self, url: str) -> re.Match[str] | None:
        """Parts of a file name, or None where it is not one of the sensor's daily L3 TB files."""
        return re.search(
            rf"(?:^|/)(?:{self.prefix})_(?P<day>\d{{8}})_01D_EQM(?P<node>[AD])_L3SGT"
            r"(?P<band>\d\d)(?P<cells>[LH])A(?P<version>\d+)\.h5$",
            url,
        )


@dataclass(frozen=True)
class Cells:
    """Size of a product's cells.

    Parameters
    ----------
    letter
        Of the file names.
    grid
        From 180 degrees west, though column 0 of the files starts at Greenwich.
    """

    letter: str
    grid: Grid

    def __str__(self) -> str:
        return f"cells of {self.grid.width:g} degrees (letter {self.letter} in the file name)"


QUARTER = Cells("L", GRID)
TENTH = Cells("H", Grid("EPSG:4326", -180.0, 90.0, 0.1, 0.1, (1800, 3600)))


@dataclass(frozen=True)
class JaxaL3:
    """Brightness temperature of both nodes; subclasses say of which sensor.

    Parameters
    ----------
    bands
        Two-digit frequencies of the file names.
    """

    role: ClassVar[Role] = "tb"
    product: ClassVar[str]
    references: ClassVar[str]
    platform: ClassVar[str]
    instrument: ClassVar[str]
    sensor: ClassVar[Sensor]
    cells: ClassVar[Cells] = QUARTER

    bands: tuple[str, ...] = ("10", "18", "23", "36", "89")

    def __post_init__(self) -> None:
        require_bands(self.bands, self.sensor.frequencies, self.sensor.names[0])

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names, V before H, by rising frequency."""
        return channel_names(self.bands)

    @property
    def overpasses(self) -> tuple[str, ...]:
        """AM is the descending node (01:30), PM the ascending one (13:30)."""
        return OVERPASSES

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The channel axis."""
        return (channel_coordinate(self.channels),)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """``tb`` (time, overpass, channel, y, x) in K, and the time of observation."""
        return tb_variables()

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of this product, or of another band.

        Files that `read` refuses by their name, of other cells or of another version, have slots of
        their own: they are set aside, and do not stand in for the right file of the day.
        """
        match = self.sensor.parsed(url)
        if match is None or match["band"] not in self.bands:
            return None
        day = calendar_day(match["day"])
        if day is None:
            return None
        slot = match["node"] + match["band"]
        if match["cells"] != self.cells.letter or match["version"][0] not in self.sensor.versions:
            slot += f"{match['cells']}{match['version']}"
        return Granule((day,), slot, match["version"], url)

    def leaves_out(self, url: str) -> bool:
        """Whether a file is of the product, and of a band that is not asked for."""
        match = self.sensor.parsed(url)
        others = set(self.sensor.frequencies) - set(self.bands)
        return match is not None and match["band"] in others

    def read(self, path: Path) -> xr.Dataset:
        """Open a granule: ``V`` and ``H`` in K, (lat, lon), row 0 north, column 0 at Greenwich."""
        match = self._supported(path)
        dataset = files.open_netcdf(path, mask_and_scale=False)
        try:
            self._require_identity(dataset.attrs, match, path)
            counts = {p: _counts(dataset, p, self.cells, path) for p in POLARIZATIONS}
            grid = self.cells.grid
            axes = {"lat": grid.y, "lon": grid.width * (0.5 + np.arange(grid.shape[1]))}
            with warnings.catch_warnings():
                # The product has two codes for missing, and each is meant.
                warnings.simplefilter("ignore", xr.SerializationWarning)
                decoded = xr.decode_cf(xr.Dataset(counts, axes, dataset.attrs))
        except InputError:
            dataset.close()
            raise
        return files.derived(decoded, dataset)

    def place(
        self,
        dataset: xr.Dataset,
        granule: Granule,
        day: date,
        grid: Grid,
    ) -> Arrays:
        """Both polarizations on the grid, (2, y, x), V first."""
        whole = self.cells.grid
        rows, columns = native_grid.overlapping(whole, grid, granule.name)
        # Column 0 of the declared grid is 180 degrees west: half-way round the file's columns.
        around = whole.shape[1]
        native_columns = (np.arange(columns.start, columns.stop) + around // 2) % around
        part = dataset.isel(lat=rows, lon=native_columns)
        with files.reading(Path(granule.name)):
            values = possible(np.stack([part[p].values for p in POLARIZATIONS]))
        return {"tb": overlap(whole.window(rows, columns), grid).mean(values)}

    def combine(
        self,
        parts: Sequence[tuple[Granule, Arrays]],
        day: date,
        grid: Grid,
    ) -> Arrays:
        """Stack nodes and channels; the observation time is the node's nominal one."""
        planes = {
            (granule.slot[0], f"{FREQUENCIES[granule.slot[1:3]]}{p}"): arrays["tb"][i]
            for granule, arrays in parts
            for i, p in enumerate(POLARIZATIONS)
        }
        return day_of(planes, {}, self.channels, grid)

    def _supported(self, path: Path) -> re.Match[str]:
        """What the file name says, where it is one that can be read."""
        match = self.sensor.parsed(path.name)
        if match is None:
            raise FormatMismatch(
                path.name, expected=f"a name of {self.product}", found="another name"
            )
        if match["version"][0] not in self.sensor.versions:
            raise FormatMismatch(
                f"{path.name}: version",
                expected=f"{' or '.join(self.sensor.versions)} as its first digit",
                found=match["version"],
            )
        if match["cells"] != self.cells.letter:
            raise GridMismatch(
                path.name,
                expected=str(self.cells),
                found=f"letter {match['cells']}",
                remedy="The 0.1 degree files have the letter H.",
            )
        return match

    def _require_identity(
        self, attributes: Mapping[Any, Any], match: re.Match[str], path: Path
    ) -> None:
        """Hold what the file says of itself against the sensor and against its name."""
        for name, known, needed in (
            ("SensorShortName", self.sensor.names, True),
            ("PlatformShortName", self.sensor.platforms, False),
        ):
            found = _text(attributes.get(name, "none"))
            if name not in attributes and not needed:
                continue
            if letters(found) not in map(letters, known):
                raise FormatMismatch(
                    f"{path.name}: {name}", expected=" or ".join(known), found=found
                )
        direction = _text(attributes.get("OrbitDirection", "")).upper()[:1]
        if direction in ("A", "D") and direction != match["node"]:
            raise FormatMismatch(
                f"{path.name}: OrbitDirection", expected=match["node"], found=direction
            )
        # A renamed file would put one day, node or band in another's place.
        inner = _text(attributes.get("GranuleID", "")).removesuffix(".h5")
        said = self.sensor.parsed(f"{inner}.h5")
        parts = ("day", "node", "band", "cells")
        if said is not None and said.group(*parts) != match.group(*parts):
            raise FormatMismatch(
                f"{path.name}: GranuleID", expected=path.name.removesuffix(".h5"), found=inner
            )


def _counts(dataset: xr.Dataset, polarization: str, cells: Cells, path: Path) -> xr.DataArray:
    name = f"Brightness Temperature ({polarization})"
    counts = files.require(dataset, name, path)
    if counts.shape != cells.grid.shape:
        raise GridMismatch(
            f"{path.name}: {name}",
            expected=f"{cells.grid.shape} {cells}",
            found=str(counts.shape),
            remedy="The 0.1 degree files have the letter H.",
        )
    scale = float(np.ravel(counts.attrs.get("SCALE FACTOR", np.nan))[0])
    units = _text(counts.attrs.get("UNIT", "none"))
    kind = counts.dtype.kind if counts.dtype.itemsize == 2 else "other"
    # Unsigned numbers without a unit are what is documented; signed ones must say what they are.
    fits = units == "K" or (kind == "u" and units == "none")
    if kind not in "ui" or not fits or not abs(scale - SCALE) < 1e-6:
        raise FormatMismatch(
            f"{path.name}: {name}",
            expected="uint16 with SCALE FACTOR 0.01 and UNIT K (or int16 that says the same)",
            found=f"{counts.dtype} with SCALE FACTOR {scale:g} and UNIT {units}",
        )
    decoding: dict[str, Any] = {"scale_factor": np.float32(SCALE), "units": "K"}
    if kind == "u":
        decoding |= {
            "_FillValue": np.uint16(NOT_OBSERVED),
            "missing_value": np.uint16(OUT_OF_RANGE),
        }
    named = counts.rename(dict(zip(counts.dims, ("lat", "lon"), strict=True)))
    return named.drop_attrs().assign_attrs(decoding)


def _text(value: object) -> str:
    items = np.ravel(np.asarray(value))
    item = items[0] if items.size else ""
    return (item.decode("ascii", "replace") if isinstance(item, bytes) else str(item)).strip("\0 ")
