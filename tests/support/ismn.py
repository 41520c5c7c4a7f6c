"""Small ISMN archives in both layouts, zipped and unpacked."""

import zipfile
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import numpy as np

from soilft.days import DaySpan
from soilft.grid import Region
from soilft.sources.ismn_stations import IsmnArchive
from soilft.sources.stations import StationValues

SOURCE = IsmnArchive()
GRID = Region("naqu", "latlon-0.25", (88, 31, 93, 34)).grid
DAYS = DaySpan(date(2016, 1, 1), date(2016, 1, 2))
OVERPASSES = {"AM": 1.5, "PM": 13.5}

# 48 hours from 2016-01-01 00:00 UTC, a tenth of a degree an hour, freezing point after 20 hours.
RISING = [round(-2.0 + 0.1 * hour, 1) for hour in range(49)]

STATIC = (
    "quantity_name;unit;depth_from[m];depth_to[m];value;description;quantity_source_name\n"
    "clay fraction;% weight;0.00;0.30;17.00;;HWSD\n"
    "climate classification;-;-;-;ET;;koeppen_geiger_2007\n"
    "land cover classification;-;-;-;130;;CCI_landcover_2010\n"
)

Readings = Iterable[tuple[str, object, str]]


def readings(values: Iterable[object], flag: str = "G", first: str = "2016-01-01") -> Readings:
    start = np.datetime64(first, "m")
    for hour, value in enumerate(values):
        time = str(start + np.timedelta64(60 * hour, "m"))
        yield time.replace("-", "/").replace("T", " "), value, flag


def sensor(
    network: str = "CTP",
    station: str = "N1",
    lon: float = 90.0,
    lat: float = 32.1,
    *,
    depth: tuple[float, float] = (0.05, 0.05),
    variable: str = "ts",
    instrument: str = "EC-TM",
    layout: str = "header",
    newline: str = "\n",
    lines: Readings | None = None,
    header_depth: tuple[float, float] | None = None,
) -> dict[str, bytes]:
    """One .stm file by its name in the archive, and its station's static variables."""
    start, end = header_depth or depth
    site = f"{network} {network} {station} {lat:.5f} {lon:.5f} 4600.00 {start:.4f} {end:.4f}"
    lines = readings(RISING) if lines is None else lines
    if layout == "header":
        rows = [site, *(f"{time} {value} {flag} M" for time, value, flag in lines)]
    else:
        rows = [f"{time} {time} {site} {value} {flag} M" for time, value, flag in lines]
    name = (
        f"{network}/{station}/{network}_{network}_{station}_{variable}_{depth[0]:.6f}_"
        f"{depth[1]:.6f}_{instrument}_20160101_20160103.stm"
    )
    static = f"{network}/{station}/{network}_{network}_{station}_static_variables.csv"
    return {name: (newline.join(rows) + newline).encode(), static: STATIC.encode()}


def folder(root: Path, *parts: Mapping[str, bytes]) -> Path:
    for part in parts:
        for name, content in part.items():
            path = root / "archive" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    (root / "archive" / "Metadata.xml").write_text("<xml/>")
    return root / "archive"


def zipped(root: Path, *parts: Mapping[str, bytes]) -> Path:
    path = root / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {n: c for part in parts for n, c in part.items()}.items():
            archive.writestr(name, content)
        archive.writestr("Metadata.xml", "<xml/>")
    return path


def only(path: Path, source: IsmnArchive = SOURCE) -> StationValues:
    return source.to_overpasses(path, DAYS, GRID, OVERPASSES)


def celsius(found: StationValues, station: int = 0) -> list[list[float]]:
    kelvin = found.values["soil_temperature"][:, :, station].astype("float64")
    return [[round(float(v), 3) for v in day] for day in kelvin - 273.15]
