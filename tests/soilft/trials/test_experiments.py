"""Forests grown for judging never see what they are judged on, and say the same again."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from soilft.draws import dealt
from soilft.errors import ConfigError
from soilft.forest.grow import ForestSettings
from soilft.geo.spatial_blocks import spatial_blocks
from soilft.grid import Region
from soilft.training.held_out import Fold
from soilft.training.sampling import Table
from soilft.training.table import StoredTable, read_table
from soilft.trials.design import require_a_fold
from soilft.trials.experiments import (
    Experiment,
    by_pair,
    folds_of,
    run,
    transfer_experiment_pairs,
)
from soilft.trials.inner_folds import InnerFold, run_inner
from soilft.trials.rules import Rules
from tests.support import tables

REGION = Region("plateau", "latlon-0.25", (80, 30, 90, 36))
FOREST = ForestSettings(n_estimators=40, min_samples_leaf=5)
RULES = Rules(folds=4, inner_folds=3, rows_per_fit=2000, trees_per_fit=15, level=0.9, seed=2)
ROWS = 6000


def fold_of(table: StoredTable, experiment: Experiment) -> Fold:
    return folds_of(table, experiment.kind, experiment.rules)[experiment.fold]


def world(rows: int = ROWS, noise: float = 0.5) -> Table:
    """Labels that follow the first predictor, in five years and a few blocks, of two radiometers.

    The second predictor tells a row's block, the third is noise.
    """
    rng = np.random.default_rng(4)
    cell = rng.integers(0, REGION.grid.shape[0] * REGION.grid.shape[1], rows)
    block = spatial_blocks(REGION.grid, 2.0).ravel()[cell]
    day = np.sort(15340 + rng.integers(0, 5 * 365, rows))
    signal = np.cos(2 * np.pi * day / 365.25) + rng.normal(0, 0.3, rows)
    features = np.stack([signal, block / 1e3, rng.normal(size=rows)], axis=1)
    features[rng.random(features.shape) < 0.05] = np.nan
    label = signal + rng.normal(0, noise, rows) > 0
    radiometer = (day > 15340 + 900).astype(int)
    overpass = rng.integers(0, 2, rows)
    return tables.table_of(
        features, label, day=day, cell=cell, block=block, radiometer=radiometer, overpass=overpass
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return tables.stored_table(tmp_path_factory.mktemp("table"), world())


def headline(stored: tuple[str, str], fold: int = 0, **changes: object) -> Experiment:
    url, content = stored
    groups = (("signal", (0,)), ("block", (1,)), ("noise", (2,)))
    whole = Experiment(url, content, FOREST, RULES, fold, REGION, groups=groups, uncertainty=True)
    return replace(whole, **changes)  # type: ignore[arg-type]


def test_an_experiment_is_done_on_each_fold_and_of_each_pair_of_radiometers(
    stored: tuple[str, str],
) -> None:
    table = read_table(stored[0])
    first = headline(stored)
    assert first.each_fold(table) == [replace(first, fold=n) for n in range(RULES.folds)]
    transfers = headline(stored, kind="transfer").each_fold(table)
    assert [trial.fold for trial in transfers] == [0, 1]
    assert transfer_experiment_pairs(table) == [("one", "two"), ("two", "one")]
    assert (first.width(table), replace(first, columns=(2,)).width(table)) == (3, 1)


def test_nothing_that_is_said_of_held_out_rows_depends_on_their_labels(
    stored: tuple[str, str], tmp_path: Path
) -> None:
    table = read_table(stored[0])
    experiment = headline(stored, 1)
    train = fold_of(table, experiment).train
    kept_out = np.setdiff1d(np.arange(len(table)), train)
    given = world()
    label = given.label.copy()
    label[kept_out] = 1 - label[kept_out]
    poisoned = tables.stored_table(tmp_path, replace(given, label=label))
    one, other = run(experiment), run(headline(poisoned, 1))
    np.testing.assert_array_equal(one.rows, other.rows)
    assert len(one.rows) > 50
    np.testing.assert_array_equal(one.label, 1 - other.label)
    for name in ("raw", "probability", "sets", "inside", "nearby"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    assert one.calibration == other.calibration


def test_held_out_years_and_blocks_are_not_among_the_training_rows(
    stored: tuple[str, str],
) -> None:
    table = read_table(stored[0])
    for number in range(RULES.folds):
        fold = fold_of(table, headline(stored, number))
        assert not set(table.year[fold.train]) & set(table.year[fold.test])
        assert not set(table.block[fold.train]) & set(table.block[fold.test])
        assert not set(table.cell[fold.train]) & set(table.cell[fold.test])


def test_the_same_experiment_says_the_same_again_and_is_of_its_limits(
    stored: tuple[str, str],
) -> None:
    one, again = run(headline(stored)), run(headline(stored))
    for name in ("rows", "raw", "probability", "sets", "inside", "nearby"):
        np.testing.assert_array_equal(getattr(one, name), getattr(again, name))
    assert one.importance == again.importance
    assert one.trained_on == RULES.rows_per_fit
    assert (one.state == one.label).mean() > 0.75


def test_uncertainty_is_fitted_and_applied(stored: tuple[str, str]) -> None:
    parts = [run(headline(stored, fold)) for fold in range(RULES.folds)]
    label, sets = (np.concatenate([getattr(p, n) for p in parts]) for n in ("label", "sets"))
    assert set(np.unique(sets)) <= {0, 1, 2, 3}
    for state in (0, 1):
        held = (sets == state) | (sets == 2)
        assert held[label == state].mean() == pytest.approx(0.9, abs=0.06)
    inside = np.concatenate([p.inside for p in parts])
    assert 0.5 < inside.mean() <= 1
    probability = np.concatenate([p.probability for p in parts])
    raw = np.concatenate([p.raw for p in parts])
    brier = [np.mean((p - label) ** 2) for p in (probability, raw)]
    assert brier[0] < brier[1] + 0.002
    # Labels of the season around a held-out block are worth something, less than the forest.
    nearby = np.concatenate([p.nearby for p in parts])
    right = ((nearby > 0.5) == label).mean()
    assert 0.6 < right < ((raw > 0.5) == label).mean() + 0.02


def test_the_group_that_matters_is_found(stored: tuple[str, str]) -> None:
    found = run(headline(stored)).importance
    assert found["signal"] > 0.15
    assert abs(found["noise"]) < 0.05


def test_shuffled_labels_fall_to_chance(stored: tuple[str, str]) -> None:
    parts = [run(headline(stored, f, shuffle=True, uncertainty=False)) for f in range(4)]
    label = np.concatenate([p.label for p in parts])
    state = np.concatenate([p.state for p in parts])
    recalls = [(state[label == c] == c).mean() for c in (0, 1)]
    assert np.mean(recalls) == pytest.approx(0.5, abs=0.06)


def test_without_its_predictor_the_forest_is_worse(stored: tuple[str, str]) -> None:
    full, less = run(headline(stored)), run(headline(stored, columns=(1, 2), groups=()))
    np.testing.assert_array_equal(full.rows, less.rows)
    assert (less.raw.round() == less.label).mean() < (full.raw.round() == full.label).mean() - 0.1


@pytest.mark.parametrize("kind", ["year", "block"])
def test_years_or_blocks_alone_are_held_out_and_each_row_once(
    stored: tuple[str, str], kind: Literal["year", "block"]
) -> None:
    table = read_table(stored[0])
    rules = headline(stored).rules
    values = table.year if kind == "year" else table.block
    judged = []
    for number, fold in enumerate(folds_of(table, kind, rules)):
        held = run(headline(stored, number, kind=kind, uncertainty=False, groups=()))
        assert set(held.rows) <= set(fold.test)
        assert len(held.rows) == min(len(fold.test), rules.rows_per_fit)
        assert not set(values[fold.train]) & set(values[held.rows])
        judged.extend(fold.test)
    assert sorted(judged) == list(range(len(table)))


def test_a_transfer_is_trained_on_one_radiometer_and_judged_on_the_other(
    stored: tuple[str, str],
) -> None:
    table = read_table(stored[0])
    for number, (one, other) in enumerate(((0, 1), (1, 0))):
        experiment = headline(stored, number, kind="transfer", uncertainty=False, groups=())
        fold = fold_of(table, experiment)
        assert set(table.radiometer[fold.train]) == {one}
        held = run(experiment)
        assert set(table.radiometer[held.rows]) == {other}


def test_too_few_rows_for_sets_leave_the_votes_as_they_are(tmp_path: Path) -> None:
    small = tables.stored_table(tmp_path, world(rows=60))
    held = run(headline(small, 0))
    assert held.calibration.startswith("none: conformal sets at level 0.9: expected 9 ")
    np.testing.assert_array_equal(held.raw, held.probability)
    assert (held.sets == 255).all()


def test_only_too_few_rows_leave_the_votes_as_they_are(stored: tuple[str, str]) -> None:
    experiment = headline(stored, rules=replace(RULES, level=1.5))
    with pytest.raises(ConfigError, match="conformal level"):
        run(experiment)


def test_rows_of_one_year_and_one_block_have_no_inner_folds(tmp_path: Path) -> None:
    given = world(rows=60)
    one = replace(given, day=np.full_like(given.day, 15500), block=np.zeros_like(given.block))
    url, content = tables.stored_table(tmp_path, one)
    rows, votes = run_inner(InnerFold(url, content, FOREST, RULES, None, 5, 0))
    assert (len(rows), len(votes)) == (0, 0)


def test_inner_folds_stay_within_their_part_of_the_random_split(
    stored: tuple[str, str],
) -> None:
    url, content = stored
    table = read_table(url)
    seen: list[int] = []
    for fold in range(5):
        rows, votes = run_inner(InnerFold(url, content, FOREST, RULES, "train", 5, fold))
        assert (table.split[rows] == 0).all()
        assert ((votes >= 0) & (votes <= 1)).all()
        seen.extend(rows)
    assert len(seen) == len(set(seen)) > 100
    beyond = run_inner(InnerFold(url, content, FOREST, RULES, "train", 5, 9))
    assert [len(part) for part in beyond] == [0, 0]


def of_one_class_but(tmp_path: Path, year: int) -> tuple[str, str]:
    """Store the world with frozen rows in one year alone."""
    given = world(rows=600)
    years = given.day.astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970
    label = np.where(years == year, np.arange(600) % 2, 0).astype("uint8")
    return tables.stored_table(tmp_path, replace(given, label=label))


def test_folds_of_one_class_are_left_out_and_the_rest_is_judged(tmp_path: Path) -> None:
    frozen = of_one_class_but(tmp_path, 2014)
    table = read_table(frozen[0])
    first = headline(frozen, uncertainty=False, groups=())
    made, left_out = first.each_fold(table), first.left_out(table)
    assert set(left_out.values()) == {"thawed rows alone"}
    assert len(made) + len(left_out) == RULES.folds
    (without,) = left_out
    assert 2014 not in table.year[fold_of(table, replace(first, fold=without)).train]
    for experiment in made:
        held = run(experiment)
        assert len(held.rows) > 0
        assert held.majority == 0
    require_a_fold(first, table)


def test_no_fold_of_both_classes_is_refused_by_name(tmp_path: Path) -> None:
    given = world(rows=600)
    one = tables.stored_table(tmp_path, replace(given, label=np.ones_like(given.label)))
    with pytest.raises(
        ConfigError, match=r"found fold 1 with frozen rows alone; fold 2 with frozen"
    ) as error:
        require_a_fold(headline(one), read_table(one[0]))
    assert error.value.expected.startswith("a fold with rows of both classes to train on")


def test_folds_without_a_row_to_judge_are_refused_by_name(tmp_path: Path) -> None:
    given, rules = world(rows=600), replace(RULES, folds=3)
    years = 1 + np.arange(600) % 3
    day = (15340 + 366 * years).astype("int32")
    # Each year's block is of the next group, so no fold's years meet its blocks.
    of_block = dealt(np.arange(3), 3, rules.seed + 1)
    block = np.argsort(of_block)[(dealt(years, 3, rules.seed) + 1) % 3]
    made = replace(given, day=day, block=block.astype("int32"))
    apart = tables.stored_table(tmp_path, made)
    with pytest.raises(ConfigError, match="fold 3 with no rows to judge"):
        require_a_fold(headline(apart, rules=rules), read_table(apart[0]))


def test_a_pair_whose_rows_are_of_one_class_has_a_reason(stored: tuple[str, str]) -> None:
    table = read_table(stored[0])
    label = np.where(table.radiometer == 1, 1, table.label).astype("uint8")
    transfer = headline(stored, kind="transfer")
    found = by_pair(transfer, replace(table, label=label), [held := run(transfer)])
    assert found["one", "two"] is held
    assert found["two", "one"] == "there are frozen rows alone of two to train on"


def test_the_majority_is_that_of_the_rows_trained_on(stored: tuple[str, str]) -> None:
    table = read_table(stored[0])
    for number in range(RULES.folds):
        experiment = headline(stored, number, uncertainty=False, groups=())
        share = table.label[experiment.training(fold_of(table, experiment))].mean()
        assert run(experiment).majority == int(share > 0.5)


def test_clusters_are_years_of_blocks(stored: tuple[str, str]) -> None:
    table = read_table(stored[0])
    rows = np.arange(len(table))
    found = table.clusters(rows)
    pairs = set(zip(table.year.tolist(), table.block.tolist(), strict=True))
    assert len(np.unique(found)) == len(pairs)
