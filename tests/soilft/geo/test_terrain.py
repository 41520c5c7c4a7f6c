"""Slope, aspect and position of surfaces whose answer is known."""

import numpy as np
import pytest

from soilft.geo.terrain import EARTH_RADIUS, gradient, slope_aspect, spacing, topographic_position
from soilft.grid import Grid

PROJECTED = Grid("EPSG:6933", 0.0, 20_000.0, 1000.0, 1000.0, (20, 20))
AT_60_NORTH = Grid("EPSG:4326", 10.0, 60.1, 1 / 120, 1 / 120, (24, 24))
METRES_A_DEGREE = np.pi / 180 * EARTH_RADIUS


def plane(grid: Grid, slope: float, aspect: float) -> np.ndarray:
    """Elevation of a plane of this slope whose downhill side faces this azimuth, degrees."""
    x, y = np.meshgrid(grid.x, grid.y)
    if grid.geographic:
        # Along each parallel with the length that a degree has there.
        x = (x - grid.x[0]) * METRES_A_DEGREE * np.cos(np.radians(60.0))
        y = (y - grid.y[0]) * METRES_A_DEGREE
    uphill = np.tan(np.radians(slope))
    return -uphill * (np.sin(np.radians(aspect)) * x + np.cos(np.radians(aspect)) * y)


@pytest.mark.parametrize("aspect", [0, 45, 90, 135, 200, 270, 359])
@pytest.mark.parametrize(
    ("grid", "tolerance"), [(PROJECTED, 1e-6), (AT_60_NORTH, 0.05)], ids=["projected", "60N"]
)
def test_slope_and_aspect_of_a_plane(grid: Grid, tolerance: float, aspect: float) -> None:
    slope, sine, cosine = slope_aspect(plane(grid, 12.0, aspect), grid)
    inner = (slice(1, -1), slice(1, -1))
    np.testing.assert_allclose(slope[inner], 12.0, atol=tolerance)
    found = np.degrees(np.arctan2(sine[inner], cosine[inner]))
    turned = (found - aspect + 180) % 360 - 180
    np.testing.assert_allclose(turned, 0.0, atol=5 * tolerance)


def test_spacing_along_a_parallel_halves_at_60_degrees() -> None:
    dx, dy = spacing(Grid("EPSG:4326", 0.0, 60.5, 1.0, 1.0, (1, 3)))
    assert dx[0, 0] == pytest.approx(METRES_A_DEGREE / 2, rel=1e-6)
    assert dy == pytest.approx(METRES_A_DEGREE)
    assert pytest.approx(111_195, abs=1) == METRES_A_DEGREE


def test_level_ground_faces_nowhere() -> None:
    slope, sine, cosine = slope_aspect(np.full(PROJECTED.shape, 4500.0), PROJECTED)
    inner = (slice(1, -1), slice(1, -1))
    for array in (slope, sine, cosine):
        assert (array[inner] == 0).all()


def test_a_gap_takes_its_window_and_the_rim_is_missing() -> None:
    elevation = plane(PROJECTED, 5.0, 90.0)
    elevation[10, 10] = np.nan
    slope, sine, _ = slope_aspect(elevation, PROJECTED)
    missing = np.isnan(slope)
    assert missing[9:12, 9:12].all()
    assert missing[0].all()
    assert missing[:, -1].all()
    # Of the inner 18 x 18 only the window about the gap.
    assert (~missing).sum() == 18 * 18 - 9
    np.testing.assert_array_equal(np.isnan(sine), missing)


def test_gradient_points_uphill() -> None:
    east, north = gradient(plane(PROJECTED, 10.0, 270.0), PROJECTED)
    assert east[5, 5] == pytest.approx(np.tan(np.radians(10.0)))
    assert north[5, 5] == pytest.approx(0.0, abs=1e-12)


def test_a_row_has_the_same_spacing_whichever_others_are_asked_for() -> None:
    dx, dy = spacing(AT_60_NORTH)
    part, same = spacing(AT_60_NORTH, np.arange(5, 9))
    assert part.tobytes() == dx[5:9].tobytes()
    assert same == dy
    beyond, _ = spacing(AT_60_NORTH, np.array([-1, 24]))
    assert beyond[0, 0] < dx[0, 0]
    assert beyond[1, 0] > dx[-1, 0]


def test_a_part_has_the_slopes_of_the_whole_to_the_last_digit() -> None:
    z = np.random.default_rng(0).normal(4000, 100, AT_60_NORTH.shape)
    whole = slope_aspect(z, AT_60_NORTH)
    part = slope_aspect(z[4:12, 3:20], AT_60_NORTH, np.arange(4, 12))
    for a, b in zip(part, whole, strict=True):
        np.testing.assert_array_equal(a[1:-1, 1:-1], b[5:11, 4:19])


def test_position_is_the_height_above_the_eight_neighbours() -> None:
    z = np.full((5, 5), 100.0)
    z[2, 2] = 180.0
    tpi = topographic_position(z)
    assert tpi[2, 2] == 80.0
    ring = np.delete(tpi[1:4, 1:4].ravel(), 4)
    np.testing.assert_array_equal(ring, -10.0)
    assert np.isnan(tpi[0]).all()
    assert np.isnan(tpi[:, -1]).all()


def test_an_even_slope_has_no_position_and_a_gap_takes_its_window() -> None:
    z = plane(PROJECTED, 12.0, 200.0)
    z[10, 10] = np.nan
    tpi = topographic_position(z)
    missing = np.isnan(tpi)
    assert missing[9:12, 9:12].all()
    assert (~missing).sum() == 18 * 18 - 9
    np.testing.assert_allclose(tpi[~missing], 0, atol=1e-9)
