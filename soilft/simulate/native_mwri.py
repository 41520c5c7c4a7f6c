"""FY-3 MWRI level-1 brightness temperature: HDF5 swaths of half orbits, ten channels.

Only the scans that cross the domain and a few around them are written; pixels outside the domain
hold the invalid count. Each pixel has the brightness temperature of the 0.25-degree cell it lies
in, at the overpass of that cell nearest in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from soilft.simulate import radiometer
from soilft.simulate.container import label, replaced, text
from soilft.simulate.domain import Archive, Domain, Field
from soilft.simulate.overpass import utc_hour
from soilft.simulate.parameters import number
from soilft.simulate.swath import Pass, Scanner, passes
from soilft.simulate.terrain import cell_elevation
from soilft.simulate.world import World

SENSOR = "mwri"
SCANNER = Scanner(SENSOR, altitude=836.0, incidence=53.1, period=1.7)
NODES = {"A": "ascending", "D": "descending"}
CHANNELS = tuple((band, letter) for band in ("10", "18", "23", "36", "89") for letter in "VH")
"""Band and polarisation of the first axis."""
SLOPE, INTERCEPT, INVALID = 0.01, 327.68, -999
VALID_RANGE = (-32766, 10000)
NOWHERE = 65535.0
"""Latitude and longitude of a scan without geolocation."""
LAND = 1
AROUND = 10
"""Scans kept before and after the domain."""
LOST = 0.004
"""Share of scans without data or geolocation; assumed."""
NOON = datetime(2000, 1, 1, 12)  # noqa: DTZ001 - UTC


@dataclass(frozen=True)
class Layout:
    """Structure of a granule, and what the public documents leave open.

    Attributes
    ----------
    satellite : {"FY-3B", "FY-3C", "FY-3D"}
        Value of ``Satellite Name``.
    pixels : int
        Of each scan.
    data, geolocation : str
        Groups of the counts and of the coordinates; the root if empty.
    time : {"count", "period"}
        ``Scan_Daycnt`` and ``Scan_Mscnt``, or ``Scan_Time_and_Period``.
    epoch : datetime
        UTC instant at which day 0, millisecond 0 begins; days begin at its hour.
    order : {"<", ">"}
        Byte order.
    """

    satellite: str = "FY-3B"
    pixels: int = 254
    data: str = ""
    geolocation: str = ""
    time: Literal["count", "period"] = "count"
    epoch: datetime = NOON
    order: Literal["<", ">"] = "<"


FY3B = Layout(time="period")
FY3C = Layout("FY-3C", 254, "Calibration", "Geolocation", order=">")
FY3D = Layout("FY-3D", 266, "Calibration", "Geolocation", order=">")


def name(layout: Layout, node: str, begin: datetime) -> str:
    """File name of a granule, from its satellite, node ("A" or "D") and first scan."""
    short = layout.satellite.replace("-", "")
    return f"{short}_MWRI{node}_GBAL_L1_{begin:%Y%m%d_%H%M}_010KM_MS.HDF"


def sample(world: World, node: str, flown: Pass, pixels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Brightness temperature of every pixel, K, (channel, scan, pixel); NaN outside the domain.

    Parameters
    ----------
    world : World
        What there is to see.
    node : str
        Direction of flight.
    flown : Pass
        Where and when.
    pixels : array of bool
        Those to fill, (scan, pixel).
    """
    domain = world.domain
    row, col, inside = domain.cell(flown.lat, flown.lon)
    inside = inside & pixels
    local = utc_hour(number(f"{SENSOR}.{node}"), domain.lon[col])
    days = np.rint((flown.hours[:, None] - local) / 24.0).astype(int)
    out = np.full((len(CHANNELS), *flown.lat.shape), np.nan)
    for count in np.unique(days[inside]):
        when = domain.start + timedelta(days=int(count))
        field = radiometer.observe(world, SENSOR, node, when)
        here = inside & (days == count)
        for place, channel in enumerate(CHANNELS):
            out[place][here] = field.tb[channel][row[here], col[here]]
    return out


def counts(temperature: NDArray[np.float64]) -> NDArray[np.int16]:
    """Counts of brightness temperatures, K; the invalid count where not finite or out of range."""
    raw = np.rint((temperature - INTERCEPT) / SLOPE)
    good = (raw >= VALID_RANGE[0]) & (raw <= VALID_RANGE[1])
    return np.where(good, np.where(np.isfinite(raw), raw, 0), INVALID).astype(np.int16)


def _dataset(
    file: h5py.File, where: str, values: NDArray[Any], layout: Layout, **words: Any
) -> h5py.Dataset:
    values = values.astype(values.dtype.newbyteorder(layout.order))
    dataset = file.create_dataset(
        where.lstrip("/"),
        data=values,
        chunks=True if values.ndim > 1 else None,
        compression="gzip" if values.ndim > 1 else None,
        compression_opts=4 if values.ndim > 1 else None,
        shuffle=values.ndim > 1,
        track_times=False,
    )
    for key, value in words.items():
        if isinstance(value, str):
            text(dataset, **{key: value})
        else:
            dataset.attrs[key] = value
    return dataset


