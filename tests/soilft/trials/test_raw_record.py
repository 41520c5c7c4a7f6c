"""Raw predictors are those of the same rows and radiometers, however the days are cut."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from soilft.channels import CODES
from soilft.days import DaySpan
from soilft.errors import ModelError
from soilft.forest.artefact import ModelRef
from soilft.forest.grow import ForestSettings
from soilft.forest.loaded import loaded
from soilft.grid import Region
from soilft.ingest.granules import template_for
from soilft.predictors.features import FeatureSet, compute
from soilft.predictors.stores import InputRefs
from soilft.predictors.window import Target
from soilft.radiometers import intercalibration_store
from soilft.radiometers.intercalibration import PIXEL_TERMS, TERMS, Transfer
from soilft.radiometers.intercalibration_fit import Fitted
from soilft.radiometers.opened import GapRefs
from soilft.schema import MISSING
from soilft.scores.predictions import HeldOut
from soilft.sources import SmosL3Ft
from soilft.store import zarr as store
from soilft.training.held_out import random_split
from soilft.training.sampling import SampleDays, merge, sample_days, stratified
from soilft.training.table import read_table, write_table
from soilft.trials import raw_record
from soilft.trials.experiments import Experiment, run, transfer_experiment_pairs
from soilft.trials.raw_record import (
    Gathered,
    GatheredRows,
    GrowRecord,
    RawRows,
    Recorded,
    StateDays,
    as_seen,
    as_they_are,
    lattice,
)
from soilft.trials.rules import Rules
from tests.support import radiometers, tables
from tests.support.radiometers import Field

REGION = Region("raw", "latlon-0.25", (80, 30, 82.4, 31.9))
GRID = REGION.grid
WHOLE = DaySpan(date(2012, 1, 1), date(2012, 2, 19))
TARGETS = (Target("AM", 6.0), Target("PM", 18.0))
FEATURES = FeatureSet(("brightness", "neighbouring_days", "season"), TARGETS)
# The second cannot be made like the first: where it flew, the harmonised record has the third.
NAMES = ("one", "two", "three")
FLOWN = {"one": np.arange(20), "two": np.arange(15, 35), "three": np.arange(10, 50)}
OFFSET = {"one": 0.0, "two": 20.0, "three": -6.0}
CHANNELS = tuple(CODES[name] for name in ("18.7V", "18.7H", "36.5V", "36.5H"))
FOREST = ForestSettings(n_estimators=8, min_samples_leaf=3)
RULES = Rules(folds=2, inner_folds=2, rows_per_fit=150, trees_per_fit=5, level=0.9, seed=1)


def six_kelvin_more() -> Fitted:
    where = (2, len(CHANNELS))
    regional = np.zeros((*where, len(TERMS)))
    regional[..., TERMS.index("offset")] = -OFFSET["three"]
    own = np.zeros((*where, len(PIXEL_TERMS), *GRID.shape), "float32")
    low, high = np.full(where, 150.0), np.full(where, 350.0)
    transfer = Transfer((0, 1), CHANNELS, regional, own, low, high)
    count = np.full(where, 3)
    spread = {name: np.full(where, 1.5) for name in ("raw", "regional", "pixel")}
    return Fitted(transfer, count, count, spread, np.zeros((*where, *GRID.shape), "int32"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, InputRefs, str, str]:
    """Give a folder, the harmonised inputs, the table drawn from them, and its digest."""
    folder: Path = tmp_path_factory.mktemp("raw")
    weather = np.random.default_rng(4).normal(0, 6, (len(WHOLE), 1, 1, *GRID.shape))
    scene = 250 + np.broadcast_to(weather, (len(WHOLE), 2, 4, *GRID.shape))

    def error(name: str) -> radiometers.Error:
        def shift(field: Field, number: int) -> Field:
            return np.full_like(field, OFFSET[name])

        return shift

    urls = [
        radiometers.write(folder, name, GRID, WHOLE, scene, error(name), flown=FLOWN[name], seed=n)
        for n, name in enumerate(NAMES)
    ]
    transfers, _ = intercalibration_store.write(
        str(folder / "harmonization"),
        {"three": six_kelvin_more()},
        NAMES,
        "one",
        GRID,
        ((0, 1), CHANNELS),
        {"simulated": "true"},
    )
    inputs = InputRefs(REGION, WHOLE, tuple(urls), transfers=transfers)
    label = str(folder / "smos.zarr")
    cold = scene[:, :, 0] < 250
    store.create(label, template_for(SmosL3Ft(), GRID, WHOLE, 20))
    store.write_region(label, {"freeze_thaw": cold.astype("uint8")}, {})
    drawn, names = sample_days(SampleDays(inputs, FEATURES, label, WHOLE, 1.0, 0, 600))
    table = stratified(merge([drawn], 600), 600)
    split = random_split(len(table), (0.7, 0.15, 0.15), 0)
    url = str(folder / "table.zarr")
    about = {"simulated": "true"}
    return folder, inputs, url, write_table(url, table, split, names, NAMES, about)


def raw_of(inputs: InputRefs, table_url: str, url: str, spans: Sequence[DaySpan]) -> str:
    """Gather raw rows span by span, the last first, and write them."""
    table = read_table(table_url)
    rows = GatheredRows(len(table), table.names)
    for span in reversed(spans):
        part = raw_record.raw_rows(RawRows(as_they_are(inputs), FEATURES, table_url, span))
        rows.add(str(span), part)
    return raw_record.write_raw_table(url, table_url, rows.features, rows.same)


def test_rows_of_other_features_are_refused_by_their_unit() -> None:
    rows = GatheredRows(3, ("a", "b"))
    one = np.ones((1, 2), "float32")
    rows.add("first", Gathered(np.array([1]), one, np.array([True]), ("a", "b")))
    with pytest.raises(ModelError, match=r"second: expected the features of the table"):
        rows.add("second", Gathered(np.array([2]), one, np.array([True]), ("b", "a")))
    assert rows.same.tolist() == [False, True, False]
    np.testing.assert_array_equal(np.isnan(rows.features).all(axis=1), ~rows.same)


@pytest.fixture(scope="module")
def raw(made: tuple[Path, InputRefs, str, str]) -> tuple[str, str]:
    folder, inputs, table_url, _ = made
    url = str(folder / "raw.zarr")
    return url, raw_of(inputs, table_url, url, [WHOLE])


def test_raw_rows_are_the_block_of_the_raw_inputs_bit_for_bit(
    made: tuple[Path, InputRefs, str, str], raw: tuple[str, str]
) -> None:
    table, found = read_table(made[2]), read_table(raw[0])
    whole = compute(replace(made[1], transfers=None).open(), FEATURES, WHOLE)
    at = (
        table.day - WHOLE.numbers[0],
        table.overpass.astype(int),
        table.cell // GRID.shape[1],
        table.cell % GRID.shape[1],
    )
    same = whole.radiometer[at] == table.radiometer
    assert found.features[same].tobytes() == whole.values[at][same].tobytes()
    assert found.names == table.names == whole.names
    for name in ("label", "day", "overpass", "cell", "block", "split"):
        np.testing.assert_array_equal(getattr(found, name), getattr(table, name), name)
    np.testing.assert_array_equal(found.radiometer, np.where(same, table.radiometer, MISSING))
    # The third is as it is in the raw record; the first is so in both.
    brightness = [i for i, name in enumerate(table.names) if not name.startswith("season")]
    off = (found.features - table.features)[:, brightness]
    assert np.nanmedian(off[found.radiometer == 2]) == pytest.approx(OFFSET["three"], abs=0.01)
    first = found.radiometer == 0
    own = [i for i in brightness if table.names[i].count("_") == 2]
    mixed = found.features[first][:, own] - table.features[first][:, own]
    assert np.nanmedian(mixed) == 0


def test_a_row_that_the_raw_record_has_from_another_radiometer_is_left_out(
    made: tuple[Path, InputRefs, str, str], raw: tuple[str, str]
) -> None:
    table, found = read_table(made[2]), read_table(raw[0])
    left_out = np.isnan(found.features).all(axis=1)
    assert 20 < left_out.sum() < len(table) / 2
    assert (found.radiometer[left_out] == MISSING).all()
    np.testing.assert_array_equal(found.radiometer[~left_out], table.radiometer[~left_out])
    index = table.day - WHOLE.numbers[0]
    # All lie where the second flew, which the harmonised record has not; the nearest pass may be
    # of the day before or after.
    assert 1 not in table.radiometer
    assert np.isin(index[left_out], np.arange(14, 36)).all()


def test_a_row_that_was_filled_is_left_out_and_a_seen_one_is_described_alike(
    made: tuple[Path, InputRefs, str, str], tmp_path: Path
) -> None:
    # The first and the third are in operation by turns, and fill each other's gaps.
    filled = replace(made[1], gaps=GapRefs(("other_sensor",), ((0, 0), (15, 2))))
    label = str(made[0] / "smos.zarr")
    drawn, names = sample_days(SampleDays(filled, FEATURES, label, WHOLE, 1.0, 0, 600))
    rows = stratified(merge([drawn], 600), 600)
    split = random_split(len(rows), (0.7, 0.15, 0.15), 0)
    table_url, url = str(tmp_path / "table.zarr"), str(tmp_path / "raw.zarr")
    write_table(table_url, rows, split, names, NAMES, {})
    raw_of(filled, table_url, url, WHOLE.chunks(7))
    table, found = read_table(table_url), read_table(url)
    seen = table.level == 0
    assert 20 < (~seen).sum() < len(table) / 2
    assert np.isnan(found.features[~seen]).all()
    np.testing.assert_array_equal(found.radiometer, np.where(seen, table.radiometer, MISSING))
    assert set(found.radiometer) == {0, 2, MISSING}
    # What was seen is described by the same passes: it knows and lacks the same.
    one, other = table.features[seen], found.features[seen]
    np.testing.assert_array_equal(np.isnan(one), np.isnan(other))


@pytest.mark.slow
@pytest.mark.parametrize("days", [1, 7, 20])
def test_chunks_of_days_change_no_byte(
    days: int, made: tuple[Path, InputRefs, str, str], raw: tuple[str, str], tmp_path: Path
) -> None:
    _, inputs, table_url, _ = made
    other = tmp_path / "raw.zarr"
    assert raw_of(inputs, table_url, str(other), WHOLE.chunks(days)) == raw[1]
    for path in Path(raw[0]).rglob("*"):
        if path.is_file():
            assert (other / path.relative_to(raw[0])).read_bytes() == path.read_bytes(), path


def test_either_record_is_judged_on_the_same_rows(
    made: tuple[Path, InputRefs, str, str], raw: tuple[str, str]
) -> None:
    _, _, table_url, content = made
    radiometer = read_table(raw[0]).radiometer
    told = {}
    for url, digest in ((table_url, content), raw):
        experiment = Experiment(
            url, digest, FOREST, RULES, 0, REGION, kind="transfer", radiometers_of=raw[0]
        )
        told[url] = run(experiment)
    ours, theirs = told[table_url], told[raw[0]]
    np.testing.assert_array_equal(ours.rows, theirs.rows)
    assert set(radiometer[ours.rows]) == {2}
    assert ours.trained_on == theirs.trained_on
    right = {url: float(np.mean(held.state == held.label)) for url, held in told.items()}
    # Six kelvin too cold, too much is frozen.
    assert right[table_url] > right[raw[0]] + 0.1
    # A part of the table is the same part for the radiometers.
    part = Experiment(
        table_url,
        content,
        FOREST,
        RULES,
        0,
        REGION,
        kind="transfer",
        most=300,
        radiometers_of=raw[0],
    )
    few = read_table(table_url, 300)
    held = run(part)
    np.testing.assert_array_equal(held.label, few.label[held.rows])
    assert set(read_table(raw[0], 300).radiometer[held.rows]) == {2}


@pytest.fixture(scope="module")
def model(made: tuple[Path, InputRefs, str, str], raw: tuple[str, str]) -> ModelRef:
    return raw_record.grow_record(GrowRecord(*raw, FOREST, RULES, raw[0], str(made[0])))


def test_the_forest_of_the_raw_record_knows_no_row_that_was_left_out(
    made: tuple[Path, InputRefs, str, str], raw: tuple[str, str], model: ModelRef, tmp_path: Path
) -> None:
    card = loaded(model).card
    assert card["settings"]["n_estimators"] == RULES.trees_per_fit
    assert card["training_rows"] == RULES.rows_per_fit
    # Turning the labels of the rows left out, and of those not for training, changes no tree.
    table = read_table(raw[0])
    known = np.isfinite(table.features).any(axis=1) & (table.split == 0)
    poisoned = str(tmp_path / "raw.zarr")
    raw_of(made[1], made[2], poisoned, [WHOLE])
    label = np.where(known, table.label, 1 - table.label).astype("uint8")
    store.write_region(poisoned, {"label": label}, {})
    task = GrowRecord(poisoned, "poisoned", FOREST, RULES, raw[0], str(tmp_path))
    again = raw_record.grow_record(task)
    assert again.digest == model.digest


@pytest.mark.parametrize("days", [7, 50])
def test_states_are_those_of_the_sampled_cells_in_every_record(
    days: int,
    made: tuple[Path, InputRefs, str, str],
    raw: tuple[str, str],
    model: ModelRef,
    tmp_path: Path,
) -> None:
    folder, inputs, *_ = made
    alike = raw_record.grow_record(
        GrowRecord(made[2], made[3], FOREST, RULES, raw[0], str(tmp_path))
    )
    assert alike.digest != model.digest
    features = replace(FEATURES, targets=TARGETS[1:])
    records = (
        Recorded("raw", as_they_are(inputs), model),
        Recorded("harmonized", as_seen(inputs), alike),
    )
    rows, columns = lattice(REGION.mask, 12)
    parts = [
        raw_record.states(
            StateDays(records, features, str(folder / "smos.zarr"), rows, columns, span)
        )
        for span in WHOLE.chunks(days)
    ]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    inside = np.zeros(GRID.shape, bool)
    inside[rows, columns] = True
    inside &= REGION.mask
    assert 0 < inside.sum() <= 12
    smos = np.asarray(store.array(store.open_raw(str(folder / "smos.zarr")), "freeze_thaw")[:, 1])
    np.testing.assert_array_equal(found["truth"], smos[:, inside])
    for record in records:
        whole = compute(record.inputs.open(), features, WHOLE)
        usable = whole.usable[:, 0]
        expected = np.full(usable.shape, MISSING, "uint8")
        votes = loaded(record.model).votes(
            whole.values[:, 0][usable], whole.radiometer[:, 0][usable]
        )
        expected[usable] = votes > 0.5
        np.testing.assert_array_equal(found[record.name], expected[:, inside])
        assert set(np.unique(found[record.name])) == {0, 1, 255}
    assert (found["raw"] != found["harmonized"]).any()


def test_the_lattice_is_the_finest_that_is_not_too_many() -> None:
    mask = np.ones((56, 128), bool)
    mask[:10] = False
    for most in (1, 20, 500, 5000, 10_000):
        rows, columns = lattice(mask, most)
        assert rows.step == columns.step
        assert mask[rows, columns].sum() <= most
        k = rows.step
        if k > 1:
            assert mask[(k - 1) // 2 :: k - 1, (k - 1) // 2 :: k - 1].sum() > most
    assert lattice(np.ones((2, 2), bool), 1)[0].step == 2
    assert np.ones((1, 9), bool)[lattice(np.ones((1, 9), bool), 3)].sum() == 3


def test_a_pair_whose_training_rows_are_of_one_class_has_a_reason_in_place_of_predictions(
    tmp_path: Path,
) -> None:
    radiometer = np.arange(40) % 2
    label = np.where(radiometer == 0, np.arange(40) // 20, 1)
    rows = tables.table_of(np.zeros((40, 1)), label, radiometer=radiometer)
    table = read_table(tables.stored_table(tmp_path, rows)[0])
    trained = raw_record.trainable(table, RULES)
    assert trained == [0]
    raw, harmonized = held_out(0.2), held_out(0.8)
    found = raw_record.by_pair(transfer_experiment_pairs(table), trained, [raw], [harmonized])
    assert found["one", "two"] == (raw, harmonized)
    assert found["two", "one"] == "the rows of two are of one class"


def held_out(probability: float) -> HeldOut:
    """Predictions of one row."""
    one, none = np.array([probability]), np.full(1, MISSING, "uint8")
    return HeldOut(np.arange(1), none, one, one, none, none, one, 1)
