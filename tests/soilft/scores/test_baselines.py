"""The rules that a forest has to beat, against what they say in words."""

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
