"""The step in frozen days at a hand-over, from what each radiometer makes the model say."""

import numpy as np

from soilft.trials.hand_over import DAYS_A_YEAR, FrozenSteps, described, parts_of


def test_days_are_cut_where_a_task_would_reach_too_far() -> None:
    days = np.array([0, 1, 2, 9, 10, 12, 60, 61], "int32")
    assert [part.tolist() for part in parts_of(days)] == [[0, 1, 2], [9, 10, 12], [60, 61]]
    long = parts_of(np.arange(70, dtype="int32"))
    assert [len(part) for part in long] == [30, 30, 10]
    assert parts_of(np.empty(0, "int32")) == []


def test_the_step_is_a_share_of_the_year() -> None:
    rng = np.random.default_rng(0)
    count = np.full(20, 1000.0)

    def part(months: range, share: float) -> dict[int, FrozenSteps]:
        def total(mean: float) -> np.ndarray:
            return (mean + rng.normal(0, 0.002, 20)) * count

        return {n: FrozenSteps(total(share), count, total(share / 10), count) for n in months}

    said = described([part(range(6), 0.02), part(range(6, 12), 0.02)])
    assert abs(said["raw"][0] - 0.02 * DAYS_A_YEAR) < 0.5
    assert said["raw_outside"]
    assert not said["raw_equivalent"]
    assert abs(said["harmonized"][0] - 0.002 * DAYS_A_YEAR) < 0.5
    assert said["equivalent"]
    assert said["pixel_days"] == 20 * 1000 * 12
    assert said["margin"] == 2


def test_the_same_month_of_two_tasks_is_one_cluster() -> None:
    count = np.full(5, 10.0)
    one = {3: FrozenSteps(np.ones(5), count, np.ones(5), count)}
    two = {4: FrozenSteps(np.ones(5), count, np.ones(5), count)}
    thrice = described([one, one, two])
    assert thrice["pixel_days"] == 150
    np.testing.assert_allclose(thrice["raw"][0], 0.1 * DAYS_A_YEAR)
