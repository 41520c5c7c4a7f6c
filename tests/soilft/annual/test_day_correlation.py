"""The correlation of days' errors: the copula's formula, known correlations found again."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from soilft.annual import day_correlation
from soilft.annual.day_correlation import (
    LAGS,
    SCALES,
    DayCorrelation,
    PairsOfBand,
    correlations,
    described,
    excess,
    fitted,
    pairs_of,
)
from soilft.days import DaySpan
from soilft.rows import RowSpan
from soilft.schema import MISSING, PARTIAL


@pytest.mark.parametrize("rho", [0.05, 0.5, 0.9, 0.99])
def test_covariance_of_two_frozen_days_is_the_bivariate_normals(rho: float) -> None:
    found = excess(rho)
    for i, j in ((50, 50), (5, 90), (90, 95), (1, 1), (30, 70), (99, 2)):
        both = multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf(norm.ppf([i / 100, j / 100]))
        assert found[i - 1, j - 1] == pytest.approx(both - i * j / 1e4, abs=2e-5)


def test_median_days_follow_sheppards_formula() -> None:
    for rho in (0.1, 0.6, 0.95):
        assert excess(rho)[49, 49] == pytest.approx(np.arcsin(rho) / (2 * np.pi), abs=1e-12)


def labelled(correlation: DayCorrelation, days: int, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a season, and labels whose errors are correlated as told."""
    season = 50 + 45 * np.cos(np.arange(days) * 2 * np.pi / 365)
    percent = np.clip(season[:, None] + np.arange(cells) % 11 - 5, 1, 99).astype("uint8")
    latent = correlation.draw(cells, days, [7]).T
    return percent, (norm.cdf(latent) < percent / 100).astype("uint8")


@pytest.mark.slow
@pytest.mark.parametrize(
    "weights", [(0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.8, 0.0, 0.0, 0.0), (0.3, 0.0, 0.4, 0.0, 0.2)]
)
def test_a_known_correlation_is_found_again(weights: tuple[float, ...]) -> None:
    true = DayCorrelation(weights)
    found = correlations(pairs_of(*labelled(true, 730, 400)))
    np.testing.assert_allclose(np.array(found, "float64"), true.at(LAGS), atol=0.06)
    mixture = fitted(found)
    assert mixture is not None
    np.testing.assert_allclose(mixture.at(LAGS), true.at(LAGS), atol=0.06)


def test_pairs_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    percent = rng.choice(np.array([0, 1, 40, 99, 100, MISSING], "uint8"), (20, 3))
    state = rng.choice(np.array([0, 1, PARTIAL, MISSING], "uint8"), (20, 3))
    found = pairs_of(percent, state)
    expected = np.zeros_like(found)
    for row, lag in enumerate(LAGS):
        for day in range(20 - lag):
            for cell in range(3):
                p, q = percent[day, cell], percent[day + lag, cell]
                a, b = state[day, cell], state[day + lag, cell]
                if 1 <= p <= 99 and 1 <= q <= 99 and a <= 1 and b <= 1:
                    expected[row, a, b, p, q] += 1
    assert (found == expected).all()
    assert found[0].sum() > 0
    assert found[LAGS.index(32) :].sum() == 0


def test_a_band_of_twice_the_cells_or_days_needs_twice_the_memory() -> None:
    period = DaySpan(date(2015, 1, 1), date(2015, 1, 10))
    task = PairsOfBand("cube", "label", "PM", period, period, RowSpan(0, 8), 5)
    assert task.peak_bytes == 10 * 8 * 5 * 38
    assert replace(task, rows=RowSpan(8, 24)).peak_bytes == 2 * task.peak_bytes
    half = DaySpan(date(2015, 1, 1), date(2015, 1, 5))
    assert 2 * replace(task, span=half).peak_bytes == task.peak_bytes


def test_pairs_of_bands_add_up() -> None:
    percent, state = labelled(DayCorrelation((0.0, 0.5, 0.0, 0.0, 0.0)), 60, 10)
    parts = [pairs_of(percent[:, cut], state[:, cut]) for cut in (slice(0, 3), slice(3, 10))]
    assert (sum(parts) == pairs_of(percent, state)).all()


def test_without_labels_there_is_no_correlation_and_it_says_so() -> None:
    percent = np.full((50, 4), 60, "uint8")
    counts = pairs_of(percent, np.full((50, 4), MISSING, "uint8"))
    assert correlations(counts) == [None] * len(LAGS)
    assert described(counts)["weights"] is None


def test_errors_that_alternate_are_taken_for_independent() -> None:
    percent = np.full((400, 50), 50, "uint8")
    state = np.broadcast_to((np.arange(400) % 2)[:, None], percent.shape).astype("uint8")
    assert correlations(pairs_of(percent, state))[0] == 0


@given(st.lists(st.floats(0, 1), min_size=len(LAGS), max_size=len(LAGS)))
@settings(max_examples=50, deadline=None)
def test_any_estimates_give_a_correlation(found: list[float]) -> None:
    mixture = fitted(found)
    assert mixture is not None
    assert min(mixture.weights) >= 0
    assert sum(mixture.weights) <= 1 + 1e-9
    days = np.arange(200.0)
    matrix = mixture.at(days)[np.abs(days[:, None] - days[None, :]).astype(int)]
    np.fill_diagonal(matrix, 1)
    assert np.linalg.eigvalsh(matrix).min() > -1e-9


def test_drawn_years_have_the_correlation_and_one_seed_gives_one_array() -> None:
    true = DayCorrelation((0.2, 0.3, 0.0, 0.1, 0.3))
    drawn = true.draw(20_000, 40, [1, 2014])
    assert abs(drawn.mean()) < 0.02
    assert drawn.std() == pytest.approx(1, abs=0.02)
    for lag in (1, 4, 32):
        found = (drawn[:, :-lag] * drawn[:, lag:]).mean()
        assert found == pytest.approx(true.at([lag])[0], abs=0.03)
    assert (true.draw(5, 40, [1, 2014]) == true.draw(5, 40, [1, 2014])).all()
    assert (true.draw(5, 40, [1, 2014]) != true.draw(5, 40, [1, 2015])).all()
    assert len(SCALES) == len(true.weights)


def test_hundredths_of_sure_days_are_never_drawn_the_other_way() -> None:
    assert day_correlation.quantiles()[0] == -np.inf
    assert day_correlation.quantiles()[100] == np.inf
    assert day_correlation.quantiles()[50] == 0
