"""The uncertainty of a forest is fitted where held-out rows suffice, and its sentence says so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from soilft.training.table import StoredTable, read_table
from soilft.trials import uncertainty_fit
from soilft.trials.rules import Rules
from tests.support import tables

ROWS = 1200
RULES = Rules(folds=4, inner_folds=3, rows_per_fit=300, trees_per_fit=5, level=0.9, seed=2)
IMPORTANCES = np.array([0.7, 0.3])


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> StoredTable:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(ROWS, 2))
    folder: Path = tmp_path_factory.mktemp("table")
    stored = tables.stored_table(folder, tables.table_of(features, features[:, 0] > 0))
    return read_table(stored[0])


def votes(table: StoredTable, rows: np.ndarray) -> np.ndarray:
    spread = np.random.default_rng(1).normal(0, 0.2, len(rows))
    return np.clip(0.3 + 0.4 * table.label[rows] + spread, 0, 1)


def test_the_sentence_names_calibration_sets_and_rows(table: StoredTable) -> None:
    rows = table.rows_of("train")
    found, reason = uncertainty_fit.fit(table, rows, votes(table, rows), IMPORTANCES, RULES)
    assert found is not None
    method = {"none": "no"}.get(found.calibration.method, found.calibration.method)
    assert reason == (
        f"{method} calibration and 90 % sets on {len(rows)} rows of 5 folds of held-out years "
        "and blocks"
    )
    one = replace(table, block=np.zeros_like(table.block))
    _, reason = uncertainty_fit.fit(one, rows, votes(one, rows), IMPORTANCES, RULES)
    assert reason.endswith("rows of 5 folds of held-out years")


def test_the_area_of_applicability_knows_no_row_of_validation_or_test(table: StoredTable) -> None:
    rows = table.rows_of("train")
    changed = table.features.copy()
    changed[np.setdiff1d(np.arange(ROWS), rows)] = 1e6
    found = [
        uncertainty_fit.fit(part, rows, votes(part, rows), IMPORTANCES, RULES)[0]
        for part in (table, replace(table, features=changed))
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].digest == found[1].digest


def test_too_few_rows_are_no_uncertainty_and_the_sentence_says_why(table: StoredTable) -> None:
    rows, strict = table.rows_of("train"), replace(RULES, level=0.9999)
    found, reason = uncertainty_fit.fit(table, rows, votes(table, rows), IMPORTANCES, strict)
    assert found is None
    assert reason.startswith("not fitted: conformal sets at level 0.9999")
