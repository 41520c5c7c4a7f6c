"""Steps at hand-overs: intervals that hold what they claim, and a verdict that can be no."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from soilft.days import DaySpan
from soilft.grid import Region
from soilft.radiometers import equivalence
from soilft.radiometers import pairs as overlap
from soilft.radiometers.equivalence import WINDOW_DAYS, Step, StepBand, step, steps_of_band
from soilft.radiometers.eras import HandOver
from soilft.radiometers.intercalibration import TERMS, Transfer
from soilft.radiometers.pairs import Pairing
from soilft.rows import RowSpan
from tests.support import radiometers


def test_one_pair_a_cluster_and_independent_errors_give_the_usual_interval() -> None:
    rng = np.random.default_rng(0)
    total = rng.normal(0.3, 1, (40, 30))
    found = step(total, np.ones_like(total))
    assert found.mean == pytest.approx(total.mean())
    half = stats.t.ppf(0.95, 29) * total.std() / np.sqrt(total.size)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.5)


def test_ninety_of_a_hundred_intervals_hold_the_mean_of_shared_errors() -> None:
    """Errors shared by all pairs of a place, of a time, and of both at once."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        place, time = rng.normal(0, 0.6, (14, 1)), rng.normal(0, 0.4, (12, 1))
        shared = 0.2 + place + time.T + rng.normal(0, 0.3, (14, 12))
        count = rng.integers(5, 50, (14, 12)).astype("float64")
        found = step(shared * count, count)
        held += found.low <= 0.2 <= found.high
    assert 0.85 < held / 400 < 0.96


def test_an_interval_is_never_made_of_one_cluster() -> None:
    one = step(np.array([[3.0, 3.0]]), np.array([[3.0, 3.0]]))
    assert one.mean == 1
    assert np.isnan(one.low)
    assert not one.within(0.5)
    assert step(np.zeros((2, 2)), np.zeros((2, 2))).rounded() == [None, None, None]


def test_what_never_varies_claims_no_certainty() -> None:
    found = step(np.zeros((9, 9)), np.full((9, 9), 50.0))
    assert found.rounded() == [0.0, None, None]
    assert not found.within(2.0)


def test_a_verdict_needs_the_whole_interval() -> None:
    assert Step(0.1, -0.2, 0.4, 9).within(0.5)
    assert not Step(0.1, -0.6, 0.4, 9).within(0.5)
    assert not Step(0.1, -0.6, 0.4, 9).outside(0.5)
    assert Step(-2, -3, -1, 9).outside(0.5)


GRID = Region("steps", "latlon-0.25", (80, 30, 86, 34)).grid
WHOLE = DaySpan(date(2012, 7, 1), date(2012, 12, 31))


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> StepBand:
    """Give a step of 4 K, and a transfer that takes away all of it but 0.2 K."""
    folder: Path = tmp_path_factory.mktemp("steps")
    truth = radiometers.scene(GRID, WHOLE, 4)
    days = np.arange(len(WHOLE))
    one = radiometers.write(
        folder, "one", GRID, WHOLE, truth, lambda k, _: np.full_like(k, -4.0), flown=days
    )
    other = radiometers.write(
        folder, "other", GRID, WHOLE, truth, radiometers.no_error, flown=days, seed=2
    )
    regional = np.zeros((2, 4, len(TERMS)))
    regional[..., 0] = 3.8
    wide = np.full((2, 4), 1000.0)
    transfer = Transfer(
        (0, 1), (6, 7, 10, 11), regional, np.zeros((2, 4, 2, *GRID.shape)), -wide, wide
    )
    pixels = overlap.roles_of_pixels(GRID, 1.0, 0)
    pairing = Pairing(one, other, WHOLE, WHOLE.numbers[::3])
    places = equivalence.places_of(GRID, pixels, 0.5)
    return StepBand(pairing, (transfer, None), RowSpan(0, GRID.shape[0]), places)


def test_the_step_is_found_before_and_after(task: StepBand) -> None:
    total = steps_of_band(task)
    rows = equivalence.described(total, task.pairing.axes())
    assert len(rows) == 8
    for row in rows:
        assert row["raw"][0] == pytest.approx(4, abs=0.1)
        assert row["raw_outside"]
        assert not row["raw_equivalent"]
        assert row["harmonized"][0] == pytest.approx(0.2, abs=0.1)
        assert row["equivalent"]
        assert row["harmonized"][1] < row["harmonized"][0] < row["harmonized"][2]


def test_only_left_out_pixels_count(task: StepBand) -> None:
    held = overlap.roles_of_pixels(GRID, 1.0, 0) == overlap.TEST
    assert ((task.places >= 0) == held).all()
    total = steps_of_band(task)
    pairs = sum(
        np.isfinite(one[:, 0, 0][:, held]).sum()
        for _, one, _ in overlap.pairs(task.pairing, task.band)
    )
    assert total.count[0, 0].sum() == pairs
    assert pairs > 0


def test_bands_add_up_to_the_whole(task: StepBand) -> None:
    from dataclasses import replace

    whole = steps_of_band(task)
    north, south = (
        steps_of_band(replace(task, band=RowSpan(*b))) for b in ((0, 5), (5, GRID.shape[0]))
    )
    both = north + south
    np.testing.assert_allclose(both.harmonized, whole.harmonized, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(both.count, whole.count)


def test_days_left_out_are_near_the_hand_over_and_known_to_no_fit() -> None:
    change = HandOver("one", "two", 1000)
    both = np.arange(1000 - WINDOW_DAYS - 5, 1000 + WINDOW_DAYS + 5, dtype="int32")
    days = {"one": both, "two": both[::2], "three": both}
    found = equivalence.days_left_out(days, change, {"two": both[10:], "three": both})
    assert found.dtype == "int32"
    assert found.tolist() == [day for day in both[:10:2].tolist() if day >= 1000 - WINDOW_DAYS]
    assert equivalence.days_left_out(days, change, {"one": both}).tolist() == []
    whole = equivalence.days_left_out(days, change, {})
    assert np.abs(whole - 1000).max() <= WINDOW_DAYS


def test_a_hand_over_is_told_with_its_steps_or_why_there_are_none(task: StepBand) -> None:
    change = HandOver("one", "other", int(WHOLE.numbers[9]))
    head = {"before": "one", "after": "other", "day": "2012-07-10"}
    none = equivalence.described_untested(change)
    assert none == {**head, "steps": [], "reason": "No day with both was left out of the fit."}
    days, axes = task.pairing.days, task.pairing.axes()
    found = equivalence.described_test(change, days, steps_of_band(task), axes)
    assert found.items() >= {**head, "left_out": days.tolist(), "margin": 0.5}.items()
    assert [(row["node"], row["channel"]) for row in found["steps"][3:5]] == [
        ("AM", "36.5H"),
        ("PM", "18.7V"),
    ]
