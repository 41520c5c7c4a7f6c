"""The stage between ingest and training: radiometers become one record, or are left out."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client

from pipelines import lineage
from pipelines.cli.status import hand_over_tables
from pipelines.config.region_file import load
from pipelines.run import Run
from pipelines.stages.harmonize.transfers import harmonize, require_harmonized
from pipelines.stages.predict import predict
from pipelines.stages.train.stage import train
from pipelines.stages.validate.raw_record import raw_table_url
from pipelines.stages.validate.stage import scorecard, validate
from soilft.errors import ConfigError, StoreError
from soilft.grid import Region
from soilft.ingest.granules import template_for
from soilft.radiometers import record as merging
from soilft.radiometers.gaps import FILLS
from soilft.radiometers.intercalibration import TERMS
from soilft.sources import SmosL3Ft
from soilft.store import objects
from soilft.store import zarr as store
from soilft.store.ledger import Done
from soilft.training.table import read_table
from tests.support import radiometers
from tests.support.radiometers import Error, Field
from tests.support.small_run import BOUNDS, region_file

DAYS = 240
PERIOD = {"start": date(2012, 1, 1), "end": date(2012, 8, 27)}
# AMSR-E until day 100, AMSR2 from day 140 on, and the bridge, where there is one, all the time.
FLOWN = {
    "amsr2": np.arange(140, DAYS),
    "amsr-e": np.arange(100),
    "mwri": np.arange(DAYS),
}
VALIDATION = {"folds": 2, "block_degrees": 1, "replicates": 100}
VALIDATION |= {"ablations": False, "negative_control": False, "splits": []}
PRODUCTS = {"amsr2": "amsr2-l3-25km", "amsr-e": "amsre-l3-25km", "mwri": "fy3-mwri-l1"}


def offset(kelvin: float) -> Error:
    def error(field: Field, number: int) -> Field:
        return np.full_like(field, kelvin)

    return error


ERRORS: dict[str, Error] = {"amsr2": offset(0), "amsr-e": offset(-3), "mwri": offset(5)}


def prepared(
    folder: Path, names: tuple[str, ...], scene: Field | None = None, **settings: Any
) -> Run:
    """Give a run whose radiometers have been ingested; they see one scene, each with its error."""
    inputs: dict[str, Any] = {n: {"product": PRODUCTS[n], "granules": "none"} for n in names}
    inputs["smos"] = {"product": "smos-l3-ft", "granules": "none"}
    section = {"enabled": True, "reference": "amsr2", "block_degrees": 0.5, "block_days": 5}
    section |= settings
    run = Run(
        load(
            region_file(
                folder,
                folder / "archive",
                period=PERIOD,
                inputs=inputs,
                harmonize=section,
                validation=VALIDATION,
                chunks={"ingest_days": 60, "predict_days": 60},
            )
        )
    )
    grid, whole = run.config.to_region().grid, run.config.days
    truth = radiometers.scene(grid, whole, 4) if scene is None else scene
    for number, name in enumerate(names):
        radiometers.write(
            Path(run.places.inputs),
            name,
            grid,
            whole,
            truth,
            ERRORS[name],
            flown=FLOWN[name],
            seed=number,
            chunk=60,
        )
        for span in run.ingest_spans():
            coverage = [0.6 * (n - whole.numbers[0] in FLOWN[name]) for n in span.numbers]
            facts = {"coverage": coverage, "simulated": True}
            run.ledger.put("ingest", f"{name}/{span.first}", Done("key", f"{name}{span}", facts))
    return run


def record_of(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Brightness temperatures and origin of the common record, all days."""
    opened = run.input_refs().open()
    found = merging.merged(opened.tb, slice(0, DAYS), opened.transfers)
    return found.tb, found.radiometer


def test_three_radiometers_become_one_record(dask_client: Client, tmp_path: Path) -> None:
    run = prepared(tmp_path, ("amsr2", "amsr-e", "mwri"))
    with pytest.raises(StoreError, match="Run the stage harmonize first"):
        require_harmonized(run)
    raw, _ = record_of(run)
    done = harmonize(run, dask_client)
    assert (done.done, done.failed, done.set_aside) == (2, {}, [])
    require_harmonized(run)
    record = run.harmonization()
    assert record is not None
    assert [(link["one"], link["other"]) for link in record.facts["links"]] == [
        ("mwri", "amsr2"),
        ("amsr-e", "mwri"),
    ]
    made, radiometer = record_of(run)
    truth = radiometers.scene(run.config.to_region().grid, run.config.days, 4)
    for number, name in enumerate(run.radiometers()):
        days = FLOWN[name][:90] if name != "mwri" else np.arange(105, 135)
        theirs = (radiometer[days] == number)[:, :, None]
        assert theirs.any()
        off, left = (np.where(theirs, tb[days] - truth[days], np.nan) for tb in (raw, made))
        assert np.nanmean(off) == pytest.approx(ERRORS[name](truth[:1], 0).mean(), abs=0.02)
        assert abs(np.nanmean(left)) < 0.1
    assert [(c["before"], c["after"]) for c in record.facts["hand_overs"]] == [
        ("amsr-e", "mwri"),
        ("mwri", "amsr2"),
    ]
    for change in record.facts["hand_overs"]:
        assert len(change["steps"]) == 8
        assert all(step["equivalent"] and step["raw_outside"] for step in change["steps"])
    assert [table.row_count for table in hand_over_tables(run)] == [8, 8]
    # Nothing to do the second time, and the same content from scratch.
    assert harmonize(run, dask_client).skipped == 2
    again = prepared(tmp_path / "again", ("amsr2", "amsr-e", "mwri"))
    assert harmonize(again, dask_client).done == 2
    repeated = again.harmonization()
    assert repeated is not None
    assert repeated.content == record.content


