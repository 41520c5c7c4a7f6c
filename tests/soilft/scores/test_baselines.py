"""The rules that a forest has to beat, against what they say in words."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soilft.schema import FROZEN, MISSING, PARTIAL, THAWED
from soilft.scores import baselines

NAMES = ("tb_18.7H_AM", "tb_36.5V_AM", "tb_18.7H_PM", "tb_36.5V_PM")


def test_the_discriminant_is_the_published_inequality() -> None:
    # Equal where 91.69 Qe - 86.33 Qe = (1.55 - 1.47) TB + 226.77 - 242.41.
    v36 = np.array([230.0, 250.0, 270.0])
    equal = (0.08 * v36 - 15.64) / 5.36
    assert baselines.discriminant((equal + 1e-6) * v36, v36).tolist() == [FROZEN] * 3
    assert baselines.discriminant((equal - 1e-6) * v36, v36).tolist() == [THAWED] * 3
    assert baselines.discriminant(np.array([np.nan, 250]), np.array([250, np.nan])).tolist() == [
        MISSING,
        MISSING,
    ]


def test_the_node_of_the_overpass_is_used() -> None:
    cold, warm = (205.0, 225.0), (255.0, 280.0)
    rows = np.array([[*cold, *warm], [*cold, *warm], [*cold, np.nan, np.nan]], "float32")
    overpass = np.array([0, 1, 1], "uint8")
    found = baselines.from_features(NAMES, rows, overpass)
    assert found["discriminant"].tolist() == [FROZEN, THAWED, MISSING]
    assert "gldas" not in found
    names = ("reanalysis_SoilTMP0_10cm_inst_mean",)
    soil = np.array([[273.1], [273.2], [np.nan]], "float32")
    found = baselines.from_features(names, soil, overpass)
    assert found["gldas"].tolist() == [FROZEN, THAWED, MISSING]
    assert "discriminant" not in found


def slow_climatology(label: np.ndarray, doy: np.ndarray, half: int) -> np.ndarray:
    out = np.full(len(label), np.nan)
    for n in range(len(label)):
        apart = np.abs(doy - doy[n])
        near = np.minimum(apart, 366 - apart) <= half
        near &= np.abs(np.arange(len(label)) - n) > half
        known = near & (label <= 1)
        if known.any():
            out[n] = ((label[known] == 1).sum() + 0.5) / (known.sum() + 1)
    return out


@given(st.integers(0, 10**6), st.integers(0, 4))
@settings(max_examples=15, deadline=None)
def test_climatology_counts_the_same_days_of_other_years(seed: int, half: int) -> None:
    rng = np.random.default_rng(seed)
    label = rng.choice(np.array([0, 1, PARTIAL, MISSING], "uint8"), (800, 1, 1))
    # A calendar of leap years, so that every year has the same days.
    doy = np.arange(800) % 366 + 1
    found = baselines.climatology(label, doy, half)[:, 0, 0]
    np.testing.assert_allclose(found, slow_climatology(label[:, 0, 0], doy, half), rtol=1e-6)


def test_climatology_never_sees_the_days_around_its_own() -> None:
    label = np.full((5 * 366, 1, 1), THAWED, "uint8")
    doy = np.arange(len(label)) % 366 + 1
    own = 2 * 366 + 100
    label[own - 10 : own + 11] = FROZEN
    found = baselines.climatology(label, doy)
    assert found[own, 0, 0] < 0.01
    # Another year sees them.
    assert found[own + 366, 0, 0] == pytest.approx(21.5 / 85)


def test_persistence_is_the_last_known_label_and_grows_old() -> None:
    label = np.full((16, 1, 1), MISSING, "uint8")
    label[0], label[3], label[4] = FROZEN, THAWED, PARTIAL
    found = baselines.persistence(label, longest=4)[:, 0, 0]
    assert found.tolist() == [MISSING, 1, 1, 1, 0, 0, 0, 0] + [MISSING] * 8


def test_seasonal_threshold_is_the_regression_at_the_melting_point() -> None:
    rng = np.random.default_rng(5)
    day = np.arange(731)
    year = np.where(day < 366, 2012, 2013)
    air = (268 - 15 * np.cos(2 * np.pi * day / 366))[:, None, None] + np.zeros((1, 1, 2))
    tb = 0.9 * air + np.where(year == 2012, 10.0, 14.0)[:, None, None]
    tb[:, :, 1] += rng.normal(0, 1, tb[:, :, 1].shape)
    tb[5, 0, 0] = np.nan
    state, threshold = baselines.seasonal_threshold(tb, air, year)
    np.testing.assert_allclose(threshold[:, 0, 0], 0.9 * 273.15 + np.array([10.0, 14.0]))
    assert state[5, 0, 0] == MISSING
    rest = np.delete(np.arange(731), 5)
    np.testing.assert_array_equal(state[rest, 0, 0], (air[rest, 0, 0] < 273.15).astype("uint8"))
    assert abs(threshold[0, 0, 1] - threshold[0, 0, 0]) < 0.5


def test_a_pixel_with_few_pairs_or_a_falling_line_has_no_threshold() -> None:
    day = np.arange(366)
    air = (270 + 10 * np.sin(day / 58))[:, None, None] + np.zeros((1, 1, 2))
    tb = np.concatenate([air[:, :, :1], 540 - air[:, :, 1:]], axis=2)
    tb[29:, 0, 0] = np.nan
    state, threshold = baselines.seasonal_threshold(tb, air, np.full(366, 2012))
    assert np.isnan(threshold).all()
    assert (state == MISSING).all()


def test_air_is_averaged_over_the_days_that_end_with_the_day_where_half_are_known() -> None:
    nan = np.nan
    air = np.array([272, nan, nan, 275, 273, 270, nan, 273.15], "float32")[:, None, None]
    of_the_day = baselines.air_below_freezing(air, 1)[:, 0, 0]
    # The melting point itself is not below it.
    assert of_the_day.tolist() == [1, MISSING, MISSING, 0, 1, 1, MISSING, 0]
    # Of five days 2 are too few; 272, 275 and 273 are 273.33 K, then 275, 273 and 270 272.67 K.
    five = baselines.air_below_freezing(air, 5)[:, 0, 0]
    assert five.tolist() == [MISSING] * 4 + [0, 1, 1, 1]
    assert (baselines.air_below_freezing(air, 15) == MISSING).all()
    assert (baselines.air_below_freezing(air, 10)[:, 0, 0] == 1).nonzero()[0].tolist() == [7]


def test_what_air_says_of_a_day_does_not_depend_on_the_days_after() -> None:
    rng = np.random.default_rng(4)
    air = rng.normal(273.15, 3, (100, 2, 1)).astype("float32")
    air[rng.random(air.shape) < 0.4] = np.nan
    whole = baselines.air_below_freezing(air, 15)
    for day in (3, 29, 30, 44, 45, 99):
        known = air[max(0, day - 14) : day + 1]
        mean, count = np.nanmean(known, axis=0), np.isfinite(known).sum(axis=0)
        state = np.where(count < 8, MISSING, mean < 273.15)
        np.testing.assert_array_equal(whole[day], state)
        np.testing.assert_array_equal(
            baselines.air_below_freezing(air[: day + 1], 15)[day], whole[day]
        )


def test_season_alone_is_one_calendar_and_a_tie_is_frozen() -> None:
    season, label = np.array([5, 366, 100]), np.array([FROZEN, THAWED, THAWED], "uint8")
    when = np.array([1, 12, 15, 16, 360, 356, 355, 110, 111])
    found = baselines.season_alone(season, label, when).tolist()
    # Day 1 is one day after 366 and four before 5; day 15 is ten after 5, day 16 eleven.
    assert found == [1, 1, 1, MISSING, 0, 0, MISSING, 0, MISSING]


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_season_alone_counts_the_labels_within_ten_days_in_any_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    season, when = rng.integers(1, 367, 90), np.arange(1, 367)
    label = rng.integers(0, 2, 90).astype("uint8")
    found = baselines.season_alone(season, label, when)
    apart = np.abs(season - when[:, None])
    near = np.minimum(apart, 366 - apart) <= 10
    for row, state in zip(near, found, strict=True):
        assert state == (int(label[row].mean() >= 0.5) if row.any() else MISSING)
    other = rng.permutation(90)
    np.testing.assert_array_equal(found, baselines.season_alone(season[other], label[other], when))


def on_the_globe(lon: list[float], lat: float = 0.0) -> np.ndarray:
    """Unit vectors of places, (place, 3)."""
    x, y = np.radians(lon), np.radians(np.full(len(lon), lat))
    return np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)], axis=1)


def nearest(lon: list[float], label: list[int], day: list[int] | None = None) -> int:
    """State at longitude 0 on day 7."""
    days = np.array([7] * len(lon) if day is None else day)
    codes = np.array(label, "uint8")
    found = baselines.nearest_labels(
        days, on_the_globe(lon), codes, np.array([7]), on_the_globe([0])
    )
    return int(found[0])


def test_the_three_nearest_labels_of_the_day_decide() -> None:
    assert nearest([1, 2, 3, 4, 5], [1, 0, 1, 0, 0]) == FROZEN
    assert nearest([1, 2, 3, 4, 5], [0, 1, 0, 1, 1]) == THAWED
    # Those of other days do not count, however near.
    assert nearest([0.1, 0.2, 1, 2, 3], [1, 1, 0, 0, 1], [6, 8, 7, 7, 7]) == THAWED
    assert nearest([90, 179], [1, 0]) == FROZEN
    assert nearest([90, 91], [0, 0]) == THAWED
    assert nearest([1, 2, 3], [1, 1, 1], [6, 6, 8]) == MISSING
    assert nearest([], []) == MISSING


@pytest.mark.parametrize(
    ("label", "state"), [([1, 0, 1, 0], FROZEN), ([0, 1, 0, 0], THAWED), ([1, 1, 1, 0], FROZEN)]
)
def test_labels_as_near_as_the_third_count_and_no_order_decides(
    label: list[int], state: int
) -> None:
    lon = [1.0, -1.0, 2.0, -2.0]
    for order in permutations(range(4)):
        assert nearest([lon[n] for n in order], [label[n] for n in order]) == state


def test_distances_that_differ_by_rounding_alone_are_equal() -> None:
    at, place = on_the_globe([0]), on_the_globe([0.25, -0.25])
    place[1] *= 1 + 1e-13
    one, other = np.linalg.norm(place - at, axis=1)
    assert one != other
    for codes in ([THAWED, FROZEN], [FROZEN, THAWED]):
        label = np.array(codes, "uint8")
        found = baselines.nearest_labels(
            np.array([7, 7]), place, label, np.array([7]), at, nearest=1
        )
        assert found.tolist() == [FROZEN]


def test_nearest_labels_are_the_same_in_any_order_of_labels_and_rows() -> None:
    rng = np.random.default_rng(6)
    lon, lat = (axis.ravel() for axis in np.meshgrid(np.arange(80, 84, 0.25), np.arange(30, 33)))
    x, y = np.radians(lon), np.radians(lat)
    place = np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)], axis=1)
    cell, day = rng.integers(0, len(place), 300), rng.integers(0, 12, 300)
    label = rng.integers(0, 2, 300).astype("uint8")
    when, where = rng.integers(0, 14, 200), place[rng.integers(0, len(place), 200)]
    found = baselines.nearest_labels(day, place[cell], label, when, where)
    assert set(found[when < 12].tolist()) == {FROZEN, THAWED}
    assert (found[when >= 12] == MISSING).all()
    for _ in range(5):
        mine, rows = rng.permutation(300), rng.permutation(200)
        other = baselines.nearest_labels(
            day[mine], place[cell[mine]], label[mine], when[rows], where[rows]
        )
        np.testing.assert_array_equal(other, found[rows])
