"""Soil temperature of stations as the International Soil Moisture Network delivers it.

A directory for each network and station, with hourly temperature of 0-5 cm and static variables.
The files have no place to say that they are simulated: the name of the network and
``SIMULATED.txt`` do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from soilft.projections import principal
from soilft.simulate import stations, texture
from soilft.simulate.container import note, replaced
from soilft.simulate.domain import Archive, Domain
from soilft.simulate.history import worlds

NETWORK, OTHER = stations.NETWORK, f"{stations.NETWORK}CEOP"
"""Networks of the two layouts."""
SHARE_OF_OTHER = 4
"""Every so many stations one is of the other network."""
SENSOR = "SimulatedThermistor"
TOP, BOTTOM = 0.0, 0.05
"""Depths of the sensor, m."""
GAPS = 0.01
"""Share of hours without a value; assumed."""
STATIC = "quantity_name;unit;depth_from[m];depth_to[m];value;description;quantity_source_name"


@dataclass(frozen=True)
class Layout:
    """How the series of a network are written.

    Attributes
    ----------
    form : {"header+values", "ceop"}
        One header line, or every field on every line with two time stamps.
    line_end : str
        Some networks end lines with a bare carriage return.
    """

    form: Literal["header+values", "ceop"] = "header+values"
    line_end: str = "\n"


HEADER, CEOP = Layout(), Layout("ceop", "\r")


def _hours(domain: Domain, days: Iterable[date]) -> NDArray[np.float64]:
    """Every hour of days, in order, hours since the domain's first 00 UTC."""
    starts = np.array([domain.hours(day) for day in sorted(set(days))])
    return np.asarray((starts[:, None] + np.arange(24.0)).ravel())


def name(network: str, station: str, begin: date, end: date) -> str:
    """File name of a series."""
    depths = f"{TOP:f}_{BOTTOM:f}"
    span = f"{begin:%Y%m%d}_{end:%Y%m%d}"
    return f"{network}_{network}_{station}_ts_{depths}_{SENSOR}_{span}.stm"


def lines(
    station: stations.Station,
    network: str,
    times: list[datetime],
    values: NDArray[np.float64],
    layout: Layout,
) -> list[str]:
    """The lines of a series; NaN is a missing value, flag M.

    Parameters
    ----------
    station : Station
        Where.
    network : str
        Name of the network.
    times : list of datetime
        UTC.
    values : array
        Soil temperature, degC, (time,).
    layout : Layout
        Which form.
    """
    lon = float(principal(station.lon))
    where = f"{station.lat:.5f} {lon:.5f} {station.elevation:.2f} {TOP:.4f} {BOTTOM:.4f}"
    head = f"{network} {network} {station.name} {where}"
    out = [f"{head} {SENSOR}"] if layout.form == "header+values" else []
    for time, value in zip(times, values, strict=True):
        stamp = f"{time:%Y/%m/%d %H:%M}"
        found = f"{value:.2f} G M" if np.isfinite(value) else "-9999.00 M M"
        middle = "" if layout.form == "header+values" else f"{stamp} {head} "
        out.append(f"{stamp} {middle}{found}")
    return out


def static(domain: Domain, station: stations.Station) -> list[str]:
    """The lines of the static variables of a station."""
    point = np.array([station.lat]), np.array([station.lon])
    soil = {key: float(value[0]) for key, value in texture.soil(domain, *point).items()}
    rows = [STATIC]
    for key, field in (("sand", "sand"), ("silt", "silt"), ("clay", "clay")):
        rows.append(f"{key} fraction;% weight;0.0;0.3;{soil[field]:.2f};;simulated")
    # the product gives organic carbon in % of weight
    carbon = soil["organic_carbon"] / 10
    rows.append(f"organic carbon;% weight;0.0;0.3;{carbon:.2f};;simulated")
    rows.append("land cover classification;;;;130;Grassland;CCI_landcover_2010")
    rows.append("climate classification;;;;ET;Polar Tundra;koeppen_geiger_2007")
    return rows


def _save(path: Path, rows: list[str], line_end: str) -> Path:
    with replaced(path) as part:
        part.write_bytes("".join(row + line_end for row in rows).encode("ascii"))
    return path


def _measured(archive: Archive, days: list[date]) -> dict[str, NDArray[np.float64]]:
    """Soil temperature of every station, degC, (time,), every hour of days."""
    parts: dict[str, list[NDArray[np.float64]]] = {}
    for world, some in worlds(archive, days):
        hours = _hours(archive.domain, some)
        for station in stations.stations(archive.domain):
            values = np.asarray(stations.soil_temperature(world, station, hours), dtype=np.float64)
            parts.setdefault(station.name, []).append(values)
    return {station: np.concatenate(series) for station, series in parts.items()}


def write(
    archive: Archive,
    days: Iterable[date] | None = None,
    *,
    layouts: tuple[Layout, Layout] = (HEADER, CEOP),
) -> list[Path]:
    """Write the stations of the archive below ``ismn``.

    Parameters
    ----------
    archive : Archive
        Where, and what world.
    days : iterable of date, optional
        UTC days with values, every hour; the whole period by default. The world must know them:
        sampled days keep the files small.
    layouts : tuple of Layout
        Of the two networks.

    Returns
    -------
    list of Path
        A mark, and a series and a table for each station.
    """
    domain = archive.domain
    chosen = sorted(set(archive.days() if days is None else days))
    midnight = datetime.combine(domain.start, datetime.min.time())
    times = [midnight + timedelta(hours=float(hour)) for hour in _hours(domain, chosen)]
    measured = _measured(archive, chosen)
    folder = archive.root / "ismn"
    written = [note(folder, domain)]
    for place, station in enumerate(stations.stations(domain)):
        other = place % SHARE_OF_OTHER == SHARE_OF_OTHER - 1
        network, layout = (OTHER, layouts[1]) if other else (NETWORK, layouts[0])
        values = measured[station.name]
        values[domain.stream("ismn gaps", station.name).random(values.size) < GAPS] = np.nan
        home = folder / network / station.name
        series = home / name(network, station.name, chosen[0], chosen[-1])
        rows = lines(station, network, times, values, layout)
        written.append(_save(series, rows, layout.line_end))
        table = f"{network}_{network}_{station.name}_static_variables.csv"
        written.append(_save(home / table, static(domain, station), "\n"))
    return written
