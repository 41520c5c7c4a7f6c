"""Land and sea by the outline shipped with the package."""

import numpy as np
import pytest

from soilft.geo import land

PLACES = {
    "the Plateau": (90.0, 33.0, True),
    "the Pacific": (-150.0, 30.0, False),
    "the Caspian Sea, a hole": (51.0, 42.0, False),
    "Antarctica": (0.0, -89.0, True),
    "Chukotka, west of the antimeridian": (179.5, 68.0, True),
    "Chukotka, east of it": (-179.5, 68.0, True),
    "the same, another turn round": (180.5, 68.0, True),
}


@pytest.mark.parametrize(("lon", "lat", "expected"), PLACES.values(), ids=PLACES)
def test_places_are_on_land_or_not(lon: float, lat: float, expected: bool) -> None:
    assert land.on_land(np.array([[lon]]), np.array([[lat]])).tolist() == [[expected]]


def test_source_and_licence_are_named() -> None:
    assert "Natural Earth" in land.source()
    assert "public domain" in land.source()
