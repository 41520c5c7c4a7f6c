"""What travels to a worker is small: references, never arrays, forests or secrets."""

import pickle
from pathlib import Path

import pytest
from distributed.protocol.pickle import dumps

from pipelines.config.region_file import as_written, load, shipped
from pipelines.run import Run
from pipelines.stages.train.inner_votes import rules
from soilft.annual.day_correlation import PairsOfBand
from soilft.annual.layers import Drawing, SummaryBand, YearBand
from soilft.cube.structure import PredictDays
from soilft.forest.artefact import ModelRef
from soilft.forest.grow import GrowTrees
from soilft.radiometers.normals_fit import NormalsBand
from soilft.rows import RowSpan
from soilft.scores.annual_errors import AnnualBand
from soilft.scores.cube_counts import CompareDays
from soilft.scores.reference_states import ReferenceBand
from soilft.training.block_size import SampleField
from soilft.training.sampling import SampleDays
from soilft.trials.experiments import Experiment, SplitStates
from soilft.trials.inner_folds import InnerFold
from soilft.trials.raw_record import GrowRecord, RawRows, Recorded, StateDays, as_they_are, lattice
from soilft.trials.withheld_days import WithheldDay


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("SOILFT_DEMO_ARCHIVE", "/archive")
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "CANARY"):
        monkeypatch.setenv(name, "not-in-any-task")
    region = {"name": "alaska", "grid": "ease2-north-25km", "bounds": [-162, 62, -144, 69]}
    run = Run(load(shipped("demo-alaska"), {"store": str(tmp_path), "region": region}))
    # Cached coordinates of the region's grid must not travel.
    assert run.config.to_region().grid.lonlat[0].size > 1000
    return run


def tasks(run: Run) -> list[object]:
    config, refs = run.config, run.input_refs()
    assert refs.region.mask.any()
    model = ModelRef(run.places.url("models", "a" * 64), "a" * 64)
    span = run.predict_spans()[0]
    settings = config.forest.settings()
    table = (run.places.url("table.zarr"), "b" * 64)
    others = (("smap", run.places.input("smap")), ("truth", run.places.truth))
    return [
        PredictDays(run.places.url("cube.zarr"), refs, config.feature_set(), model, "PM", span),
        SampleField(refs, config.feature_set(), 16801, tuple(range(0, 4000, 10))),
        SampleDays(refs, config.feature_set(), run.places.input("smos"), span, 2.0, 0, 1000),
        GrowTrees(run.places.url("table.zarr"), "b" * 64, settings, range(10)),
        Experiment(*table, settings, rules(run), 0, refs.region, groups=(("brightness", (0, 1)),)),
        InnerFold(*table, settings, rules(run), "train", 5, 0),
        SplitStates(*table, model),
        ReferenceBand(
            refs,
            config.feature_set().targets,
            *table,
            run.places.input("smos"),
            others,
            RowSpan(0, 9),
        ),
        CompareDays(
            run.places.url("cube.zarr"), refs.region, config.days, span, ("AM", "PM"), others, 2.0
        ),
        AnnualBand(run.places.url("cube.zarr"), run.places.truth, "PM", config.days, RowSpan(0, 9)),
        PairsOfBand(
            run.places.url("cube.zarr"),
            run.places.input("smos"),
            "PM",
            config.days,
            config.days,
            RowSpan(0, 64),
            128,
        ),
        YearBand(
            run.places.url("cube.zarr"),
            run.annual_url(model),
            config.days,
            config.days,
            2014,
            3,
            RowSpan(0, 64),
            128,
            0.5,
            Drawing((0.1, 0.2, 0.3, 0.1, 0.1), 200, 0, 0.9),
        ),
        SummaryBand(run.annual_url(model), 9, RowSpan(0, 64), 128),
        NormalsBand(refs, config.days, RowSpan(0, 9)),
        WithheldDay(
            refs,
            config.feature_set(),
            run.places.input("smos"),
            16801,
            tuple(range(60)),
            2.0,
            config.gap_filling.levels,
        ),
        RawRows(as_they_are(refs), config.feature_set(), run.places.url("table.zarr"), span),
        GrowRecord(
            *table, settings, rules(run), run.places.url("raw.zarr"), run.places.url("training")
        ),
        StateDays(
            (Recorded("raw", as_they_are(refs), model), Recorded("harmonized", refs, model)),
            config.feature_set(),
            run.places.truth,
            *lattice(refs.region.mask, 500),
            span,
        ),
    ]


def test_tasks_are_small_whatever_the_region_and_period(run: Run) -> None:
    for task in tasks(run):
        content = dumps(task)
        assert len(content) < 4000, (type(task), len(content))
        assert b"not-in-any-task" not in content
        assert pickle.loads(content) == task


def test_every_task_of_ingest_carries_only_its_own_granules(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from pipelines.stages.ingest import units as ingest

    for folder in ("amsr2", "gldas", "dem", "smos"):
        (tmp_path / folder).mkdir()
    (tmp_path / "dem" / "simulated_dem.tif").touch()
    for day in run.config.days:
        text = f"{day:%Y%m%d}"
        (tmp_path / "amsr2" / f"GW1AM2_{text}_01D_EQMA_L3SGT18LA2220220.h5").touch()
        (tmp_path / "gldas" / f"GLDAS_NOAH025_3H.A{text}.0300.021.nc4").touch()
        name = f"W_XX-ESA,SMOS,NH_25KM_EASE2_{text}_o_v301_01_l3soilft.nc"
        (tmp_path / "smos" / name).touch()
    monkeypatch.setenv("SOILFT_DEMO_ARCHIVE", str(tmp_path))
    inputs = as_written(shipped("demo-alaska"))["inputs"]
    inputs = {name: inputs[name] for name in ("amsr2", "gldas", "terrain", "smos")}
    changes = {"store": str(tmp_path / "store"), "inputs": inputs, "simulation": None}
    small = Run(load(shipped("demo-alaska"), changes))
    planned = ingest.plan(small)
    chunk = small.config.chunks.ingest_days
    for unit in planned.units:
        if unit.name != "terrain/static":
            task = unit.task
            assert len(task.files) == len(task.span) <= chunk  # type: ignore[union-attr]
            days = {day for found in task.files for day in found.granule.days}
            assert max(days) - min(days) < timedelta(days=chunk)
    assert not (tmp_path / "store").exists()
