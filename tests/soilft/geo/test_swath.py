"""Bucket averaging, against sums taken pixel by pixel and against pyresample's own means."""

import numpy as np
import pytest

from soilft.geo.swath import Buckets, averaged, gather, near, passing_together
from soilft.grid import PRESETS, Grid, Region
from soilft.projections import transformer

PLATEAU = Region("plateau", "latlon-0.25", (80, 28, 90, 36)).grid
# The preset's cells cannot lie across 180 degrees, but a grid can: 170 to 190 degrees east.
ACROSS = Grid("EPSG:4326", 170.0, 20.0, 0.5, 0.5, (40, 40))
POLAR = Region("north", "ease2-north-25km", (-180, 60, 180, 90)).grid
CYLINDER = Region("plateau", "ease2-global-25km", (80, 28, 90, 36)).grid
ONE_CELL = Grid("EPSG:4326", 90.0, 31.0, 1.0, 1.0, (1, 1))


def scattered(
    grid: Grid, seed: int, pixels: int = 4000
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels on and around a grid, float32 as in the files, a tenth of the values missing."""
    rng = np.random.default_rng(seed)
    width, height = grid.width * grid.shape[1], grid.height * grid.shape[0]
    x = grid.left + width * rng.uniform(-0.2, 1.2, pixels)
    y = grid.top - height * rng.uniform(-0.2, 1.2, pixels)
    lon, lat = transformer(grid.crs, "EPSG:4326").transform(x, y)
    there = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 90)
    lon, lat = (np.asarray(lon)[there] + 180) % 360 - 180, np.asarray(lat)[there]
    values = rng.uniform(150, 300, (3, len(lon))).astype("float32")
    values[rng.uniform(size=values.shape) < 0.1] = np.nan
    return lon.astype("float32"), lat.astype("float32"), values, rng.uniform(0, 24, len(lon))


def by_hand(
    lon: np.ndarray, lat: np.ndarray, values: np.ndarray, hours: np.ndarray, grid: Grid
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same means, pixel by pixel, with another projection code."""
    x, y = lon.astype("float64"), lat.astype("float64")
    if not grid.geographic:
        x, y = transformer("EPSG:4326", grid.crs).transform(x, y)
    turns = (-360, 0, 360) if grid.geographic else (0,)
    total, time = np.zeros((len(values), *grid.shape)), np.zeros(grid.shape)
    valid, pixels = np.zeros(total.shape, int), np.zeros(grid.shape, int)
    for turn in turns:
        column = np.floor((x + turn - grid.left) / grid.width).astype(int)
        row = np.floor((grid.top - y) / grid.height).astype(int)
        inside = (row >= 0) & (row < grid.shape[0]) & (column >= 0) & (column < grid.shape[1])
        inside &= np.isfinite(values).any(axis=0)
        at = row[inside], column[inside]
        np.add.at(time, at, hours[inside])
        np.add.at(pixels, at, 1)
        for channel, value in enumerate(values):
            here = inside & np.isfinite(value)
            np.add.at(total[channel], (row[here], column[here]), value[here])
            np.add.at(valid[channel], (row[here], column[here]), 1)
    with np.errstate(invalid="ignore"):
        return total / valid, time / pixels, pixels


@pytest.mark.parametrize(
    "grid", [PLATEAU, ACROSS, POLAR, CYLINDER], ids=["plateau", "across 180", "polar", "cylinder"]
)
def test_a_cell_is_the_mean_of_the_pixels_whose_centre_it_holds(grid: Grid) -> None:
    lon, lat, values, hours = scattered(grid, 1)
    mean, time, pixels = averaged([gather(lon, lat, values, hours, grid)], 3, grid)
    expected = by_hand(lon, lat, values, hours, grid)
    np.testing.assert_array_equal(pixels, expected[2])
    np.testing.assert_allclose(mean, expected[0], rtol=1e-6)
    np.testing.assert_allclose(time, expected[1], rtol=1e-6)
    assert pixels.sum() > 1000
    assert mean.dtype == time.dtype == np.dtype("float32")


def test_the_means_are_those_of_pyresample() -> None:
    import dask.array as da
    from pyresample.bucket import BucketResampler
    from pyresample.geometry import AreaDefinition

    lon, lat, values, hours = scattered(POLAR, 2)
    rows, columns = POLAR.shape
    box = (
        POLAR.left,
        POLAR.top - POLAR.height * rows,
        POLAR.left + POLAR.width * columns,
        POLAR.top,
    )
    area = AreaDefinition("polar", "polar", "polar", POLAR.crs, columns, rows, box)
    resampler = BucketResampler(area, da.from_array(lon), da.from_array(lat))
    expected = resampler.get_average(da.from_array(values[0])).compute(scheduler="synchronous")
    mean, _, _ = averaged([gather(lon, lat, values, hours, POLAR)], 3, POLAR)
    np.testing.assert_allclose(mean[0], expected, rtol=1e-6)


def test_pixels_on_both_sides_of_180_degrees_are_received() -> None:
    lon = np.array([179.7, -179.7, -170.2, -169.8, 169.9], "float32")
    values = np.array([[200.0, 210, 220, 230, 240]])
    found = gather(lon, np.full(5, 10.2, "float32"), values, np.full(5, 7.0), ACROSS)
    assert (found.cell % 40).tolist() == [19, 20, 39]
    assert found.total.tolist() == [[200, 210, 220]]


def test_a_polar_grid_receives_pixels_on_both_sides_of_180_degrees() -> None:
    lon = np.array([179.9, -179.9], "float32")
    found = gather(lon, np.full(2, 70.0, "float32"), np.array([[200.0, 210]]), np.zeros(2), POLAR)
    # The meridian of 180 degrees points up, and what is west of it lies to the right.
    assert (found.cell % POLAR.shape[1] - POLAR.shape[1] // 2).tolist() == [-1, 0]
    assert (found.cell // POLAR.shape[1] < POLAR.shape[0] // 2).all()
    assert found.total.tolist() == [[210, 200]]


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_nothing_on_the_grid_is_lost_to_the_quick_look(preset: str) -> None:
    for bounds in (
        (73, 26, 105, 40),
        (-180, 45, -150, 72),
        (170, 50, 180, 70),
        (-180, 60, 180, 90),
    ):
        if preset.startswith("ease2-global") and bounds[3] == 90:
            continue
        grid = Region("region", preset, bounds).grid
        lon, lat, values, hours = scattered(grid, 3)
        inside = by_hand(lon, lat, values, hours, grid)[2].sum()
        taken = near(lon, lat, grid)
        assert gather(lon, lat, values, hours, grid).pixels.sum() == inside > 100
        assert by_hand(*(a[..., taken] for a in (lon, lat, values, hours)), grid)[2].sum() == inside


def test_the_quick_look_leaves_out_what_is_far_away() -> None:
    lon, lat = (a.ravel() for a in np.meshgrid(np.arange(-180, 180), np.arange(-90, 91)))
    for grid in (PLATEAU, ACROSS, CYLINDER, Region("p", "ease2-north-25km", (80, 28, 90, 36)).grid):
        taken = near(lon, lat, grid)
        assert 0 < taken.mean() < 0.01


def test_missing_places_times_and_values_do_not_count() -> None:
    lon = np.array([90.5, np.nan, 90.5, 90.5, 90.5])
    lat = np.array([30.5, 30.5, np.nan, 30.5, 30.5])
    hours = np.array([1.0, 2.0, 3.0, np.nan, 5.0])
    values = np.array([[200.0, 1, 1, 1, np.nan], [np.nan] * 5])
    mean, time, pixels = averaged([gather(lon, lat, values, hours, ONE_CELL)], 2, ONE_CELL)
    np.testing.assert_array_equal(mean.ravel(), [200, np.nan])
    assert (time.item(), pixels.item()) == (1.0, 1)


def test_no_pixel_at_all_leaves_all_cells_missing() -> None:
    nothing = np.empty(0)
    for lon, lat in ((nothing, nothing), (np.array([10.0]), np.array([-90.0]))):
        found = gather(lon, lat, np.full((2, len(lon)), 200.0), np.zeros(len(lon)), POLAR)
        assert found.cell.size == 0
        mean, time, pixels = averaged([found], 2, POLAR)
        assert np.isnan(mean).all()
        assert np.isnan(time).all()
        assert not pixels.any()
    assert np.isnan(averaged([], 2, POLAR)[0]).all()


def test_several_granules_add_up_to_the_mean_of_all_their_pixels() -> None:
    lon, lat, values, hours = scattered(PLATEAU, 4)
    whole = averaged([gather(lon, lat, values, hours, PLATEAU)], 3, PLATEAU)
    cuts = np.split(np.arange(len(lon)), [100, 150, 3000])
    parts = [gather(lon[c], lat[c], values[:, c], hours[c], PLATEAU) for c in cuts]
    for found, expected in zip(averaged(parts, 3, PLATEAU), whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_last_digit_of_a_cell_does_not_depend_on_the_other_cells() -> None:
    """A cell has the same value in a small region and in a large one that holds it."""
    small = PLATEAU.window(slice(4, 12), slice(5, 20))
    lon, lat, values, hours = scattered(PLATEAU, 5, 40_000)
    whole, part = (gather(lon, lat, values, hours, grid) for grid in (PLATEAU, small))
    columns = PLATEAU.shape[1]
    row, column = part.cell // small.shape[1], part.cell % small.shape[1]
    at = np.searchsorted(whole.cell, (row + 4) * columns + column + 5)
    np.testing.assert_array_equal(whole.total[:, at], part.total)
    np.testing.assert_array_equal(whole.hours[at], part.hours)


def test_only_cells_that_were_touched_are_kept() -> None:
    found = gather(
        np.array([85.1]), np.array([30.1]), np.array([[250.0]]), np.array([8.5]), PLATEAU
    )
    assert isinstance(found, Buckets)
    assert found.cell.tolist() == [23 * 40 + 20]
    assert (found.total.item(), found.valid.item()) == (250.0, 1)
    assert (found.hours.item(), found.pixels.item()) == (8.5, 1)


def test_sums_are_safe_for_many_equal_pixels() -> None:
    pixels = 2**20
    values = np.full((1, pixels), 273.15, "float32")
    place = np.full(pixels, 90.5, "float32"), np.full(pixels, 30.5, "float32")
    mean, time, count = averaged(
        [gather(*place, values, np.full(pixels, 7.7), ONE_CELL)], 1, ONE_CELL
    )
    assert mean.item() == np.float32(273.15)
    assert time.item() == np.float32(7.7)
    assert count.item() == pixels


def granule(hour: float, tb: float, pixels: int) -> Buckets:
    """So many pixels of one granule in the one cell."""
    place = np.full(pixels, 90.5), np.full(pixels, 30.5)
    return gather(*place, np.full((1, pixels), tb), np.full(pixels, hour), ONE_CELL)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_passes_of_the_two_ends_of_a_utc_day_are_not_averaged(order: tuple[int, ...]) -> None:
    parts = [granule(0.1, 250.0, 2), granule(23.9, 270.0, 3), granule(22.3, 264.0, 1)]
    kept = passing_together([parts[i] for i in order], ONE_CELL)
    mean, hours, pixels = averaged(kept, 1, ONE_CELL)
    assert pixels[0, 0] == 4
    assert mean[0, 0, 0] == pytest.approx((3 * 270 + 264) / 4)
    assert hours[0, 0] == pytest.approx((3 * 23.9 + 22.3) / 4, rel=1e-6)
