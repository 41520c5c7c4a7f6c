"""The trend of one series and of all pixels at once, held against enumeration and scipy."""

from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from soilft.annual.trend import LEVEL, exact_p_values, pixel_trend, trend

YEARS = np.arange(2011, 2020)
SERIES = st.lists(st.integers(-50, 50), min_size=4, max_size=15)
NUMBERS = st.one_of(st.integers(-4, 4).map(float), st.floats(-300, 300), st.just(float("nan")))


def by_scipy(years: np.ndarray, values: np.ndarray) -> list[float]:
    """Slope, interval and p-value of one series, ascending, four years or more, no NaN."""
    found = stats.theilslopes(values, years, alpha=LEVEL)
    return [found.slope, found.low_slope, found.high_slope, mann_kendall(years, values)]


def mann_kendall(years: np.ndarray, values: np.ndarray) -> float:
    """Exact without ties, else the normal approximation with a continuity correction."""
    groups = np.unique(values, return_counts=True)[1]
    if (groups == 1).all():
        return float(stats.kendalltau(years, values, method="exact").pvalue)
    score = np.tril(np.sign(np.subtract.outer(values, values))).sum()
    variance = (spread(len(values)) - spread(groups).sum()) / 18
    return 1.0 if score == 0 else float(2 * stats.norm.sf((abs(score) - 1) / np.sqrt(variance)))


def spread(n: Any) -> Any:
    return n * (n - 1) * (2 * n + 5)


def p_value(values: Any) -> float:
    """Of values of successive years."""
    return float(trend(np.arange(len(values)), np.asarray(values))["p_value"])


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
    assert p_value(values) == pytest.approx(as_extreme)


@given(st.lists(st.integers(0, 4), min_size=6, max_size=15))
@settings(deadline=None)
def test_with_ties_the_p_value_is_kendalls_with_a_continuity_correction(values: list[int]) -> None:
    series = np.array(values, "float64")
    years = np.arange(len(series))
    found = p_value(series)
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
    p = np.array([p_value(series) for series in rounded])
    assert (p < 0.05).mean() <= 0.065
    assert (p < 0.05).mean() >= 0.02


def assert_as_alone(years: np.ndarray, values: np.ndarray) -> None:
    found = pixel_trend(years, values)
    for cell, series in enumerate(values.T):
        known = np.isfinite(series)
        given_here = [found[name][cell] for name in ("slope", "low", "high", "p_value")]
        if known.sum() < 4:
            assert np.isnan(given_here).all()
            continue
        expected = by_scipy(years[known], series[known])
        np.testing.assert_allclose(given_here, expected, rtol=1e-9, atol=1e-12)
        alone = trend(years, series)
        assert [alone["slope"], *alone["interval"], alone["p_value"]] == given_here


@pytest.mark.parametrize("ties", [False, True])
def test_the_published_numbers_are_scipys_to_the_last_bit(ties: bool) -> None:
    # From 19 years on scipy's exact p-value is rounded in between, this one once.
    rng = np.random.default_rng(0)
    for length in range(4, 19):
        years = np.sort(rng.choice(np.arange(1980, 2005), length, replace=False))
        for _ in range(20):
            series = rng.normal(150, 20, length) + rng.integers(-3, 4) * np.arange(length)
            series = np.rint(series / 10) if ties else series
            found = trend(years, series)
            assert [found["slope"], *found["interval"], found["p_value"]] == by_scipy(years, series)


@given(st.integers(1, 12), st.data())
@settings(max_examples=150, deadline=None)
def test_every_pixel_is_as_alone(length: int, data: st.DataObject) -> None:
    years = np.array(
        sorted(data.draw(st.sets(st.integers(1980, 2030), min_size=length, max_size=length)))
    )
    cells = data.draw(st.lists(st.lists(NUMBERS, min_size=length, max_size=length), min_size=1))
    assert_as_alone(years, np.array(cells).T)


@pytest.mark.parametrize("length", [4, 9, 40])
def test_long_and_short_records_with_ties_and_gaps(length: int) -> None:
    rng = np.random.default_rng(length)
    values = rng.normal(0, 9, (length, 60)) + np.linspace(-1, 1, 60) * np.arange(length)[:, None]
    values[:, 20:40] = np.rint(values[:, 20:40] / 4)
    values[rng.random(values.shape) < 0.2] = np.nan
    values[:, 59] = 3.0
    assert_as_alone(np.arange(2000, 2000 + length), values)


def test_a_line_is_found_whole() -> None:
    years = np.arange(2011, 2020)
    found = pixel_trend(years, np.stack([2.5 * years, -1.0 * years, 0.0 * years], axis=1))
    assert found["slope"].tolist() == [2.5, -1, 0]
    assert found["low"].tolist() == found["high"].tolist() == [2.5, -1, 0]
    np.testing.assert_allclose(found["p_value"], [2 / 362880, 2 / 362880, 1])


@pytest.mark.parametrize("n", [4, 5, 8, 12])
def test_exact_p_values_are_scipys(n: int) -> None:
    x = np.arange(n)
    rng = np.random.default_rng(n)
    for _ in range(20):
        y = rng.permutation(n)
        against = sum(y[i] > y[j] for i in range(n) for j in range(i + 1, n))
        fewer = min(against, n * (n - 1) // 2 - against)
        expected = stats.kendalltau(x, y, method="exact").pvalue
        assert exact_p_values(n)[fewer] == pytest.approx(expected, rel=1e-9)
