"""Annual layers of hand-written years, with and without missing days."""

from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soilft.annual.phenology import LAYERS, MORE_LAYERS, annual, errors, of_year
from soilft.days import number
from soilft.errors import ConfigError
from soilft.schema import MISSING, PARTIAL

BEGIN = number(date(2014, 8, 1))
YEAR = np.arange(BEGIN, BEGIN + 365, dtype="int32")
CODES = st.sampled_from([0, 0, 1, 1, 1, MISSING])


def year_of(*frozen: tuple[int, int], missing: tuple[tuple[int, int], ...] = ()) -> np.ndarray:
    """One pixel's freezing year, with its frozen and missing spells as first and last day."""
    state = np.zeros(365, "uint8")
    for code, spells in ((1, frozen), (MISSING, missing)):
        for first, last in spells:
            state[first - 1 : last] = code
    return state


def layers(state: np.ndarray, **settings: float) -> dict[str, float]:
    found = annual(state[:, None, None], YEAR, **settings)
    assert found["years"].tolist() == [2014]
    return {name: found[name].item() for name in (*LAYERS, "known")}


def test_one_winter() -> None:
    assert layers(year_of((80, 230))) == {
        "frozen_days": 151,
        "freeze_onset": 80,
        "thaw_onset": 231,
        "cycles": 1,
        "known": 1,
    }


def test_short_frosts_are_cycles_but_no_onset() -> None:
    found = layers(year_of((60, 63), (80, 84), (100, 220), (230, 234), (250, 253)))
    assert found["freeze_onset"] == 80
    assert found["thaw_onset"] == 235
    assert found["cycles"] == 5
    assert found["frozen_days"] == 4 + 5 + 121 + 5 + 4


def test_the_length_of_a_spell_can_be_set() -> None:
    state = year_of((60, 63), (80, 84), (250, 253))
    found = layers(state, run=4)
    assert (found["freeze_onset"], found["thaw_onset"]) == (60, 254)
    found = layers(state, run=1)
    assert (found["freeze_onset"], found["thaw_onset"]) == (60, 254)
    assert np.isnan(layers(state, run=6)["freeze_onset"])


def test_never_frozen_and_always_frozen() -> None:
    found = layers(year_of())
    assert (found["frozen_days"], found["cycles"]) == (0, 0)
    assert np.isnan([found["freeze_onset"], found["thaw_onset"]]).all()
    found = layers(year_of((1, 365)))
    assert (found["frozen_days"], found["cycles"], found["freeze_onset"]) == (365, 0, 1)
    assert np.isnan(found["thaw_onset"])


def test_a_thaw_on_the_last_day_is_one() -> None:
    assert layers(year_of((200, 364)))["thaw_onset"] == 365


def test_missing_days_are_neither_frozen_nor_thawed() -> None:
    winter = ((80, 230),)
    found = layers(year_of(*winter, missing=((82, 84), (90, 100), (228, 229))))
    # Days 80 and 81 are too short a spell before the gap, and so is day 230 after one.
    assert found["freeze_onset"] == 85
    assert found["thaw_onset"] == 228
    assert found["cycles"] == 1
    known = 365 - 3 - 11 - 2
    assert found["known"] == pytest.approx(known / 365)
    assert found["frozen_days"] == pytest.approx((151 - 16) / known * 365, rel=1e-6)


def test_a_transition_across_missing_days_is_one() -> None:
    found = layers(year_of((80, 230), missing=((75, 84), (300, 310))))
    assert (found["cycles"], found["freeze_onset"]) == (1, 85)
    assert layers(year_of((1, 50), (80, 90), missing=((51, 79),)))["cycles"] == 0


def test_other_codes_are_missing() -> None:
    state = year_of((80, 230), missing=((1, 20), (100, 120)))
    partial = np.where(state == MISSING, PARTIAL, state).astype("uint8")
    assert layers(partial) == layers(state)


def test_too_little_known_gives_no_layer_but_says_so() -> None:
    state = year_of((80, 230), missing=((1, 183),))
    found = layers(state)
    assert np.isnan([found[name] for name in LAYERS]).all()
    assert found["known"] == pytest.approx(182 / 365)
    assert layers(state, least_known=0.4)["thaw_onset"] == 231
    unknown = layers(np.full(365, MISSING, "uint8"))
    assert np.isnan([unknown[name] for name in LAYERS]).all()
    assert unknown["known"] == 0


def test_only_whole_freezing_years_are_given() -> None:
    days = np.arange(number(date(2011, 1, 1)), number(date(2014, 1, 1)), dtype="int32")
    found = annual(np.zeros((len(days), 2, 3), "uint8"), days)
    assert found["years"].tolist() == [2011, 2012]
    assert {found[name].shape for name in LAYERS} == {(2, 2, 3)}
    assert annual(np.zeros((364, 1, 1), "uint8"), YEAR[1:])["years"].size == 0
    assert annual(np.zeros((0, 1, 1), "uint8"), YEAR[:0])["known"].shape == (0, 1, 1)


def test_a_leap_year_has_a_day_more() -> None:
    days = np.arange(number(date(2015, 8, 1)), number(date(2016, 8, 1)), dtype="int32")
    found = annual(np.ones((366, 1, 1), "uint8"), days)
    assert found["frozen_days"].item() == 366


def test_the_year_can_begin_elsewhere() -> None:
    days = np.arange(number(date(2014, 2, 1)), number(date(2015, 2, 1)), dtype="int32")
    state = np.zeros((365, 1, 1), "uint8")
    state[100:200] = 1
    found = annual(state, days, year_start=(2, 1))
    assert found["years"].tolist() == [2014]
    assert (found["freeze_onset"].item(), found["thaw_onset"].item()) == (101, 201)


