"""Swaths of MWRI L1 in either layout, written with h5py, and their means pixel by pixel."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from soilft.grid import Grid, Region
from soilft.sources.mwri import MwriL1
from soilft.sources.protocol import Granule

DAY = date(2012, 1, 31)
START = datetime(2012, 1, 31, 6, 10, tzinfo=UTC)
SOURCE = MwriL1(("FY3B", "FY3D"))
SCANS, PIXELS, STEP = 120, 20, timedelta(seconds=20)
GRID = Region("plateau", "latlon-0.25", (80, 28, 92, 36)).grid
BT = "EARTH_OBSERVE_BT_10_to_89GHz"
NOON, MIDNIGHT = (datetime(2000, 1, 1, hour, tzinfo=UTC) for hour in (12, 0))
Times = list[datetime]


def lats(node: str) -> np.ndarray:
    along = np.linspace(20, 43.8, SCANS) if node == "A" else np.linspace(43.8, 20, SCANS)
    return np.repeat(along[:, None] + 0.01, PIXELS, axis=1).astype("float32")


def lons() -> np.ndarray:
    return np.repeat(np.linspace(79.99, 93.99, PIXELS)[None], SCANS, axis=0).astype("float32")


def kelvins() -> np.ndarray:
    """Ten channels that differ by 5 K, rising by 0.1 K a scan and 0.5 K a pixel."""
    channel, scan, pixel = np.ogrid[:10, :SCANS, :PIXELS]
    return 200 + 5.0 * channel + 0.1 * scan + 0.5 * pixel


def counts(kelvin: np.ndarray) -> np.ndarray:
    return np.round((kelvin - 327.68) / 0.01).astype("int16")


def milliseconds(times: Times, epoch: datetime) -> tuple[np.ndarray, np.ndarray]:
    since = [time - epoch for time in times]
    days = np.array([s.days for s in since], "int32")
    clock = [(s - timedelta(days=s.days)).total_seconds() * 1000 for s in since]
    return days, np.array(clock)


def counters(epoch: datetime) -> Callable[[Times], dict[str, np.ndarray]]:
    def tables(times: Times) -> dict[str, np.ndarray]:
        days, clock = milliseconds(times, epoch)
        # The second column is the deviation of the time.
        return {"Scan_Daycnt": days, "Scan_Mscnt": np.stack([clock, 0 * clock + 3], axis=1)}

    return tables


def one_table(*columns: Callable[[datetime], float]) -> Callable[[Times], dict[str, np.ndarray]]:
    def tables(times: Times) -> dict[str, np.ndarray]:
        rows = [[column(time) for column in columns] for time in times]
        return {"Scan_Time_and_Period": np.array(rows, "float64")}

    return tables


def period(_: datetime) -> float:
    return 1.8


def written(folder: Path, **changes: Any) -> Path:
    """Write a granule: FY-3B in the root, FY-3C and FY-3D in groups, or as the changes say."""
    satellite, node = changes.get("satellite", "FY3B"), changes.get("node", "A")
    start: datetime = changes.get("start", START)
    times: Times = [start + i * STEP for i in range(SCANS)]
    in_root = satellite == "FY3B"
    groups = changes.get("groups", ("", "") if in_root else ("Calibration/", "Geolocation/"))
    by_default = one_table(lambda t: (t - NOON).total_seconds(), period)
    make_times = changes.get("times", by_default if in_root else counters(NOON))
    named = changes.get("named", start)
    version = changes.get("version", "010KM_MS")
    path = folder / f"{satellite}_MWRI{node}_GBAL_L1_{named:%Y%m%d_%H%M}_{version}.HDF"
    attributes = {
        "Satellite Name": f"FY-{satellite[2:]}",
        "Sensor Name": "Microwave Radiation Imager",
        "Observing Beginning Date": f"{times[0]:%Y-%m-%d}",
        "Observing Beginning Time": f"{times[0]:%H:%M:%S.%f}"[:-3],
        "Observing Ending Date": f"{times[-1]:%Y-%m-%d}",
        "Observing Ending Time": f"{times[-1]:%H:%M:%S.%f}"[:-3],
    } | changes.get("attributes", {})
    scale = {"Slope": np.float32([0.01]), "Intercept": np.float32([327.68])}
    scale |= changes.get("scale", {})
    with h5py.File(path, "w") as file:
        for name, text in attributes.items():
            if text is not None:
                file.attrs[name] = np.bytes_(text)
        tb = changes.get("counts", counts(kelvins()))
        item = file.create_dataset(
            groups[0] + changes.get("tb_name", BT), data=tb, compression="gzip"
        )
        item.attrs.update({k: v for k, v in scale.items() if v is not None})
        for name, values in make_times(times).items():
            file[groups[0] + name] = values
        places = {
            "Latitude": changes.get("lat", lats(node)),
            "Longitude": changes.get("lon", lons()),
        }
        for name in changes.get("places", places):
            item = file.create_dataset(groups[1] + name, data=places[name], compression="gzip")
            item.attrs["FillValue"] = np.float32([65535])
    return path


def granule_of(path: Path, source: MwriL1 = SOURCE) -> Granule:
    granule = source.granule(str(path))
    assert granule is not None
    return granule


def placed(path: Path, grid: Grid = GRID, day: date = DAY, source: MwriL1 = SOURCE) -> Any:
    granule = granule_of(path, source)
    with source.read(path) as dataset:
        return granule, source.place(dataset, granule, day, grid)


def combined(*paths: Path, grid: Grid = GRID, day: date = DAY) -> dict[str, np.ndarray]:
    return SOURCE.combine([placed(path, grid, day) for path in paths], day, grid)


def expected_means(
    node: str, grid: Grid, kelvin: np.ndarray, scans: slice = slice(None)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means, hours of the day (scan 0 at 06:10) and counts, pixel by pixel."""
    lat, lon = lats(node)[scans].astype("float64"), lons()[scans].astype("float64")
    row = np.floor((grid.top - lat) / grid.height).astype(int)
    column = np.floor((lon - grid.left) / grid.width).astype(int)
    here = (row >= 0) & (row < grid.shape[0]) & (column >= 0) & (column < grid.shape[1])
    at = row[here], column[here]
    total, time, count = np.zeros((10, *grid.shape)), np.zeros(grid.shape), np.zeros(grid.shape)
    hours = 6 + 10 / 60 + np.arange(SCANS)[scans, None] * 20 / 3600 + np.zeros((1, PIXELS))
    np.add.at(count, at, 1)
    np.add.at(time, at, hours[here])
    for channel in range(10):
        np.add.at(total[channel], at, kelvin[channel, scans][here])
    with np.errstate(invalid="ignore"):
        return total / count, time / count, count
