"""The stage train on a table that is there: what is searched, kept, refused and said."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client

from pipelines import lineage, outcomes
from pipelines.config.region_file import load
from pipelines.config.sections import ForestSection
from pipelines.events import Event, silent
from pipelines.outcomes import DAMAGED, Outcomes
from pipelines.run import Run
from pipelines.stages.train import forest, stage, uncertainty
from pipelines.stages.train.stage import require_model, train
from pipelines.work import Work
from soilft.errors import ConfigError, SoilftError, StoreError, TaskTooLarge
from soilft.forest import strata
from soilft.forest.artefact import load as load_model
from soilft.forest.artefact import model_digest
from soilft.forest.by_radiometer import Forests, fit_by_radiometer
from soilft.forest.grow import ForestSettings, fit, fit_strata
from soilft.store import objects
from soilft.store.ledger import Done
from soilft.training.held_out import random_split
from soilft.training.table import StoredTable, read_table, write_table
from soilft.trials import uncertainty_fit
from tests.support.small_run import region_file
from tests.support.tables import table_of

NAMES = ("f0", "f1", "f2", "f3")
FOREST: dict[str, Any] = {"n_estimators": 6, "min_samples_leaf": 5, "group_size": 2}
# The tables are made up: there are no inputs whose gaps could be filled.
UNFILLED: dict[str, Any] = {"gap_filling": {"levels": []}}


def prepared(folder: Path, **changes: Any) -> Run:
    """Give a run whose store has the training table, as if it had just been drawn."""
    run = Run(load(region_file(folder, folder / "archive", **UNFILLED, forest=FOREST | changes)))
    if run.ledger.get("train", "table") is None:
        rng = np.random.default_rng(0)
        features = rng.normal(size=(900, len(NAMES))).astype("float32")
        label = features[:, 0] + features[:, 1] ** 2 + rng.normal(0, 0.5, 900) > 1.2
        day = 15000 + rng.integers(0, 1400, 900)
        table = table_of(features, label, day=day, block=rng.integers(0, 9, 900))
        split = random_split(len(table), (0.7, 0.15, 0.15), 0)
        content = write_table(run.table_url(), table, split, NAMES, ("one",))
        facts = {"rows": len(table), "block_degrees": 1.0}
        run.ledger.put("train", "table", Done(lineage.table_key(run), content, facts))
    return run


def without_uncertainty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave calibration, sets and applicability out: they come after the forest, and take long."""
    monkeypatch.setattr(stage, "fit_uncertainty", lambda *_: (None, "left out"))


@pytest.fixture(autouse=True)
def _forest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    without_uncertainty(monkeypatch)


def training_rows(run: Run) -> tuple[StoredTable, np.ndarray]:
    table = read_table(run.table_url())
    return table, table.rows_of("train")


def card(run: Run) -> dict[str, Any]:
    value: dict[str, Any] = objects.read_json(f"{require_model(run).url}/card.json")
    return value


def kept_groups(run: Run) -> list[str]:
    return sorted(objects.listing(run.places.url("models", "checkpoints")))


def grown_digest(run: Run) -> str:
    model = load_model(require_model(run))
    return model_digest(model.forests, NAMES, ForestSettings(**model.card["settings"]))


def test_the_forest_is_that_of_one_fit_and_leaves_no_groups_behind(
    dask_client: Client, tmp_path: Path
) -> None:
    run = prepared(tmp_path)
    first = train(run, dask_client)
    assert not first.failed, first.failed
    table, rows = training_rows(run)
    settings = run.config.forest.settings()
    expected = fit(settings, table.features[rows], table.label[rows])
    assert grown_digest(run) == model_digest(Forests(expected), NAMES, settings)
    assert kept_groups(run) == []
    said = card(run)
    assert (said["strata"], said["rows_per_stratum"]) == (1, [len(rows)])
    assert said["search"] is None
    again = train(prepared(tmp_path), dask_client)
    assert (again.done, again.skipped) == (0, 2)


