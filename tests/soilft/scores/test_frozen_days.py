"""Frozen days a year: gaps count as nothing, and a step between radiometers is a false trend."""

import calendar

import numpy as np
import pytest

from soilft.schema import FROZEN, MISSING, THAWED
from soilft.scores.frozen_days import by_year, compared

FIRST = int(np.datetime64("2003-01-01", "D").astype("int64"))
YEARS = 10
DAYS = np.arange(FIRST, int(np.datetime64(f"{2003 + YEARS}-01-01", "D").astype("int64")))
MONTH = DAYS.astype("datetime64[D]").astype("datetime64[M]").astype("int64") % 12
YEAR = DAYS.astype("datetime64[D]").astype("datetime64[Y]").astype("int64") + 1970
CELLS = 40


def winter(chance: float = 1.0, seed: int = 0) -> np.ndarray:
    """Give states (day, cell) that are frozen from December to February, each with a chance."""
    rng = np.random.default_rng(seed)
    cold = np.isin(MONTH, (11, 0, 1))[:, None] & (rng.random((len(DAYS), CELLS)) < chance)
    return np.where(cold, FROZEN, THAWED).astype("uint8")


def test_frozen_days_are_those_of_the_calendar_whatever_is_missing() -> None:
    state = winter()
    state[np.random.default_rng(1).random(state.shape) < 0.5] = MISSING
    years, frozen = by_year(state, DAYS)
    assert years.tolist() == list(range(2003, 2013))
    for year, days in zip(years.tolist(), frozen, strict=True):
        np.testing.assert_allclose(days, 90 + calendar.isleap(year))


def test_a_year_with_a_month_of_too_few_days_does_not_count() -> None:
    state = winter()
    june = np.flatnonzero((YEAR == 2005) & (MONTH == 5))
    state[june[4:], 0] = MISSING
    state[june[5:], 1] = MISSING
    _, frozen = by_year(state, DAYS)
    assert np.isnan(frozen[2, 0])
    assert np.isfinite(frozen[2, 1:]).all()
    assert np.isfinite(np.delete(frozen, 2, axis=0)).all()
    # Nor does one that begins in spring.
    years, frozen = by_year(state[100:], DAYS[100:])
    assert years[0] == 2003
    assert np.isnan(frozen[0]).all()


def test_steps_between_radiometers_are_a_trend_of_the_raw_record_alone() -> None:
    truth, harmonized = winter(), winter(0.97, seed=1)
    raw = winter(0.97, seed=1)
    # The second and the third radiometer see ever more of March and November as frozen.
    share = 0.2 * (YEAR >= 2006) + 0.2 * (YEAR >= 2010)
    edge = np.isin(MONTH, (2, 10))[:, None]
    raw[edge & (np.random.default_rng(2).random(raw.shape) < share[:, None])] = FROZEN
    # What one record misses counts for none.
    raw[::7] = MISSING
    found = compared({"raw": raw, "harmonized": harmonized, "truth": truth}, DAYS)
    assert found["cells"] == CELLS
    assert found["pixel_days"] == CELLS * (len(DAYS) - len(DAYS[::7]))
    assert found["years"] == list(range(2003, 2013))
    trends = {each["record"]: each["trend"] for each in found["records"]}
    assert trends["raw"]["slope"] > 1
    assert trends["raw"]["interval"][0] > 0
    assert trends["raw"]["p_value"] < 0.05
    for name in ("harmonized", "truth"):
        low, high = trends[name]["interval"]
        assert low <= 0 <= high
        assert abs(trends[name]["slope"]) < 0.5
    assert found["records"][2]["series"] == pytest.approx([90, 91, 90, 90, 90, 91, 90, 90, 90, 91])


def test_the_mean_is_over_the_same_cells_in_every_year() -> None:
    """A cell that is always frozen and comes late must not raise the mean."""
    state = winter()
    state[:, 0] = FROZEN
    state[YEAR < 2008, 0] = MISSING
    # A year in which hardly any cell counts is left out, not all the others.
    state[(YEAR == 2010) & (MONTH == 6), 3:] = MISSING
    found = compared({"raw": state, "harmonized": state}, DAYS)
    assert found["cells"] == CELLS - 1
    assert 2010 not in found["years"]
    assert found["records"][0]["series"] == pytest.approx([90, 91, 90, 90, 90, 91, 90, 90, 91])


def test_without_four_years_there_is_a_reason_and_no_trend() -> None:
    some = 3 * 365 + 1
    found = compared({"raw": winter()[:some], "harmonized": winter()[:some]}, DAYS[:some])
    assert len(found["years"]) == 3
    for each in found["records"]:
        assert each["trend"]["slope"] is None
        assert "3 years have a value, a trend needs 4" in each["trend"]["reason"]
    found = compared({"raw": winter()[:200], "harmonized": winter()[:200]}, DAYS[:200])
    assert found["records"] == []
    assert "no cell is known in every month" in found["reason"]


def test_nothing_known_by_both_is_said() -> None:
    nothing = np.full((len(DAYS), CELLS), MISSING, "uint8")
    found = compared({"raw": winter(), "harmonized": nothing}, DAYS)
    assert (found["pixel_days"], found["records"]) == (0, [])
    assert found["years"] == []
