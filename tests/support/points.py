"""Tables of points of a northern region: three stations in two cells, over two days."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from soilft.grid import Region
from soilft.sources import PointFields, PointSoilTemperature
from soilft.sources.point_tables import Column

# Cells of a quarter of a degree; rows from 69 N, columns from 150.5 W.
GRID = Region("north", "latlon-0.25", (-150.5, 68.5, -149.5, 69.0)).grid
DAY = date(2011, 1, 2)
AIR = Column("Tair_f_inst_mean", "air_K", "K")
HEADER = "day,lat,lon,air_K,soil_degC\n"
ROWS = (
    "2011-01-01,68.93,-150.27,250.5,-3.5\n"
    "2011-01-02,68.93,-150.27,251.5,-0.2\n"
    "2011-01-01,68.95,-150.29,252.5,-1.5\n"
    "2011-01-02,68.95,-150.29,253.5,0.8\n"
    "2011-01-02,68.63,-149.60,255.5,\n"
)
DAILY: Mapping[str, Any] = {
    "name": "north_{year}.csv",
    "time": "day",
    "latitude": "lat",
    "longitude": "lon",
    "time_zone": "UTC",
}


def fields(**settings: Any) -> PointFields:
    return PointFields(**{**DAILY, "columns": (AIR,), **settings})


def soil(**settings: Any) -> PointSoilTemperature:
    depth = {"depth_from": 0.05, "depth_to": 0.12}
    return PointSoilTemperature(
        **{**DAILY, **depth, "column": "soil_degC", "unit": "degC", **settings}
    )


def written(folder: Path, content: str = HEADER + ROWS, name: str = "north_2011.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(content)
    return path


def of_day(reader: PointFields | PointSoilTemperature, *paths: Path, day: date = DAY) -> Any:
    """Values of a day from these files, on the grid."""
    parts = []
    for path in paths:
        granule = reader.granule(str(path))
        assert granule is not None
        parts.append((granule, reader.place(reader.read(path), granule, day, GRID)))
    return reader.combine(parts, day, GRID)