def test_a_damaged_forest_is_grown_again_and_said(dask_client: Client, tmp_path: Path) -> None:
    run = prepared(tmp_path)
    train(run, dask_client, silent)
    model = require_model(run)
    forest = Path(model.url, "forest.skops")
    content = forest.read_bytes()
    forest.write_bytes(content[:-1])
    with pytest.raises(StoreError, match="one that was changed or lost since"):
        require_model(prepared(tmp_path))
    told = train(prepared(tmp_path), dask_client, silent)
    assert told.cautions == [f"{model.url}: {DAMAGED}, and grown again"]
    assert require_model(prepared(tmp_path)) == model


def test_strata_as_asked_are_grown_and_said(dask_client: Client, tmp_path: Path) -> None:
    run = prepared(tmp_path, strata=3)
    assert not train(run, dask_client).failed
    table, rows = training_rows(run)
    settings = run.config.forest.settings()
    stratum = strata.of_rows(
        settings.seed, table.day[rows], table.overpass[rows], table.cell[rows], 3
    )
    expected = fit_strata(settings, table.features[rows], table.label[rows], stratum, 3)
    assert grown_digest(run) == model_digest(Forests(expected), NAMES, settings)
    assert card(run)["strata"] == 3
    assert card(run)["rows_per_stratum"] == np.bincount(stratum).tolist()


