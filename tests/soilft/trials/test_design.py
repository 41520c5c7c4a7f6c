"""Which experiments there are."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soilft.days import DaySpan
from soilft.forest.grow import ForestSettings
from soilft.grid import Region
from soilft.predictors.features import FeatureSet, names_of
from soilft.predictors.stores import InputRefs
from soilft.predictors.window import Target
from soilft.training.table import StoredTable, read_table
from soilft.trials.design import columns_by_group, trials
from soilft.trials.experiments import Experiment
from soilft.trials.rules import Rules
from tests.support import radiometers, tables

GROUPS = {"brightness": (0,), "season": (1,)}
FIRST = Experiment(
    "table",
    "0" * 64,
    ForestSettings(),
    Rules(2, 2, 100, 5, 0.9, 0),
    0,
    Region("any", "latlon-0.25", (90, 32, 92, 34)),
)
ALL: dict[str, Any] = {
    "withheld": ("withheld", "1" * 64),
    "ablations": True,
    "negative_control": True,
    "alone": ("year", "block"),
}


def test_columns_of_a_group_are_where_the_table_has_its_features(tmp_path: Path) -> None:
    region, whole = FIRST.region, DaySpan(date(2012, 1, 1), date(2012, 1, 4))
    scene = radiometers.scene(region.grid, whole, 4)
    url = radiometers.write(
        tmp_path, "one", region.grid, whole, scene, radiometers.no_error, flown=range(4)
    )
    inputs = InputRefs(region, whole, (url,)).open()
    # Nothing is remembered of an input that is not there: that group has no columns.
    features = FeatureSet(("brightness", "terrain", "season"), (Target("AM", 6.0),))
    names = names_of(inputs, features)
    found = columns_by_group(names[::-1], inputs, features)
    assert list(found) == ["brightness", "season"]
    back = [names[::-1][column] for columns in found.values() for column in columns]
    assert back == list(names)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> StoredTable:
    made = tables.table_of(np.zeros((800, 2)), np.zeros(800))
    folder: Path = tmp_path_factory.mktemp("table")
    return read_table(tables.stored_table(folder, made)[0])


def test_each_experiment_differs_from_the_others_in_one_thing(table: StoredTable) -> None:
    assert len(np.unique(table.year)) > 1
    found = trials(FIRST, table, GROUPS, **ALL)
    headline = {"groups": tuple(GROUPS.items()), "uncertainty": True, "withheld": ALL["withheld"]}
    assert list(found.items()) == [
        ("year_block", replace(FIRST, **headline)),
        ("without_season", replace(FIRST, columns=(0,))),
        ("tb_only", replace(FIRST, columns=(0,))),
        ("shuffled_labels", replace(FIRST, shuffle=True)),
        ("year", replace(FIRST, kind="year")),
        ("block", replace(FIRST, kind="block")),
    ]


def test_the_headline_is_never_left_out(table: StoredTable) -> None:
    none = {"withheld": None, "ablations": False, "negative_control": False, "alone": ()}
    assert list(trials(FIRST, table, GROUPS, **none)) == ["year_block"]


def test_of_one_year_or_one_block_none_is_held_out_alone(table: StoredTable) -> None:
    one_block = replace(table, block=np.zeros_like(table.block))
    one_year = replace(table, day=np.full_like(table.day, 15340))
    for part in (one_block, one_year):
        assert not {"year", "block"} & set(trials(FIRST, part, GROUPS, **ALL))
