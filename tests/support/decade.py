"""A decade on the Tibetan grid as it is published, with frozen days, of made-up values."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from soilft.annual import store as annual_store
from soilft.store import zarr as store
from soilft.store.handles import handle
from tests.support.cubes import DECADE, REGIONS, Made, attributes, template

REGION = REGIONS["latlon"]
# What a cell's record on the page is made of, and the map of quality.
SHOWN = (
    "freeze_thaw_state",
    "frozen_probability",
    "prediction_set",
    "source_flag",
    "quality_flag",
)


def regular() -> dict[str, np.ndarray]:
    """Values that follow from day and cell alone, none of them missing."""
    day, row, column = np.ix_(*(np.arange(n) for n in (len(DECADE), *REGION.grid.shape)))
    season = 50 + 65 * np.cos(2 * np.pi * (day - 15 + row / 4) / 365.25)
    noise = (day * 7919 + row * 104729 + column * 1299709) % 17 - 8
    percent = np.clip(season + noise, 0, 100).astype("uint8")
    return of(percent, np.broadcast_to(day < 265, percent.shape))


def plausible() -> dict[str, np.ndarray]:
    """Seasons over mountains and basins, weather, a hand-over, swaths that miss a part each day."""
    lon, lat = (a.astype("float32") for a in REGION.grid.lonlat)
    draw = np.random.default_rng(3)
    day = np.arange(len(DECADE), dtype="float32")[:, None, None]
    height = sum(
        np.sin(lon * k / 3 + k) * np.cos(lat * k / 2.2 - k * k) / k**0.8 for k in range(1, 9)
    )
    weather = np.convolve(draw.normal(0, 1.6, len(DECADE) + 6), np.ones(7) / 2.6, "valid")
    cold = 5.2 * np.cos(2 * np.pi * (day - 18) / 365.25) + weather[:, None, None]
    cold = cold + 1.9 * height + 0.22 * (lat - 33) - 0.9
    cold += draw.standard_normal(cold.shape, dtype="float32") * 0.6
    percent = np.rint(100 / (1 + np.exp(-1.5 * cold))).astype("uint8")
    missing = ((lon + 0.32 * lat + 16.2 * day) % 24 < 1.6) & (lat < 37)
    return of(percent, np.broadcast_to(day < 265, percent.shape), missing)


def of(
    percent: np.ndarray, early: np.ndarray, missing: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """All that is shown, from the probability in hundredths.

    Parameters
    ----------
    early
        Whether the earlier radiometer flew.
    missing
        Whether nothing is known.
    """
    found = {
        "frozen_probability": percent,
        "freeze_thaw_state": (percent > 50).astype("uint8"),
        "prediction_set": np.where(percent > 60, 1, np.where(percent < 40, 0, 2)).astype("uint8"),
        "source_flag": early.astype("uint8"),
    }
    if missing is not None:
        found = {name: np.where(missing, 255, v).astype("uint8") for name, v in found.items()}
        found["quality_flag"] = missing.astype("uint16")
    return found


def make(folder: Path, values: Mapping[str, np.ndarray], title: str = "") -> Made:
    """Write ``cube.zarr`` of such values into a folder."""
    url = str(folder / "cube.zarr")
    whole = template(REGION, DECADE)
    said = dict(whole.attributes) | {"conformal_level": 0.9}
    if title:
        said["title"] = f"SIMULATED: {title}"
    some = tuple(v for v in whole.variables if v.name in values)
    store.create(url, replace(whole, variables=some, attributes=said))
    store.write_region(url, values, {})
    _annual(url, values["freeze_thaw_state"] == 1)
    return Made(url, values, REGION, DECADE)


def _annual(url: str, frozen: np.ndarray) -> None:
    years = annual_store.whole_years(DECADE, 8)
    said = annual_store.attributes(attributes(REGION, DECADE), {})
    whole = annual_store.template(REGION.grid, years, 0.9, said, calibrated=True)
    days = np.stack([frozen[span.within(DECADE)].sum(axis=0) for span in years.values()])
    found = {"frozen_days": days.astype(float), "frozen_days_mean": days.mean(axis=0)}
    some = tuple(v for v in whole.variables if v.name in found)
    store.create(f"{url}/annual", replace(whole, variables=some))
    encoded = {name: annual_store.encode(name, value) for name, value in found.items()}
    store.write_region(f"{url}/annual", encoded, {})
    store.consolidate(handle(url))
