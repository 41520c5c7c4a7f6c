"""Which observation belongs to which state, at places where the day number misleads."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soilft.overpass import utc_hour
from soilft.radiometers.matching import nearest


def numbered(days: int) -> np.ndarray:
    """Values that name their day, (day, channel, y, x), with one channel and one cell."""
    return np.arange(days, dtype="float32").reshape(days, 1, 1, 1)


def at(hour: float, days: int) -> np.ndarray:
    return np.full((days, 1, 1), hour, "float32")


def matched(
    longitude: float, observed_local: float, target_local: float, days: int = 7, **options: int
) -> list[float]:
    """Days whose observation each of days 2 to 4 gets, at a longitude."""
    where = np.array([[longitude]])
    found = nearest(
        numbered(days),
        at(float(utc_hour(observed_local, where)[0, 0]), days),
        utc_hour(target_local, where),
        slice(2, 5),
        **options,
    )
    return found[:, 0, 0, 0].tolist()


def test_at_90_east_a_morning_state_gets_the_night_pass_of_the_utc_day_before() -> None:
    # 06:00 local is 00:00 UTC; 01:30 local is 19:30 UTC: 4.5 h before, under the day before.
    assert matched(90.0, 1.5, 6.0) == [1, 2, 3]


def test_at_90_east_an_evening_state_gets_the_afternoon_pass_of_its_own_day() -> None:
    # 18:00 local is 12:00 UTC, 13:30 local is 07:30 UTC.
    assert matched(90.0, 13.5, 18.0) == [2, 3, 4]


def test_at_90_east_a_morning_state_gets_the_afternoon_after_it() -> None:
    # 13:30 local is 07:30 UTC, 7.5 h after 00:00 UTC; the one before is 16.5 h away.
    assert matched(90.0, 13.5, 6.0) == [2, 3, 4]


def test_at_150_west_a_morning_state_gets_the_night_pass_of_its_own_utc_day() -> None:
    # 06:00 local is 16:00 UTC, 01:30 local is 11:30 UTC.
    assert matched(-150.0, 1.5, 6.0) == [2, 3, 4]


def test_at_150_west_an_evening_state_gets_the_afternoon_of_the_utc_day_before() -> None:
    # 18:00 local is 04:00 UTC, 13:30 local is 23:30 UTC.
    assert matched(-150.0, 13.5, 18.0) == [1, 2, 3]


def test_a_shift_looks_that_many_days_off() -> None:
    assert matched(90.0, 1.5, 6.0, shift_days=-1) == [0, 1, 2]
    assert matched(90.0, 1.5, 6.0, shift_days=1) == [2, 3, 4]


def test_a_gap_is_filled_by_what_lies_within_12_hours_or_stays_missing() -> None:
    observed = at(19.5, 5)
    observed[1] = np.nan
    # The pass of day 1 is gone: that of day 2 is 19.5 h after 00:00 UTC of day 2.
    found = nearest(numbered(5), observed, np.zeros((1, 1)), slice(2, 4))
    assert np.isnan(found[0, 0, 0, 0])
    assert found[1, 0, 0, 0] == 2


@pytest.mark.parametrize(("hour", "expected"), [(11.9, 1.0), (12.0, 1.0), (12.1, np.nan)])
def test_nothing_beyond_12_hours_is_taken(hour: float, expected: float) -> None:
    observed = np.full((3, 1, 1), np.nan, "float32")
    observed[1] = hour
    found = nearest(numbered(3), observed, np.zeros((1, 1)), slice(1, 2))
    np.testing.assert_array_equal(found.ravel(), [expected])


def test_the_ends_of_the_record_have_no_neighbours() -> None:
    found = nearest(numbered(2), at(19.5, 2), np.zeros((1, 1)), slice(0, 2))
    np.testing.assert_array_equal(found.ravel(), [np.nan, 0.0])


def test_a_channel_that_is_missing_in_the_nearest_pass_stays_missing() -> None:
    # Channels of one pass belong together; none is taken from another time.
    values = np.stack([np.arange(4.0), np.arange(4.0)], axis=1)[..., None, None].astype("float32")
    values[1, 1] = np.nan
    found = nearest(values, at(3.0, 4), np.zeros((1, 1)), slice(1, 2))
    np.testing.assert_array_equal(found[0, :, 0, 0], [1.0, np.nan])


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_cut_of_the_span_gives_the_same_values(data: st.DataObject) -> None:
    days, halo = 20, 2
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    values = rng.normal(size=(days, 2, 2, 3)).astype("float32")
    observed = rng.uniform(-2, 26, (days, 2, 3)).astype("float32")
    observed[rng.random(observed.shape) < 0.3] = np.nan
    target = rng.uniform(0, 24, (2, 3)).astype("float32")
    shift = data.draw(st.sampled_from([-1, 0, 1]))
    whole = nearest(values, observed, target, slice(0, days), shift_days=shift)
    cuts = sorted(data.draw(st.sets(st.integers(1, days - 1), max_size=5)) | {0, days})
    parts = []
    for start, stop in itertools.pairwise(cuts):
        low, high = max(start - halo, 0), min(stop + halo, days)
        span = slice(start - low, stop - low)
        parts.append(nearest(values[low:high], observed[low:high], target, span, shift_days=shift))
    np.testing.assert_array_equal(np.concatenate(parts), whole)
