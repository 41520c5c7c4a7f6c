"""Slopes and tests held against enumeration and scipy."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from soilft.annual.series_trend import mann_kendall, trend

YEARS = np.arange(2011, 2020)
SERIES = st.lists(st.integers(-50, 50), min_size=4, max_size=15)


def test_a_straight_line_is_its_own_slope() -> None:
    found = trend(YEARS, 180 - 0.19 * (YEARS - 2011))
    assert found["slope"] == pytest.approx(-0.19)
    assert found["interval"] == pytest.approx([-0.19, -0.19])
    assert found["p_value"] == pytest.approx(2 / 362880)
    assert found["years"] == 9


@given(SERIES)
@settings(deadline=None)
def test_the_slope_is_the_median_of_all_pairs(series: list[int]) -> None:
    years = np.arange(2000, 2000 + len(series))
    found = trend(years, np.array(series, "float64"))
    slopes = [(series[j] - series[i]) / (j - i) for i, j in combinations(range(len(series)), 2)]
    assert found["slope"] == pytest.approx(np.median(slopes), abs=1e-12)
    low, high = found["interval"]
    assert low <= found["slope"] + 1e-12
    assert found["slope"] <= high + 1e-12


def test_one_wild_year_does_not_make_a_trend() -> None:
    values = 150 + np.array([0.3, -0.2, 0.1, 0.4, -0.3, 0.2, -0.1, 0.0, 80.0])
    found = trend(YEARS, values)
    assert abs(found["slope"]) < 0.1
    assert found["p_value"] > 0.3


def test_gaps_are_gaps_in_time() -> None:
    years = np.array([2011, 2012, 2016, 2017, 2019])
    values = 2.0 * years
    values[2] = np.nan
    found = trend(years, values)
    assert found["slope"] == pytest.approx(2.0)
    assert found["years"] == 4


@pytest.mark.parametrize("known", [0, 1, 3])
def test_fewer_than_four_years_have_no_trend(known: int) -> None:
    values = np.full(9, np.nan)
    values[:known] = np.arange(known)
    found = trend(YEARS, values)
    assert found["slope"] is found["interval"] is found["p_value"] is None
    assert found["years"] == known
    assert str(known) in found["reason"]


def test_the_order_of_the_years_changes_nothing() -> None:
    values = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0])
    order = np.random.default_rng(0).permutation(9)
    assert trend(YEARS[order], values[order]) == trend(YEARS, values)


@given(st.permutations(range(6)))
@settings(max_examples=25, deadline=None)
def test_without_ties_the_p_value_is_exact(values: list[int]) -> None:
    def score(series: tuple[int, ...]) -> int:
        return sum(np.sign(b - a) for a, b in combinations(series, 2))

    seen = abs(score(tuple(values)))
    as_extreme = np.mean([abs(score(order)) >= seen for order in permutations(range(6))])
    assert mann_kendall(np.arange(6), np.array(values)) == pytest.approx(as_extreme)


@given(st.lists(st.integers(0, 4), min_size=6, max_size=15))
@settings(deadline=None)
def test_with_ties_the_p_value_is_kendalls_with_a_continuity_correction(values: list[int]) -> None:
    series = np.array(values, "float64")
    years = np.arange(len(series))
    found = mann_kendall(years, series)
    assert 0 <= found <= 1
    tau = stats.kendalltau(years, series, method="asymptotic")
    if len(np.unique(series)) == 1:
        assert found == 1
    else:
        score = sum(np.sign(b - a) for a, b in combinations(values, 2))
        # scipy's statistic is uncorrected: take the spread from it and pull the score in by one.
        z = stats.norm.isf(tau.pvalue / 2)
        shrunk = z * max(abs(score) - 1, 0) / abs(score) if score else 0.0
        expected = 2 * stats.norm.sf(shrunk)
        if len(np.unique(series)) < len(series):
            assert found == pytest.approx(expected, rel=1e-6)


def test_a_series_that_never_changes_has_no_trend() -> None:
    found = trend(YEARS, np.full(9, 7.0))
    assert found["slope"] == 0
    assert found["interval"] == [0, 0]
    assert found["p_value"] == 1


def test_noise_alone_is_called_a_trend_as_rarely_as_it_says() -> None:
    rng = np.random.default_rng(0)
    rounded = rng.integers(0, 12, (1500, 12)).astype("float64")
    p = np.array([mann_kendall(np.arange(12), series) for series in rounded])
    assert (p < 0.05).mean() <= 0.065
    assert (p < 0.05).mean() >= 0.02
