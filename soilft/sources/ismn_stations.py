"""International Soil Moisture Network: 0-5 cm soil temperature of stations at the overpasses.

An archive is the zip file that ISMN delivers, or the folder that it unpacks to, with
``NETWORK/STATION/*_ts_<from>_<to>_<sensor>_<start>_<end>.stm`` in either of ISMN's two layouts
(header+values and CEOP): UTC, degrees Celsius, one quality flag a reading (Dorigo et al. 2021,
doi:10.5194/hess-25-5749-2021). The package ``ismn`` reads the files.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import xarray as xr

from soilft.days import DaySpan
from soilft.errors import (
    ConfigError,
    FormatMismatch,
    GridMismatch,
    InputError,
    MissingVariable,
    UnreadableGranule,
)
from soilft.grid import Grid
from soilft.schema import Variable
from soilft.sources.ismn_archive import Archive, damaged, opened, quiet
from soilft.sources.protocol import Granule, Role
from soilft.sources.stations import (
    FREEZING_POINT,
    MAX_GAP_HOURS,
    VARIABLES,
    Station,
    StationValues,
    cells,
    station_values,
)
from soilft.store.ledger import SetAside

# Outside of it ISMN itself flags a soil temperature as implausible (C01, C02); degC.
VALID_RANGE = (-60.0, 60.0)
# Sensors of one station stand together; degrees.
SAME_PLACE = 0.01
# SCAN and SNOTEL bury at 2 inches, 0.0508 m, where others write 0.05 m.
_DEPTH_SLACK = 1e-3

_SENSOR_FILE = re.compile(r"_ts_(-?\d+\.\d+)_(-?\d+\.\d+)_.*\.stm$")


@dataclass(frozen=True)
class Sited:
    """A station and its sensor files in the archive, sorted."""

    station: Station
    files: tuple[str, ...]


@dataclass(frozen=True)
class StationTable:
    """Stations of an archive, sorted by id, and the files that could not be used.

    ``other_depths`` counts the sensors of soil temperature that lie deeper than asked for, or
    above the ground.
    """

    stations: tuple[Sited, ...]
    set_aside: tuple[SetAside, ...]
    other_depths: int


@dataclass(frozen=True)
class IsmnArchive:
    """Soil temperature near the surface, from the sensors of each station.

    Parameters
    ----------
    depth_to
        Sensors count that lie wholly between the surface and this depth, m, to the millimetre:
        2 inches (0.0508 m) are 0.05 m.
    networks
        Names of networks to read; empty for all.
    flags
        Quality flags of readings to keep. G is "good"; the rest of ISMN's flags on a soil
        temperature tell it missing (M) or implausible (C..). The flags D01 to D03, of a frozen
        ground, are set on soil moisture, which is not read here.
    max_gap_hours
        Longest gap between readings to interpolate across.
    threshold
        Temperature in K below which the soil counts as frozen.
    """

    role: ClassVar[Role] = "station"
    product: ClassVar[str] = "ismn"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = (
        "International Soil Moisture Network (Dorigo et al. 2021), doi:10.5194/hess-25-5749-2021; "
        "cite each network as its own readme asks"
    )

    depth_to: float = 0.05
    networks: tuple[str, ...] = ()
    flags: tuple[str, ...] = ("G",)
    max_gap_hours: float = MAX_GAP_HOURS
    threshold: float = FREEZING_POINT

    def __post_init__(self) -> None:
        for name in ("depth_to", "max_gap_hours", "threshold"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ConfigError(
                    f"ISMN {name}", expected="a positive number", found=str(getattr(self, name))
                )
        if not self.flags:
            raise ConfigError("ISMN flags", expected="flags of readings to keep", found="none")

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Variables of ``inputs/stations.zarr``."""
        return VARIABLES

    def granule(self, url: str) -> Granule | None:
        """Any zip file; a folder is no file, and is read by its path."""
        return Granule((), "ismn", "", url) if url.lower().endswith(".zip") else None

    def station_table(self, path: Path) -> StationTable:
        """Stations with a sensor of soil temperature near the surface; no readings are kept.

        Raises
        ------
        UnreadableGranule
            Where the path is no whole zip file and no folder.
        FormatMismatch
            Where nothing in it lies where ISMN puts it.
        MissingVariable
            Where no file holds soil temperature near the surface.
        """
        with opened(path) as archive:
            return self._table(archive)

    def series(self, path: Path, station_id: str) -> xr.DataArray:
        """Readings of one station, the mean of its sensors.

        Parameters
        ----------
        station_id
            ``NETWORK/STATION``.

        Returns
        -------
        xarray.DataArray
            ``soil_temperature`` (time), K, at the UTC times at which any sensor has a good reading.

        Raises
        ------
        InputError
            As `station_table`, or where a file of the station is damaged.
        MissingVariable
            Where the archive does not have the station.
        """
        with opened(path) as archive:
            table = self._table(archive)
            for sited in table.stations:
                if sited.station.id == station_id:
                    return _mean([self._readings(archive, name) for name in sited.files])
        raise MissingVariable(
            path.name,
            expected=f"the station {station_id} with soil temperature near the surface",
            found=", ".join(sited.station.id for sited in table.stations) or "no station",
        )

    def to_overpasses(
        self, path: Path, days: DaySpan, grid: Grid, overpasses: Mapping[str, float]
    ) -> StationValues:
        """Temperature and state of every station of a region at the overpasses of some days.

        A file that cannot be read is set aside; its station goes on with its other sensors, or is
        left out where it has none.

        Parameters
        ----------
        path
            Zip file or folder.
        overpasses
            Local solar hour by name of overpass.

        Raises
        ------
        InputError
            As `station_table`, or where no station of the region can be read.
        """
        with opened(path) as archive:
            table = self._table(archive)
            inside, outside = _by_place(table.stations, grid)
            if table.stations and not inside:
                raise GridMismatch(
                    path.name,
                    expected="a station in the region",
                    found=_extent(outside),
                    remedy="Is this the archive of another region?",
                )
            set_aside = list(table.set_aside)
            sensors: dict[Station, list[str]] = {}
            readings: dict[Station, xr.DataArray] = {}
            for sited in inside:
                sound = self._sound_readings(archive, sited, set_aside)
                if sound:
                    sensors[sited.station] = [Path(name).stem for name in sound]
                    readings[sited.station] = _mean(list(sound.values()))
        if not readings:
            raise UnreadableGranule(
                path.name,
                expected="a readable station in the region",
                found=f"{len(set_aside)} damaged files, the first {set_aside[0].reason}",
            )
        made = station_values(
            readings,
            grid,
            days,
            overpasses,
            max_gap_hours=self.max_gap_hours,
            threshold=self.threshold,
            attributes={
                "product": self.product,
                "source": self.references,
                "station_sensors": list(sensors.values()),
                "stations_outside_grid": len(outside),
                "sensors_at_other_depths": table.other_depths,
                "depth_to_m": self.depth_to,
                "quality_flags_kept": list(self.flags),
            },
        )
        return replace(
            made,
            outside=tuple(sited.station.id for sited in outside),
            set_aside=tuple(set_aside),
        )

    def _table(self, archive: Archive) -> StationTable:
        found: dict[str, list[tuple[Station, str]]] = defaultdict(list)
        set_aside: list[SetAside] = []
        near, elsewhere = self._candidates(archive)
        for name in near:
            try:
                station = self._station(archive, name)
                first = found[station.id][0][0] if found[station.id] else station
                if max(abs(first.lon - station.lon), abs(first.lat - station.lat)) > SAME_PLACE:
                    raise FormatMismatch(
                        name,
                        expected=f"a sensor at the station's place, {_place(first)}",
                        found=_place(station),
                    )
            except InputError as error:
                set_aside.append(SetAside(name, error.code, str(error)))
            else:
                found[station.id].append((station, name))
        return StationTable(
            tuple(
                Sited(sensors[0][0], tuple(name for _, name in sensors))
                for _, sensors in sorted(found.items())
                if sensors
            ),
            tuple(set_aside),
            len(elsewhere),
        )

    def _candidates(self, archive: Archive) -> tuple[list[str], list[str]]:
        """Sensor files of the networks asked for, by their names: of the depth, and of others."""
        series = [name for name in archive.names if name.endswith(".stm")]
        placed = [name for name in series if name.count("/") == 2]
        if not placed:
            raise FormatMismatch(
                archive.path.name,
                expected="an ISMN archive, with files NETWORK/STATION/*.stm",
                found=f"{len(series)} .stm files elsewhere, such as {series[0]}"
                if series
                else f"{len(archive.names)} files, none .stm",
            )
        networks = sorted({name.split("/")[0] for name in placed})
        wanted = [n for n in placed if not self.networks or n.split("/")[0] in self.networks]
        if not wanted:
            raise FormatMismatch(
                archive.path.name,
                expected=f"a network of {', '.join(self.networks)}",
                found=", ".join(networks),
            )
        depths = {n: (float(m[1]), float(m[2])) for n in wanted if (m := _SENSOR_FILE.search(n))}
        near = sorted(name for name, depth in depths.items() if self._near_surface(*depth))
        if not near:
            found = f"{len(wanted)} sensor files, such as {Path(wanted[0]).name}"
            below = [depth for depth in depths.values() if depth[0] >= 0]
            if below:
                found += "; soil temperature from {:g}-{:g} m down".format(*min(below))
            raise MissingVariable(
                archive.path.name,
                expected=f"soil temperature (ts) at 0-{self.depth_to:g} m",
                found=found,
            )
        return near, sorted(depths.keys() - set(near))

    def _near_surface(self, depth_from: float, depth_to: float) -> bool:
        return depth_from >= 0 and depth_to <= self.depth_to + _DEPTH_SLACK

    def _station(self, archive: Archive, name: str) -> Station:
        """What the first line of a sensor file says of its station."""
        metadata = archive.handler(name).metadata
        depth = metadata["instrument"].depth
        # The name has chosen the file; the file itself must agree.
        if not self._near_surface(depth.start, depth.end):
            raise FormatMismatch(
                name,
                expected=f"a sensor at 0-{self.depth_to:g} m, as it is named",
                found=f"{depth.start:g}-{depth.end:g} m",
            )
        network, folder, _ = name.split("/")
        lon, lat, elevation = (
            float(metadata[key].val) for key in ("longitude", "latitude", "elevation")
        )
        station = Station(network, folder, lon, lat, elevation)
        if not (-180 <= lon <= 360 and -90 <= lat <= 90):
            raise FormatMismatch(
                name, expected="a longitude and a latitude in degrees", found=_place(station)
            )
        return station

    def _sound_readings(
        self, archive: Archive, sited: Sited, set_aside: list[SetAside]
    ) -> dict[str, pd.Series[float]]:
        series = {}
        for name in sited.files:
            try:
                series[name] = self._readings(archive, name)
            except InputError as error:
                set_aside.append(SetAside(name, error.code, str(error)))
        return series

    def _readings(self, archive: Archive, name: str) -> pd.Series[float]:
        """Good readings of one sensor by UTC time, K."""
        handler = archive.handler(name)
        with damaged(name), quiet():
            frame: pd.DataFrame = handler.read_data()
            celsius = pd.to_numeric(frame.iloc[:, 0]).astype("float64")
            flags = frame.iloc[:, 1]
        if frame.index.hasnans:
            raise UnreadableGranule(
                name, expected="a time on every line", found="lines without one"
            )
        good = celsius[flags.isin(self.flags) & np.isfinite(celsius)]
        valid = good[good.between(*VALID_RANGE)]
        if len(good) and not len(valid):
            raise FormatMismatch(
                name,
                expected="soil temperature in degC, {:g}..{:g}".format(*VALID_RANGE),
                found=f"{good.min():g}..{good.max():g}",
            )
        return valid + FREEZING_POINT


