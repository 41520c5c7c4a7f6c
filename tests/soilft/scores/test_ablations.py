"""Which columns an ablation leaves."""

from soilft.predictors.features import GROUPS
from soilft.scores.ablations import ABLATIONS, columns_left


def test_a_group_is_taken_with_all_its_columns() -> None:
    groups = {"brightness": (0, 1), "reanalysis": (2,), "memory": (3,), "season": (4, 5)}
    left = columns_left(6, groups)
    assert left == {
        "without_gldas": (0, 1, 4, 5),
        "without_season": (0, 1, 2, 3),
        "tb_only": (0, 1),
    }


def test_what_takes_nothing_or_all_is_no_experiment() -> None:
    assert columns_left(2, {"brightness": (0, 1)}) == {}
    assert columns_left(2, {"season": (0, 1)}) == {}


def test_every_group_that_is_taken_is_one_of_the_features() -> None:
    assert {name for ablation in ABLATIONS.values() for name in ablation.without} <= set(GROUPS)
    kept = set(GROUPS) - set(ABLATIONS["tb_only"].without)
    assert {GROUPS[name].needs for name in kept} == {"tb"}
