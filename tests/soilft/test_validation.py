"""Held-out scores: no block on both sides, every row once, and chance for shuffled labels."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soilft import sampling
from soilft.errors import ConfigError
from soilft.forest.artefact import save
from soilft.forest.grow import ForestSettings, fit
from soilft.grid import Region
from soilft.validation import (
    ScoreFold,
    ScoreSplits,
    block_folds,
    pooled,
    score_fold,
    score_splits,
)

REGION = Region("plateau", "latlon-0.25", (80, 30, 88, 36))
FOREST = ForestSettings(n_estimators=20, min_samples_leaf=5)


@given(st.lists(st.integers(0, 30), min_size=20, max_size=200), st.integers(0, 99))
@settings(deadline=None, max_examples=50)
def test_no_block_is_on_both_sides_and_every_row_is_held_out_once(
    blocks: list[int], seed: int
) -> None:
    numbers = np.array(blocks)
    folds = min(4, len(set(blocks)))
    if folds < 2:
        return
    held = []
    for train, held_out in block_folds(numbers, folds, seed):
        assert not set(numbers[train]) & set(numbers[held_out])
        assert len(train) + len(held_out) == len(numbers)
        held.append(held_out)
    assert len(held) == folds
    np.testing.assert_array_equal(np.sort(np.concatenate(held)), np.arange(len(numbers)))


def test_fewer_blocks_than_folds_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"at most 3, the number of blocks.*found 5.*smaller"):
        block_folds(np.array([1, 2, 3, 1, 2]), 5, 0)


@pytest.fixture(scope="module")
def table_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give a stored table whose labels follow the first predictor."""
    rng = np.random.default_rng(0)
    count = 1500
    features = rng.normal(size=(count, 4)).astype("float32")
    label = (features[:, 0] + rng.normal(0, 0.3, count) > 0).astype("uint8")
    cell = rng.integers(0, REGION.grid.shape[0] * REGION.grid.shape[1], count).astype("int32")
    table = sampling.Table(
        features,
        label,
        np.full(count, 16801, "int32"),
        np.zeros(count, "uint8"),
        cell,
        np.arange(count, dtype="uint64"),
    )
    url = str(tmp_path_factory.mktemp("table") / "table.zarr")
    split = sampling.random_split(count, (0.7, 0.15, 0.15), 0)
    sampling.write_table(url, table, split, ["a", "b", "c", "d"])
    return url


def folds_of(table_url: str, *, shuffle: bool) -> dict[str, object]:
    tasks = [ScoreFold(table_url, FOREST, REGION, 2.0, 4, fold, 0, shuffle) for fold in range(4)]
    return pooled([score_fold(task) for task in tasks])


def test_folds_together_hold_every_row_and_block_once(table_url: str) -> None:
    found = folds_of(table_url, shuffle=False)
    assert found["rows"] == 1500
    assert found["blocks"] == 4 * 3
    assert found["folds"] == 4
    assert found["overall_accuracy"] > 0.85


def test_shuffled_labels_fall_to_chance(table_url: str) -> None:
    found = folds_of(table_url, shuffle=True)
    assert found["balanced_accuracy"] == pytest.approx(0.5, abs=0.05)
    assert abs(found["kappa"]) < 0.1


def test_random_split_is_scored_by_part(table_url: str, tmp_path: Path) -> None:
    table = sampling.read_table(table_url)
    rows = table.rows_of("train")
    forest = fit(FOREST, table.features[rows], table.label[rows])
    model = save(str(tmp_path), forest, table.names, FOREST, {})
    found = score_splits(ScoreSplits(table_url, model))
    assert [found[part]["rows"] for part in ("train", "validation", "test")] == [1050, 225, 225]
    test = table.rows_of("test")
    expected = (forest.predict(table.features[test]) == table.label[test]).mean()
    assert found["test"]["overall_accuracy"] == pytest.approx(expected)
    assert found["train"]["overall_accuracy"] >= found["test"]["overall_accuracy"]
