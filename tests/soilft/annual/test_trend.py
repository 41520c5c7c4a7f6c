"""The trend of all pixels at once is scipy's of each."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from soilft.annual.series_trend import trend
from soilft.annual.trend import exact_p_values, pixel_trend

NUMBERS = st.one_of(st.integers(-4, 4).map(float), st.floats(-300, 300), st.just(float("nan")))


def assert_as_alone(years: np.ndarray, values: np.ndarray) -> None:
    found = pixel_trend(years, values)
    for cell in range(values.shape[1]):
        alone = trend(years, values[:, cell])
        if alone["slope"] is None:
            assert all(np.isnan(found[name][cell]) for name in found)
            continue
        expected = [alone["slope"], *alone["interval"], alone["p_value"]]
        given_here = [found[name][cell] for name in ("slope", "low", "high", "p_value")]
        np.testing.assert_allclose(given_here, expected, rtol=1e-9, atol=1e-12)


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
