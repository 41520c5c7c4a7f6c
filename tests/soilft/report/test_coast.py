"""The land outline shipped with the package."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soilft.report import coast

WORLD = (-180.0, -90.0, 180.0, 90.0)
# Longest side of the Natural Earth 1:110m coast is well below this.
LONGEST_SIDE = 12.0


def test_every_shore_of_a_known_sea_is_there() -> None:
    caspian = np.concatenate(coast.outline((46.0, 36.0, 55.5, 48.0)))
    assert caspian[:, 0].min() < 47.5
    assert caspian[:, 0].max() > 53.0
    assert caspian[:, 1].min() < 37.5
    assert caspian[:, 1].max() > 46.5


def test_inland_has_no_outline() -> None:
    assert coast.outline((85.0, 30.0, 100.0, 40.0)) == []


def test_no_line_follows_the_edges_of_the_world() -> None:
    for line in coast.outline(WORLD):
        on_meridian = np.abs(line[:, 0]) >= 180.0
        assert not (on_meridian[:-1] & on_meridian[1:]).any()
        assert line[:, 1].min() > -90.0
        assert np.abs(np.diff(line, axis=0)).max() < LONGEST_SIDE


@given(
    st.floats(-360, 300),
    st.floats(-90, 60),
    st.floats(0.5, 120),
    st.floats(0.5, 30),
)
def test_lines_lie_inside_the_bounds(
    west: float, south: float, width: float, height: float
) -> None:
    east, north = west + width, south + height
    for line in coast.outline((west, south, east, north)):
        assert line.shape[1] == 2
        assert len(line) > 1
        assert line[:, 0].min() >= west - 1e-9
        assert line[:, 0].max() <= east + 1e-9
        assert line[:, 1].min() >= south - 1e-9
        assert line[:, 1].max() <= north + 1e-9


def test_land_beyond_the_antimeridian_is_the_same_land() -> None:
    here = coast.outline((-176.0, 60.0, -160.0, 72.0))
    beyond = coast.outline((184.0, 60.0, 200.0, 72.0))
    assert len(here) == len(beyond) > 0
    for one, other in zip(here, beyond, strict=True):
        np.testing.assert_allclose(other - (360.0, 0.0), one, atol=1e-9)


@pytest.mark.parametrize("bounds", [(10, 0, 10, 5), (10, 0, 5, 5), (0, 5, 10, 5), (0, 9, 10, 5)])
def test_bounds_without_area_are_refused(bounds: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="west, south, east, north"):
        coast.outline(bounds)
