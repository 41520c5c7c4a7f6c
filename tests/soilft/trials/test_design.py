"""Which experiments there are."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from soilft.training.table import read_table
from soilft.trials.design import features_given, held_out_alone
from tests.support import tables

GROUPS = {"brightness": (0,), "season": (1,)}


def test_the_headline_comes_first_and_knows_all_features() -> None:
    given = features_given(2, GROUPS, ablations=True, negative_control=True)
    assert list(given.items()) == [
        ("year_block", None),
        ("without_season", (0,)),
        ("tb_only", (0,)),
        ("shuffled_labels", None),
    ]
    only = features_given(2, GROUPS, ablations=False, negative_control=False)
    assert only == {"year_block": None}


def test_years_and_blocks_are_held_out_alone_where_there_are_several_of_both(
    tmp_path: Path,
) -> None:
    made = tables.table_of(np.zeros((800, 2)), np.zeros(800))
    table = read_table(tables.stored_table(tmp_path, made)[0])
    assert len(np.unique(table.year)) > 1
    assert held_out_alone(table, ("year", "block")) == ("year", "block")
    assert held_out_alone(table, ("year",)) == ("year",)
    one_block = replace(table, block=np.zeros_like(table.block))
    one_year = replace(table, day=np.full_like(table.day, 15340))
    assert held_out_alone(one_block, ("year", "block")) == ()
    assert held_out_alone(one_year, ("year", "block")) == ()
