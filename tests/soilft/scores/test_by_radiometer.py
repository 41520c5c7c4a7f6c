"""When a forest for each radiometer is kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from soilft.scores.by_radiometer import UNTRIED, radiometers_to_try, verdict
from soilft.scores.held_out_scores import Draws
from soilft.training.table import StoredTable, read_table
from tests.support import tables

ROWS = 600
NAMES = {0: "one", 2: "two"}
DRAWS = Draws(seed=1, replicates=200)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> StoredTable:
    label = np.random.default_rng(0).integers(0, 2, ROWS)
    folder: Path = tmp_path_factory.mktemp("table")
    return read_table(tables.stored_table(folder, tables.table_of(np.zeros((ROWS, 1)), label))[0])


def votes(table: StoredTable, rows: np.ndarray, right: float) -> np.ndarray:
    hit = np.random.default_rng(2).random(len(rows)) < right
    return np.where(hit, table.label[rows], 1 - table.label[rows]) * 0.8 + 0.1


def test_it_is_kept_where_the_whole_interval_is_above_zero(table: StoredTable) -> None:
    rows = np.arange(ROWS)[::2]
    found = verdict(table, NAMES, rows, votes(table, rows, 0.6), votes(table, rows, 0.9), DRAWS)
    assert found.kept is True
    assert found.to_grow == (0, 2)
    assert list(found.to_json()) == ["radiometers", "kept", "why", "difference"]
    assert found.to_json()["radiometers"] == {"0": "one", "2": "two"}
    assert found.difference["interval"][0] > 0
    assert "On 300 rows" in found.why
    assert "kept, for the whole interval" in found.why


@pytest.mark.parametrize("own", [0.6, 0.4])
def test_it_is_not_kept_where_it_is_no_better(table: StoredTable, own: float) -> None:
    rows = np.arange(ROWS)
    found = verdict(table, NAMES, rows, votes(table, rows, 0.6), votes(table, rows, own), DRAWS)
    assert found.kept is False
    assert found.to_grow == ()
    assert "one forest for all is kept" in found.why


def test_of_one_cluster_nothing_is_concluded(table: StoredTable) -> None:
    rows = np.arange(20)
    found = verdict(table, NAMES, rows, votes(table, rows, 0.0), votes(table, rows, 1.0), DRAWS)
    assert found.kept is False
    assert "no interval" in found.why


def test_without_two_radiometers_there_is_nothing_to_try(table: StoredTable) -> None:
    assert radiometers_to_try(table) == {}
    assert UNTRIED.to_grow == ()
    assert list(UNTRIED.to_json()) == ["kept", "why"]


def test_radiometers_are_tried_by_their_training_rows(table: StoredTable) -> None:
    radiometer = np.arange(ROWS, dtype="uint8") % 3
    label = np.where(radiometer == 1, 0, table.label)
    three = replace(table, radiometer=radiometer, label=label, radiometers=("one", "none", "two"))
    assert radiometers_to_try(three) == NAMES
