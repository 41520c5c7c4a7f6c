"""Stores of radiometers that see one made-up scene, each with errors that are known."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan
from soilft.grid import Grid
from soilft.ingest.granules import template_for
from soilft.sources import Amsr2L3
from soilft.store import objects
from soilft.store import zarr as store

Field = npt.NDArray[np.float64]
# Error in K of a brightness temperature (overpass, channel, y, x) on a day.
Error = Callable[[Field, int], Field]
HOURS = (1.5, 13.5)


def scene(grid: Grid, days: DaySpan, channels: int, seed: int = 0) -> Field:
    """Brightness temperatures (day, overpass, channel, y, x) with a season and weather, K."""
    rng = np.random.default_rng(seed)
    season = -15 * np.cos(2 * np.pi * np.arange(len(days)) / 365.25)
    place = rng.normal(0, 5, (1, 2, channels, *grid.shape))
    weather = rng.normal(0, 4, (len(days), 2, channels, *grid.shape))
    return np.asarray(255 + season[:, None, None, None, None] + place + weather)


def write(
    folder: Path,
    name: str,
    grid: Grid,
    whole: DaySpan,
    truth: Field,
    error: Error,
    *,
    flown: Sequence[int],
    bands: tuple[str, ...] = ("18", "36"),
    noise: float = 0.5,
    coverage: float = 0.6,
    late: float = 0.0,
    chunk: int = 20,
    seed: int = 1,
) -> str:
    """Write the store of one radiometer; give its URL.

    Parameters
    ----------
    flown
        Indices of the days with data.
    late
        Hours that its passes are later than 01:30 and 13:30.
    chunk
        Days of a chunk.
    """
    source = Amsr2L3(bands=bands)
    rng = np.random.default_rng(seed)
    width = 2 * len(bands)
    tb = truth[:, :, -width:].copy()
    for n, number in enumerate(whole.numbers):
        tb[n] += error(tb[n], int(number))
    tb += rng.normal(0, noise, tb.shape)
    seen = rng.random((len(whole), 2, *grid.shape)) < coverage
    seen[np.setdiff1d(np.arange(len(whole)), flown)] = False
    hours = np.stack([(hour + late - grid.lonlat[0] / 15) % 24 for hour in HOURS])
    tb = np.where(seen[:, :, None], tb, np.nan).astype("float32")
    observed = np.where(seen, hours[None], np.nan).astype("float32")
    url = objects.join(str(folder), f"{name}.zarr")
    store.create(url, template_for(source, grid, whole, chunk))
    store.write_region(url, {"tb": tb, "observation_time": observed}, {})
    return url


def no_error(kelvin: Field, number: int) -> Field:
    """Nothing added."""
    return np.zeros_like(kelvin)