def test_groups_of_a_run_that_was_cut_short_are_not_grown_again(
    dask_client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepared(tmp_path)
    table = run.ledger.get("train", "table")
    assert table is not None
    settings = run.config.forest.settings()
    forest.grow(Work(run, dask_client, silent, Outcomes("train")), table, settings, 1)
    folder = forest.checkpoint_folder(run, table, settings, 1)
    kept = [file for file in objects.listing(folder) if file.startswith("00002-00003-")]
    assert len(objects.listing(folder)) == 3
    objects.remove(f"{folder}/{kept[0]}")
    events: list[Event] = []
    assert not train(run, dask_client, events.append).failed
    of_forest = [(e.done, e.total) for e in events if e.stage == "forest"]
    assert of_forest == [(2, 3), (3, 3)]
    data, rows = training_rows(run)
    expected = fit(settings, data.features[rows], data.label[rows])
    assert grown_digest(run) == model_digest(Forests(expected), NAMES, settings)
    assert kept_groups(run) == []


def test_groups_are_kept_apart_by_all_that_decides_them(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    table = run.ledger.get("train", "table")
    assert table is not None
    settings = ForestSettings()
    folders = {
        forest.checkpoint_folder(run, table, settings, 1),
        forest.checkpoint_folder(run, table, settings, 2),
        forest.checkpoint_folder(run, table, ForestSettings(seed=1), 1),
        forest.checkpoint_folder(run, Done(table.key, "another", table.facts), settings, 1),
    }
    assert len(folders) == 4


def test_the_chosen_point_is_grown_and_explained(dask_client: Client, tmp_path: Path) -> None:
    grid = {
        "enabled": True,
        "min_samples_leaf": [2, 40],
        "max_features": ["sqrt", 1.0],
        "class_weight": [None],
        "n_estimators": [3, 6],
        "folds": 2,
        "max_rows": 500,
    }
    run = prepared(tmp_path, search=grid)
    events: list[Event] = []
    assert not train(run, dask_client, events.append).failed
    assert [e.done for e in events if e.stage == "search"] == [0, 1]
    said = card(run)
    chosen = said["search"]["chosen"]
    assert said["settings"] == {**chosen, "seed": 0}
    assert said["search"]["why"].startswith("Of 8 points, ")
    assert "on 2 folds of held-out years and blocks" in said["search"]["why"]
    assert len(said["search"]["points"]) == 8
    assert "seconds" not in said["search"]["points"][0]
    table, rows = training_rows(run)
    settings = ForestSettings(**chosen, seed=0)
    expected = fit(settings, table.features[rows], table.label[rows])
    assert grown_digest(run) == model_digest(Forests(expected), NAMES, settings)
    record = run.ledger.get("train", "search")
    assert record is not None
    assert len(record.facts["seconds"]) == 8
    assert min(record.facts["seconds"]) > 0
    # Without a search it is another forest, and the search of before is still known.
    with pytest.raises(StoreError, match="Run the stage train first"):
        require_model(prepared(tmp_path))
    assert train(prepared(tmp_path), dask_client).done == 1
    events.clear()
    train(prepared(tmp_path, search=grid), dask_client, events.append)
    assert not [e for e in events if e.stage == "search"]
    again = card(prepared(tmp_path, search=grid))
    assert (again["digest"], again["search"]) == (said["digest"], said["search"])


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let workers have only so many bytes beside what an idle one holds."""

    def set_to(size: int) -> None:
        monkeypatch.setattr(outcomes, "worker_memory_limit", lambda _: size + 300 * 2**20)

    return set_to


def peak_bytes(table: Done, count: int = 1) -> int:
    """Memory of a task that trains on one of ``count`` strata of the table."""
    return strata.peak_bytes(table.facts["rows"], len(NAMES), count)


def test_strata_are_as_few_as_fit_a_worker(dask_client: Client, tmp_path: Path, limit: Any) -> None:
    run = prepared(tmp_path)
    rows = 10**8
    table = Done("", "", {"rows": rows, "block_degrees": 1.0})
    settings = ForestSettings(n_estimators=50)
    whole = peak_bytes(table)
    limit(whole)
    assert forest.strata_for(run, dask_client, table, settings) == 1
    limit(whole - 1)
    assert forest.strata_for(run, dask_client, table, settings) == 2
    limit(peak_bytes(table, 8))
    assert forest.strata_for(run, dask_client, table, settings) == 8
    limit(peak_bytes(table, 32) - 1)
    with pytest.raises(TaskTooLarge, match=r"Make sampling\.max_rows smaller, or give"):
        forest.strata_for(run, dask_client, table, settings)


def test_as_many_rows_are_judged_as_fit_a_worker(
    dask_client: Client, tmp_path: Path, limit: Any
) -> None:
    run = prepared(tmp_path)
    table = Done("", "", {"rows": 10**8, "block_degrees": 1.0})
    limit(peak_bytes(table))
    assert forest.rows_that_fit(run, dask_client, "validate", table) is None
    limit(peak_bytes(table, 4))
    assert forest.rows_that_fit(run, dask_client, "validate", table) == 25_000_000
    limit(1000)
    with pytest.raises(TaskTooLarge, match=r"a task of validate.*Give workers more memory"):
        forest.rows_that_fit(run, dask_client, "validate", table)


def test_a_whole_table_that_does_not_fit_is_refused_with_the_remedy(
    dask_client: Client, tmp_path: Path, limit: Any
) -> None:
    run = prepared(tmp_path, strata=1)
    limit(1000)
    with pytest.raises(TaskTooLarge, match=r"Set forest\.strata to auto"):
        train(run, dask_client)
    assert kept_groups(run) == []


def test_a_search_that_does_not_fit_is_refused_with_the_remedy(
    dask_client: Client, tmp_path: Path, limit: Any
) -> None:
    run = prepared(tmp_path, search={"enabled": True})
    limit(1000)
    with pytest.raises(TaskTooLarge, match=r"forest\.search\.max_rows"):
        train(run, dask_client)


def test_the_group_size_decides_nothing_and_all_else_does() -> None:
    key = ForestSection().key()
    assert ForestSection(group_size=3).key() == key
    others = [
        ForestSection(strata=2),
        ForestSection(n_estimators=7),
        ForestSection(search={"enabled": True}),
        ForestSection(search={"folds": 4}),
    ]
    assert len({key, *(section.key() for section in others)}) == 5


@pytest.mark.parametrize(
    "wrong",
    [{"strata": 0}, {"strata": "some"}, {"search": {"folds": 1}}, {"search": {"n_estimators": []}}],
)
def test_wrong_ways_of_growing_are_refused_by_name(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SoilftError, match=r"forest\.(strata|search)"):
        prepared(tmp_path, **wrong)


def with_two_radiometers(folder: Path, *, opposed: bool, **changes: Any) -> Run:
    """Give a run on a table of two radiometers, of which one may mean the other's opposite."""
    run = Run(load(region_file(folder, folder / "archive", **UNFILLED, forest=FOREST | changes)))
    rng = np.random.default_rng(0)
    features = rng.normal(size=(1500, len(NAMES))).astype("float32")
    radiometer = rng.integers(0, 2, 1500)
    label = (features[:, 0] + rng.normal(0, 0.3, 1500) > 0) ^ (opposed & (radiometer == 1))
    day = 15000 + rng.integers(0, 1400, 1500)
    table = table_of(
        features, label, day=day, block=rng.integers(0, 9, 1500), radiometer=radiometer
    )
    split = random_split(len(table), (0.7, 0.15, 0.15), 0)
    content = write_table(run.table_url(), table, split, NAMES, ("one", "two"))
    facts = {"rows": len(table), "block_degrees": 1.0}
    run.ledger.put("train", "table", Done(lineage.table_key(run), content, facts))
    return run


def test_forests_by_radiometer_are_kept_where_held_out_rows_are_met_better(
    dask_client: Client, tmp_path: Path
) -> None:
    run = with_two_radiometers(tmp_path, opposed=True, per_era=True)
    done = train(run, dask_client)
    assert not done.failed, done.failed
    said = card(run)["per_era"]
    assert said["kept"]
    assert said["difference"]["interval"][0] > 0.2
    assert said["radiometers"] == {"0": "one", "1": "two"}
    assert "kept" in said["why"]
    table, rows = training_rows(run)
    settings = run.config.forest.settings()
    expected = fit_by_radiometer(
        settings, table.features[rows], table.label[rows], table.radiometer[rows]
    )
    model = load_model(require_model(run))
    assert model_digest(model.forests, NAMES, settings) == model_digest(expected, NAMES, settings)
    assert kept_groups(run) == []


def test_one_forest_stays_where_the_radiometers_say_the_same(
    dask_client: Client, tmp_path: Path
) -> None:
    run = with_two_radiometers(tmp_path, opposed=False, per_era=True)
    assert not train(run, dask_client).failed
    said = card(run)
    assert said["per_era"]["kept"] is False
    assert said["per_era"]["difference"]["interval"][0] <= 0
    assert said["eras_with_a_forest"] == []


def test_one_radiometer_needs_no_trial(dask_client: Client, tmp_path: Path) -> None:
    run = prepared(tmp_path, per_era=True)
    assert not train(run, dask_client).failed
    assert card(run)["per_era"]["kept"] is False
    assert "not two radiometers" in card(run)["per_era"]["why"]


def test_forests_by_radiometer_are_not_grown_on_strata(dask_client: Client, tmp_path: Path) -> None:
    run = prepared(tmp_path, per_era=True, strata=2)
    with pytest.raises(SoilftError, match=r"forest\.per_era: .*2 strata"):
        train(run, dask_client)
    assert kept_groups(run) == []


def test_too_few_rows_for_sets_give_an_uncalibrated_model_whose_card_says_so(
    dask_client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "fit_uncertainty", uncertainty.fit_uncertainty)
    run = prepared(tmp_path)
    strict = replace(stage.rules(run), level=0.999)
    monkeypatch.setattr(stage, "rules", lambda *_, **__: strict)
    assert not train(run, dask_client).failed
    said = "not fitted: conformal sets at level 0.999: expected 999 thawed rows or more, found "
    assert card(run)["measures"].startswith(said)
    assert load_model(require_model(run)).uncertainty is None


def test_another_error_of_the_fit_is_no_uncalibrated_model(
    dask_client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ConfigError("calibration", expected="probabilities of 0..1", found="1 others")

    monkeypatch.setattr(stage, "fit_uncertainty", uncertainty.fit_uncertainty)
    monkeypatch.setattr(uncertainty_fit, "measures", broken)
    run = prepared(tmp_path)
    with pytest.raises(ConfigError, match=r"probabilities of 0\.\.1"):
        train(run, dask_client)
    assert run.ledger.get("train", "forest") is None