def _mean(series: Sequence[pd.Series[float]]) -> xr.DataArray:
    """Mean over sensors at each time of reading, in order of time."""
    mean = pd.concat(series).groupby(level=0).mean().sort_index()
    return xr.DataArray(
        mean.to_numpy("float64"),
        dims="time",
        coords={"time": mean.index.to_numpy("datetime64[ns]")},
        name="soil_temperature",
        attrs={"units": "K", "standard_name": "soil_temperature"},
    )


def _by_place(stations: Sequence[Sited], grid: Grid) -> tuple[list[Sited], list[Sited]]:
    """Stations inside and outside of a grid."""
    if not stations:
        return [], []
    row, _ = cells(
        grid, [sited.station.lon for sited in stations], [sited.station.lat for sited in stations]
    )
    inside = [sited for sited, r in zip(stations, row, strict=True) if r >= 0]
    return inside, [sited for sited, r in zip(stations, row, strict=True) if r < 0]


def _place(station: Station) -> str:
    return f"longitude {station.lon:g}, latitude {station.lat:g}"


def _extent(stations: Sequence[Sited]) -> str:
    lon = [sited.station.lon for sited in stations]
    lat = [sited.station.lat for sited in stations]
    return (
        f"{len(stations)} within longitude {min(lon):g}..{max(lon):g}, "
        f"latitude {min(lat):g}..{max(lat):g}"
    )