def test_without_the_bridge_days_are_missing_and_not_invented(
    dask_client: Client, tmp_path: Path
) -> None:
    run = prepared(tmp_path, ("amsr2", "amsr-e"))
    done = harmonize(run, dask_client)
    assert not done.failed
    (said,) = done.set_aside
    assert "amsr-e: expected 8 days in common with amsr2" in said
    assert not done.complete
    made, radiometer = record_of(run)
    assert np.isnan(made[:140]).all()
    assert (radiometer[:140] == 255).all()
    assert np.isfinite(made[140:]).any()
    # It is said again by a run that finds the fit done.
    assert harmonize(run, dask_client).set_aside == done.set_aside


def test_new_days_change_no_fit_once_the_overlap_is_full(
    dask_client: Client, tmp_path: Path
) -> None:
    run = prepared(tmp_path, ("amsr2", "mwri"), overlap_days=60)
    harmonize(run, dask_client)
    before = run.harmonization()
    span = run.ingest_spans()[-1]
    old = run.ledger.get("ingest", f"mwri/{span.first}")
    assert before is not None
    assert old is not None
    run.ledger.put("ingest", f"mwri/{span.first}", Done("newer", "newer", old.facts))
    assert run.harmonization() is None
    harmonize(run, dask_client)
    after = run.harmonization()
    assert after is not None
    assert after.content == before.content


def test_the_store_of_transfers_tells_terms_and_origin(dask_client: Client, tmp_path: Path) -> None:
    run = prepared(tmp_path, ("amsr2", "mwri"))
    harmonize(run, dask_client)
    url = run.input_refs().transfers
    assert url is not None
    cube = store.open_cube(url)
    assert cube.attrs["simulated"] == "true"
    assert cube.attrs["terms"] == list(TERMS)
    assert cube.attrs["links"][0]["one"] == "mwri"


def test_one_radiometer_or_none_asked_for_needs_no_fit(dask_client: Client, tmp_path: Path) -> None:
    one = prepared(tmp_path / "one", ("amsr2",))
    asked = prepared(tmp_path / "as-they-are", ("amsr2", "mwri"), enabled=False)
    for run in (one, asked):
        done = harmonize(run, dask_client)
        # The normals that gaps are filled from are all there is to do.
        assert (done.done, done.skipped) == (1, 0)
        assert run.harmonization() is None
        require_harmonized(run)
        assert lineage.raw_record_key(run) is None
        assert run.input_refs().transfers is None


def test_a_reference_that_is_no_radiometer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"harmonize\.reference: expected a radiometer .*smos"):
        prepared(tmp_path, ("amsr2", "mwri"), reference="smos")


def test_days_not_ingested_are_named(dask_client: Client, tmp_path: Path) -> None:
    run = prepared(tmp_path, ("amsr2", "mwri"))
    fresh = Run(run.config)
    (Path(run.store) / "ledger" / "ingest" / "mwri" / "2012-01-01.json").unlink()
    with pytest.raises(StoreError, match="Run the stage ingest first"):
        harmonize(fresh, dask_client)


def test_some_channels_of_the_record_are_those_of_the_whole_record(
    dask_client: Client, tmp_path: Path
) -> None:
    run = prepared(tmp_path, ("amsr2", "amsr-e", "mwri"))
    harmonize(run, dask_client)
    opened = run.input_refs().open()
    whole = merging.merged(opened.tb, slice(90, 150), opened.transfers).tb
    few = opened.with_channels(("36.5V", "36.5H"))
    part = merging.merged(few.tb, slice(90, 150), few.transfers).tb
    assert part.tobytes() == np.ascontiguousarray(whole[:, :, -2:]).tobytes()
    # So do some rows and columns.
    window = opened.window(slice(2, 5), slice(1, 4))
    cut = merging.merged(window.tb, slice(90, 150), window.transfers).tb
    assert cut.tobytes() == np.ascontiguousarray(whole[..., 2:5, 1:4]).tobytes()