def test_years_do_not_see_each_other() -> None:
    days = np.arange(BEGIN, BEGIN + 365 + 366, dtype="int32")
    state = np.zeros((731, 1, 1), "uint8")
    state[360:370] = 1
    found = annual(state, days)
    assert found["years"].tolist() == [2014, 2015]
    assert found["freeze_onset"].ravel().tolist() == [361, 1]
    assert found["cycles"].ravel().tolist() == [1, 0]
    assert found["frozen_days"].ravel().tolist() == [5, 5]
    assert np.isnan(found["thaw_onset"].ravel()[0])
    assert found["thaw_onset"].ravel()[1] == 6


def slow(state: list[int], run: int) -> tuple[float, float, int]:
    """Onsets and cycles of one pixel, day by day."""
    spells = [
        first
        for first in range(len(state) - run + 1)
        if all(code == 1 for code in state[first : first + run])
    ]
    onset = spells[0] + 1 if spells else np.nan
    after = spells[-1] + run + 1 if spells else np.nan
    known = [code for code in state if code <= 1]
    cycles = sum(a == 0 and b == 1 for a, b in pairwise(known))
    return onset, np.nan if after > len(state) else after, cycles


@given(st.lists(CODES, min_size=30, max_size=30), st.integers(1, 6), st.integers(0, 335))
@settings(deadline=None)
def test_layers_are_those_of_a_loop_over_days(pattern: list[int], run: int, at: int) -> None:
    state = np.zeros(365, "uint8")
    state[at : at + 30] = pattern
    found = layers(state, run=run)
    onset, thaw, cycles = slow(state.tolist(), run)
    np.testing.assert_equal(
        (found["freeze_onset"], found["thaw_onset"], found["cycles"]), (onset, thaw, cycles)
    )


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_pixels_do_not_see_each_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    states = rng.choice(np.array([0, 1, 1, 1, MISSING], "uint8"), (365, 2, 3))
    whole = annual(states, YEAR)
    for y in range(2):
        for x in range(3):
            alone = layers(states[:, y, x], run=5)
            for name, value in alone.items():
                np.testing.assert_equal(whole[name][0, y, x], np.float32(value))


@pytest.mark.parametrize(
    ("days", "settings", "words"),
    [
        (np.delete(YEAR, 7), {}, "364 days"),
        (np.where(YEAR > BEGIN + 9, YEAR + 1, YEAR), {}, "1 gaps"),
        (YEAR, {"year_start": (2, 29)}, "year_start"),
        (YEAR, {"run": 0}, "run"),
        (YEAR, {"least_known": 0.0}, "least_known"),
    ],
)
def test_an_axis_or_setting_that_makes_no_sense_is_refused(
    days: np.ndarray, settings: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        annual(np.zeros((365, 1, 1), "uint8"), days, **settings)


def test_errors_are_over_what_both_know() -> None:
    nan = np.nan
    ours = {"freeze_onset": np.array([[[80.0, 90.0, nan, 70.0]]], "float32")}
    theirs = {"freeze_onset": np.array([[[84.0, 89.0, 60.0, nan]]], "float32")}
    assert errors(ours, theirs) == {
        "freeze_onset": {"bias": -1.5, "mean_absolute_error": 2.5, "rows": 2}
    }


def test_errors_of_nothing_known_are_none() -> None:
    nothing = {"cycles": np.full((1, 2, 2), np.nan, "float32")}
    assert errors(nothing, nothing) == {
        "cycles": {"bias": None, "mean_absolute_error": None, "rows": 0}
    }


def test_errors_of_whole_records_are_zero_against_themselves() -> None:
    states = np.random.default_rng(0).choice(np.array([0, 1, 1, 1], "uint8"), (365, 3, 3))
    found = annual(states, YEAR)
    compared = errors(found, found)
    assert tuple(compared) == LAYERS
    assert {error["bias"] for error in compared.values()} == {0}
    assert compared["frozen_days"]["rows"] == 9


def test_errors_of_different_years_are_refused() -> None:
    with pytest.raises(ConfigError, match="frozen_days"):
        errors({"frozen_days": np.zeros((2, 1, 1))}, {"frozen_days": np.zeros((1, 1, 1))})


def test_frozen_days_and_spells_however_short() -> None:
    found = of_year(year_of((60, 63), (100, 220), (250, 251))[:, None])
    assert found["first_frozen_day"].item() == 60
    assert found["last_frozen_day"].item() == 251
    assert found["longest_spell"].item() == 121
    found = of_year(year_of((60, 63), (100, 220), missing=((60, 70), (150, 150)))[:, None])
    assert found["first_frozen_day"].item() == 100
    assert found["longest_spell"].item() == 70
    nothing = of_year(year_of()[:, None])
    assert np.isnan([nothing[name].item() for name in MORE_LAYERS[:2]]).all()
    assert nothing["longest_spell"].item() == 0


@given(st.lists(CODES, min_size=1, max_size=40))
@settings(deadline=None)
def test_further_layers_are_those_of_a_loop_over_days(pattern: list[int]) -> None:
    found = of_year(np.array(pattern, "uint8")[:, None], least_known=0.5)
    if sum(code <= 1 for code in pattern) < len(pattern) / 2:
        assert np.isnan([found[name].item() for name in MORE_LAYERS]).all()
        return
    frozen = [day for day, code in enumerate(pattern, start=1) if code == 1]
    runs = "".join("1" if code == 1 else " " for code in pattern).split()
    np.testing.assert_equal(
        [found[name].item() for name in MORE_LAYERS],
        [min(frozen, default=np.nan), max(frozen, default=np.nan), max(map(len, runs), default=0)],
    )