def _times(file: h5py.File, times: list[datetime], layout: Layout) -> None:
    """Write the time of each scan in the variables of the layout."""
    group = layout.data
    if layout.time == "count":
        since = [moment - layout.epoch for moment in times]
        days = np.array([span.days for span in since], dtype=np.int32)
        milli = [(span - timedelta(days=span.days)) / timedelta(milliseconds=1) for span in since]
        pair = np.column_stack([milli, np.zeros(len(milli))])
        scale = {"Slope": np.ones(1, np.float32), "Intercept": np.zeros(1, np.float32)}
        _dataset(file, f"{group}/Scan_Daycnt", days, layout, units="day", **scale)
        _dataset(file, f"{group}/Scan_Mscnt", pair, layout, units="ms", **scale)
        return
    seconds = [(moment - layout.epoch).total_seconds() for moment in times]
    pair = np.column_stack([seconds, np.full(len(seconds), SCANNER.period)])
    _dataset(file, f"{group}/Scan_Time_and_Period", pair, layout, units="s")


def _file(
    path: Path, world: World, node: str, flown: Pass, begin: datetime, layout: Layout
) -> None:
    domain = world.domain
    random = domain.stream("mwri lost", node, begin)
    kept = random.random(flown.hours.size) >= LOST
    kept[[0, -1]] = True
    pixels = np.broadcast_to(kept[:, None], flown.lat.shape)
    raw = counts(sample(world, NODES[node], flown, pixels))
    midnight = datetime.combine(domain.start, datetime.min.time())
    times = [midnight + timedelta(milliseconds=round(3.6e6 * h)) for h in flown.hours]
    row, col, inside = domain.cell(flown.lat, flown.lon)
    high = np.where(inside, np.rint(cell_elevation(domain)[row, col]), 0)
    with replaced(path) as part, h5py.File(part, "w") as file:
        scale = {
            "Slope": np.array([SLOPE], dtype=np.float32),
            "Intercept": np.array([INTERCEPT], dtype=np.float32),
        }
        _dataset(
            file,
            f"{layout.data}/EARTH_OBSERVE_BT_10_to_89GHz",
            raw,
            layout,
            **scale,
            FillValue=np.array([INVALID], dtype=np.int16),
            valid_range=np.array(VALID_RANGE, dtype=np.int16),
            units="K",
            long_name="Earth observation brightness temperature",
            band_name="10.65V,10.65H,18.7V,18.7H,23.8V,23.8H,36.5V,36.5H,89V,89H",
        )
        for axis, values, limit in (("Latitude", flown.lat, 90.0), ("Longitude", flown.lon, 180.0)):
            _dataset(
                file,
                f"{layout.geolocation}/{axis}",
                np.where(pixels, values, NOWHERE).astype(np.float32),
                layout,
                units="degree",
                FillValue=np.array([NOWHERE], dtype=np.float32),
                valid_range=np.array([-limit, limit], dtype=np.float32),
            )
        surface = np.full(flown.lat.shape, LAND, dtype=np.uint8)
        _dataset(
            file,
            f"{layout.data}/LandSeaMask",
            surface,
            layout,
            long_name="1 land, 2 inland water, 3 sea, 5 boundary",
        )
        _dataset(file, f"{layout.data}/DEM", high.astype(np.int16), layout, units="m")
        _times(file, times, layout)
        _about(file, path, node, times, layout)
        label(file, domain)


def _about(file: h5py.File, path: Path, node: str, times: list[datetime], layout: Layout) -> None:
    """Write the attributes of a granule."""
    words = {
        "Satellite Name": layout.satellite,
        "Sensor Name": "MWRI",
        "File Name": path.name,
        "Orbit Direction": node,
        "title": "SIMULATED FY-3 MWRI level-1 brightness temperature",
    }
    for edge, moment in (("Beginning", times[0]), ("Ending", times[-1])):
        words[f"Observing {edge} Date"] = f"{moment:%Y-%m-%d}"
        words[f"Observing {edge} Time"] = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
    text(file, **words)
    file.attrs["Number Of Scans"] = np.int32(len(times))


def write(
    archive: Archive, day: date, world: World | None = None, *, layout: Layout = FY3B
) -> list[Path]:
    """Write the granules over the domain whose first scan lies in a UTC day, below ``mwri``.

    Parameters
    ----------
    archive : Archive
        Where, and what world.
    day : date
        UTC day.
    world : World, optional
        Of the archive's domain, knowing that day and those around it; ``World.of`` by default.
    layout : Layout
        Structure; by default that of FY-3B.
    """
    domain = archive.domain
    world = world or World.of(domain)
    written = []
    for node, direction in NODES.items():
        for flown in passes(SCANNER, domain, direction, day, layout.pixels, AROUND):
            begin = _moment(domain, flown.hours)
            path = archive.root / "mwri" / name(layout, node, begin)
            _file(path, world, node, flown, begin, layout)
            written.append(path)
    return written


def _moment(domain: Domain, hours: Field) -> datetime:
    """UTC time of the first scan, to the millisecond."""
    midnight = datetime.combine(domain.start, datetime.min.time())
    return midnight + timedelta(milliseconds=round(3.6e6 * float(hours[0])))