def test_one_radiometer_alone_is_as_if_the_others_had_not_flown(
    dask_client: Client, tmp_path: Path
) -> None:
    run = prepared(tmp_path, ("amsr2", "mwri"))
    harmonize(run, dask_client)
    opened = run.input_refs().open()
    number = run.radiometers().index("mwri")
    days = slice(160, 170)
    for harmonized, error in ((False, 5.0), (True, 0.0)):
        alone = opened.of_radiometer(number, harmonized=harmonized)
        found = merging.merged(alone.tb, days, alone.transfers)
        assert set(np.unique(found.radiometer)) == {number, 255}
        truth = radiometers.scene(run.config.to_region().grid, run.config.days, 4)[days]
        assert np.nanmean(found.tb - truth) == pytest.approx(error, abs=0.1)


def labelled(folder: Path, names: tuple[str, ...]) -> Run:
    """Give a run whose label is frozen where the scene is cold, whatever the season."""
    grid = Region("small", "latlon-0.25", BOUNDS).grid
    weather = np.random.default_rng(4).normal(0, 6, (DAYS, 1, 1, *grid.shape))
    scene = 250 + np.broadcast_to(weather, (DAYS, 2, 4, *grid.shape))
    run = prepared(folder, names, scene)
    url = run.places.input("smos")
    store.create(url, template_for(SmosL3Ft(), grid, run.config.days, 60))
    store.write_region(url, {"freeze_thaw": (scene[:, :, 0] < 250).astype("uint8")}, {})
    for span in run.ingest_spans():
        facts = {"coverage": [1.0] * len(span), "simulated": True}
        run.ledger.put("ingest", f"smos/{span.first}", Done("key", f"smos{span}", facts))
    return run


@pytest.mark.slow
def test_what_is_learnt_of_one_radiometer_holds_for_another_once_they_are_alike(
    dask_client: Client, tmp_path: Path
) -> None:
    run = labelled(tmp_path, ("amsr2", "amsr-e", "mwri"))
    for stage in (harmonize, train, predict, validate):
        done = stage(run, dask_client)
        assert not done.failed, done.failed
    card = scorecard(run)
    assert card is not None
    found = card["harmonization"]["transfer"]
    table, raw = read_table(run.table_url()), read_table(raw_table_url(run))
    np.testing.assert_array_equal(raw.label, table.label)
    # What was filled is not in the raw record; of what was seen, it knows and lacks the same.
    seen = table.level == 0
    assert 0.2 < seen.mean() < 0.9
    assert found["left_out"] == (~seen).sum()
    np.testing.assert_array_equal(raw.radiometer, np.where(seen, table.radiometer, 255))
    np.testing.assert_array_equal(np.isnan(raw.features[seen]), np.isnan(table.features[seen]))
    # The reference is as it is in either record; the others are off by their errors.
    brightness = [i for i, name in enumerate(table.names) if name.startswith("tb_")]
    off = (raw.features - table.features)[:, brightness]
    for number, name in enumerate(run.radiometers()):
        error = ERRORS[name](np.zeros(1), 0)[0]
        assert np.nanmedian(off[raw.radiometer == number]) == pytest.approx(error, abs=0.3)
    assert len(found["pairs"]) == 6
    for pair in found["pairs"]:
        assert pair["rows"] == (raw.radiometer == run.radiometers().index(pair["judged"])).sum()
        assert pair["difference"]["overall_accuracy"] > 0.05, pair
        assert pair["difference"]["interval"][0] > 0, pair
    trend = card["harmonization"]["trend"]
    assert trend["records"] == []
    assert "no cell is known in every month" in trend["reason"]
    assert trend["pixel_days"] > 0
    # Each level of filling was tried on what was seen, and none is better than seeing.
    filled = {entry["level"]: entry for entry in card["gap_filling"]["levels"]}
    assert set(filled) == set(FILLS)
    for name, entry in filled.items():
        assert entry["difference"]["overall_accuracy"] < 0.02, name
        assert sum(month["rows"] for month in entry["by_month"]) == entry["rows"] > 100
    assert filled["other_sensor"]["kelvin"]["36.5V"] < filled["climatology"]["kelvin"]["36.5V"]
    assert {row["key"] for row in card["experiments"]["year_block"]["by"]["gap_fill_level"]} <= {
        "observed",
        *FILLS,
    }
    model = run.model()
    assert model is not None
    page = objects.read(objects.join(run.report_url(model), "report.html"))
    assert page is not None
    assert b"Trained with one radiometer, judged with another" in page
    assert b"Steps of brightness temperature where one radiometer hands over" in page
    assert validate(run, dask_client).skipped == 1
