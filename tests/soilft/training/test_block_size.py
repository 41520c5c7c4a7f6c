"""The reach of the weather is found again in fields of known correlation."""

import numpy as np
import pytest

from soilft.grid import Region
from soilft.training.block_size import (
    KM_A_DEGREE,
    RANGE_CELLS,
    RANGE_DAYS,
    block_degrees,
    cells_drawn,
    correlogram,
    days_drawn,
    range_of,
    reach,
    summary,
)


def fields(reach_km: float, days: int = 40, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Gaussian fields whose correlation is exp(-distance / reach), at random cells."""
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(80, 100, 250), rng.uniform(28, 38, 250)
    x = np.radians(lon) * 6371 * np.cos(np.radians(33))
    y = np.radians(lat) * 6371
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    root = np.linalg.cholesky(np.exp(-distance / reach_km) + 1e-9 * np.eye(250))
    return rng.normal(size=(days, 250)) @ root.T, lon, lat


@pytest.mark.parametrize("kilometres", [120.0, 250.0])
def test_the_known_reach_is_found(kilometres: float) -> None:
    values, lon, lat = fields(kilometres)
    season = 10 * np.sin(np.arange(40) / 6)[:, None]
    place = np.random.default_rng(1).normal(0, 20, 250)
    values = values + season + place
    values[3, 7] = np.nan
    distance, correlation = correlogram(values[..., None], lon, lat, seed=0)
    # Taking out each day's mean shortens what is left; it never lengthens it.
    assert 0.45 * kilometres < reach(distance, correlation)[0] < 1.15 * kilometres


def test_what_lasts_or_is_the_same_everywhere_has_no_reach() -> None:
    values, lon, lat = fields(150.0)
    lasting = np.broadcast_to(values[:1], values.shape)
    everywhere = np.broadcast_to(values[:, :1], values.shape)
    stacked = np.stack([values, lasting, everywhere], axis=-1)
    found = reach(*correlogram(stacked, lon, lat, seed=0))
    assert np.isfinite(found).tolist() == [True, False, False]
    told = summary(("weather", "ground", "season"), found)
    assert set(told["features"]) == {"weather"}
    assert told["degrees"] == pytest.approx(told["kilometres"] / KM_A_DEGREE, abs=0.01)


def test_without_any_varying_predictor_there_is_no_range() -> None:
    assert summary(("a",), np.array([np.nan])) == {
        "kilometres": None,
        "degrees": None,
        "features": {},
    }


def test_cells_and_days_are_few_and_the_same_for_a_seed() -> None:
    mask = np.zeros((40, 50), bool)
    mask[5:35] = True
    cells = cells_drawn(mask, 3)
    assert len(cells) == RANGE_CELLS
    assert (np.diff(cells) > 0).all()
    assert mask.ravel()[cells].all()
    np.testing.assert_array_equal(cells, cells_drawn(mask, 3))
    assert (cells != cells_drawn(mask, 4)).any()
    mask[6:] = False
    np.testing.assert_array_equal(cells_drawn(mask, 0), np.flatnonzero(mask))
    days = days_drawn(range(100, 3000, 3))
    assert len(days) == RANGE_DAYS
    assert (days[0], days[-1]) == (100, 2998)
    assert np.ptp(np.diff(days)) <= 3
    assert days_drawn([5, 9]) == [5, 9]
    assert days_drawn([5]) == days_drawn([]) == []


@pytest.mark.parametrize(
    ("found", "side"), [(None, 1.0), (0.3, 1.0), (1.0, 1.0), (1.01, 1.5), (2.49, 2.5), (2.5, 2.5)]
)
def test_blocks_are_no_smaller_than_the_range(found: float | None, side: float) -> None:
    assert block_degrees(found) == side
    assert block_degrees(found, configured=0.7) == 0.7


def test_the_range_is_that_of_the_sampled_cells_and_unknown_without_days() -> None:
    grid = Region("range", "latlon-0.25", (80, 28, 100, 38)).grid
    cells = np.arange(0, grid.shape[0] * grid.shape[1], 17)
    values = np.random.default_rng(0).normal(size=(6, len(cells), 1))
    found = range_of([(("noise",), day) for day in values], grid, cells, seed=3)
    lon, lat = (axis.ravel()[cells] for axis in grid.lonlat)
    assert found == summary(("noise",), reach(*correlogram(values, lon, lat, seed=3)))
    assert range_of([], grid, cells, seed=3) == summary((), np.empty(0))
