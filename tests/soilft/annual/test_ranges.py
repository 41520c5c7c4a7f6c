"""Ranges of annual layers: sure days, the binomial, coverage, and independence of cuts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from soilft.annual import ranges as module
from soilft.annual.day_correlation import DayCorrelation
from soilft.annual.phenology import of_year
from soilft.annual.ranges import NAMES, peak_bytes, ranges, shares
from soilft.schema import MISSING

ALONE = DayCorrelation((0.0,) * 5)
ALIKE = DayCorrelation((0.1, 0.3, 0.3, 0.1, 0.1))


def year_of(correlation: DayCorrelation, draws: int = 400, days: int = 365) -> np.ndarray:
    return correlation.draw(draws, days, [0, 2014])


def test_a_year_of_sure_days_has_no_range() -> None:
    percent = np.zeros((365, 2), "uint8")
    percent[79:230] = 100
    percent[99, 1] = 0
    found = ranges(percent, year_of(ALIKE), 0.9, least_known=0.5)
    layers = of_year((percent == 100).astype("uint8"))
    for name in NAMES:
        for row in found[name]:
            np.testing.assert_array_equal(row, layers[name])
    assert layers["longest_spell"].tolist() == [151, 130]
    assert layers["first_frozen_day"].tolist() == [80, 80]
    assert layers["last_frozen_day"].tolist() == [230, 230]


def test_frozen_days_of_independent_days_are_binomial() -> None:
    percent = np.full((365, 1), 30, "uint8")
    low, middle, high = ranges(percent, year_of(ALONE, 4000), 0.9, least_known=0.5)["frozen_days"]
    expected = binom(365, 0.3).ppf([0.05, 0.5, 0.95])
    np.testing.assert_allclose([low[0], middle[0], high[0]], expected, atol=1.1)


def test_days_that_err_together_leave_a_wider_range() -> None:
    percent = np.full((365, 1), 30, "uint8")
    width = {}
    for name, correlation in (("alone", ALONE), ("alike", ALIKE)):
        low, _, high = ranges(percent, year_of(correlation), 0.9, least_known=0.5)["frozen_days"]
        width[name] = float(high[0] - low[0])
    assert width["alike"] > 3 * width["alone"]


def test_nine_true_years_in_ten_lie_in_their_range() -> None:
    """Years made with the same probabilities and correlation, but other draws."""
    season = 50 + 55 * np.cos((np.arange(365) - 180) * 2 * np.pi / 365)
    percent = np.clip(season, 2, 98).astype("uint8")[:, None]
    found = ranges(percent, year_of(ALIKE, 4000), 0.9, least_known=0.5)
    true = ALIKE.draw(4000, 365, [99]).T
    layers = of_year((norm.cdf(true) < percent / 100).astype("uint8"))
    for name in ("frozen_days", "freeze_onset", "thaw_onset", "longest_spell", "cycles"):
        low, _, high = found[name]
        inside = (layers[name] >= low[0]) & (layers[name] <= high[0])
        # Whole days can only make the share larger than nine in ten.
        assert 0.88 < inside.mean() < 0.94, name


@given(st.integers(0, 2**32 - 1), st.integers(1, 11))
@settings(max_examples=15, deadline=None)
def test_neither_neighbours_nor_cuts_change_a_range(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    percent = rng.choice(np.array([0, 3, 40, 90, 100, MISSING], "uint8"), (365, 12))
    latent = year_of(ALIKE, 20)
    whole = ranges(percent, latent, 0.9, least_known=0.5)
    parts = [ranges(p, latent, 0.9, least_known=0.5) for p in (percent[:, :cut], percent[:, cut:])]
    for name in NAMES:
        joined = np.concatenate([part[name] for part in parts], axis=1)
        np.testing.assert_array_equal(whole[name], joined)


def test_blocks_and_batches_do_not_change_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    percent = rng.choice(np.array([0, 3, 40, 90, 100, MISSING], "uint8"), (365, 12))
    latent = year_of(ALIKE, 20)
    whole = ranges(percent, latent, 0.9, least_known=0.5)
    monkeypatch.setattr(module, "_CELLS_AT_ONCE", 5)
    monkeypatch.setattr(module, "_PIXELS_AT_ONCE", 15)
    for name, values in ranges(percent, latent, 0.9, least_known=0.5).items():
        np.testing.assert_array_equal(whole[name], values)


def test_a_missing_day_is_never_drawn_and_too_few_known_days_give_nothing() -> None:
    percent = np.full((365, 2), 100, "uint8")
    percent[100:120, 0] = MISSING
    percent[:200, 1] = MISSING
    found = ranges(percent, year_of(ALIKE, 20), 0.9, least_known=0.5)
    assert found["longest_spell"][:, 0].tolist() == [245] * 3
    assert found["frozen_days"][:, 0].tolist() == [365] * 3
    assert all(np.isnan(found[name][:, 1]).all() for name in NAMES)


def test_an_onset_that_few_draws_have_is_missing() -> None:
    percent = np.full((365, 1), 0, "uint8")
    percent[100:105] = 60
    found = ranges(percent, year_of(ALONE), 0.9, least_known=0.5)
    assert np.isnan(found["freeze_onset"]).all()
    assert found["frozen_days"][:, 0].tolist() == [1, 3, 5]


def test_shares_are_symmetric() -> None:
    assert shares(0.9) == (0.05, 0.5, 0.95)
    assert peak_bytes(366, 7680, 200) < 2**28
