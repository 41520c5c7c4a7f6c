"""Local solar time and the UTC hour that it means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soilft.overpass import utc_hour


@pytest.mark.parametrize(
    ("local", "longitude", "expected"),
    [
        (1.5, 0.0, 1.5),
        (1.5, 90.0, 19.5),
        (13.5, 90.0, 7.5),
        (6.0, 90.0, 0.0),
        (1.5, -150.0, 11.5),
        (18.0, -150.0, 4.0),
        (0.0, 180.0, 12.0),
    ],
)
def test_hours_of_known_places(local: float, longitude: float, expected: float) -> None:
    assert utc_hour(local, np.array([longitude]))[0] == expected


@given(st.floats(0, 23.99), st.floats(-180, 180))
def test_an_hour_of_a_day_that_is_the_local_one_there(local: float, longitude: float) -> None:
    hour = float(utc_hour(local, np.array([longitude]))[0])
    assert 0 <= hour <= 24
    apart = abs(hour + longitude / 15 - local) % 24
    assert min(apart, 24 - apart) < 1e-4


def test_shape_and_type_are_those_of_a_field() -> None:
    hours = utc_hour(13.5, np.zeros((3, 4)))
    assert hours.shape == (3, 4)
    assert hours.dtype == np.float32
