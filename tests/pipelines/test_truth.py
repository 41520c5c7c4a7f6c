"""The truth of a run on a synthetic Earth: kept beside the inputs, none of them."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.config.region_file import Config, as_written, load, shipped
from pipelines.run import Run
from pipelines.stages.ingest import truth
from pipelines.stages.ingest import units as ingest
from soilft.errors import ConfigError
from soilft.ingest.granules import ChunkOfDays
from soilft.ingest.truth import TruthSource
from soilft.simulate import Archive
from soilft.simulate import truth as simulated

BOUNDS = (89.0, 33.0, 92.0, 36.0)
START, END, SEED = date(2015, 10, 28), date(2015, 10, 30), 4
SMOS = TruthSource("smos", ("AM", "PM"), SEED)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    made = Archive(tmp_path_factory.mktemp("archive"), BOUNDS, START, END, SEED)
    for day in made.days():
        simulated.write(made, day)
    return made


def run_of(monkeypatch: pytest.MonkeyPatch, root: Path, **changes: Any) -> Run:
    monkeypatch.setenv("SOILFT_DEMO_ARCHIVE", str(root))
    return Run(load(shipped("demo-tibet"), {"store": str(root / "store"), **changes}))


def test_every_chunk_of_days_has_a_unit_and_no_prediction_depends_on_it(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = as_written(shipped("demo-tibet"))["inputs"]
    root = archive.root
    changes = {
        "region": {"name": "any", "grid": "latlon-0.25", "bounds": list(BOUNDS)},
        "period": {"start": START, "end": END},
        "simulation": {"seed": SEED},
        "chunks": {"ingest_days": 2},
        "inputs": {"smos": {**inputs["smos"], "granules": f"{root}/smos/*.nc"}},
    }
    run = run_of(monkeypatch, root, **changes)
    assert run.places.truth.endswith("/inputs/truth.zarr")
    source = truth.source_of(run)
    assert source == SMOS
    units = ingest.truth_tasks(run)
    assert list(units) == ["truth/2015-10-28", "truth/2015-10-30"]
    first = units["truth/2015-10-28"]
    assert isinstance(first, ChunkOfDays)
    assert [found.granule.days[0].day for found in first.found] == [28, 29]
    refs = run.input_refs()
    assert run.places.truth not in (*refs.tb, refs.reanalysis, refs.static)
    assert run.input_records() == []


def test_the_truth_lies_beside_the_label_or_where_the_region_file_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    beside = run_of(monkeypatch, tmp_path)
    assert truth.patterns(beside) == (f"{tmp_path}/truth/simulated_truth_*.nc",)
    named = run_of(monkeypatch, tmp_path, simulation={"truth": "/elsewhere/*.nc"})
    assert truth.patterns(named) == ("/elsewhere/*.nc",)
    # A place decides nothing of the product.
    for settings in ({"direct": True}, {"direct": True, "ground": "/somewhere"}):
        changed = load(shipped("tibet-simulated"), {"simulation": settings})
        assert changed.digest() == load(shipped("tibet-simulated")).digest()
    scaled = load(shipped("tibet-simulated"), {"simulation": {"direct": True, "noise": 2.0}})
    assert scaled.digest() != load(shipped("tibet-simulated")).digest()


def test_no_input_may_be_called_truth(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    inputs = as_written(shipped("demo-tibet"))["inputs"]
    inputs["truth"] = inputs["smap"]
    for item in inputs.values():
        item["granules"] = item["granules"].replace("${SOILFT_DEMO_ARCHIVE}", str(tmp_path))
    run = run_of(monkeypatch, tmp_path, inputs=inputs)
    with pytest.raises(ConfigError, match=r"inputs\.truth: expected another name"):
        truth.source_of(run)


def test_a_run_on_real_granules_has_no_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOILFT_ARCHIVE", "/archive")
    assert truth.source_of(Run(load(shipped("tibet")))) is None


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"noise": 0.5}, "noise and ground: expected with direct: true"),
        ({"ground": "/somewhere"}, "noise and ground: expected with direct: true"),
        ({"direct": True, "truth": "/a/*.nc"}, "truth: expected only with granules"),
        ({"direct": True, "noise": -1.0}, "greater than or equal to 0"),
        ({"direct": True, "noise": float("inf")}, "finite number"),
    ],
)
def test_settings_that_would_do_nothing_or_make_no_sense_are_refused(
    section: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(shipped("tibet-simulated"), {"simulation": section})


def test_two_years_are_the_decade_at_one_degree_across_both_hand_overs() -> None:
    def comparable(config: Config) -> dict[str, Any]:
        return {key: config.model_dump()[key] for key in ("inputs", "label", "simulation")}

    years, decade = (load(shipped(name)) for name in ("two-years", "tibet-simulated"))
    assert comparable(years) == comparable(decade)
    assert years.to_region().grid.shape == (14, 32)
    assert years.region.bounds == decade.region.bounds
    assert date(2011, 10, 4) in years.days
    assert date(2012, 7, 3) in years.days
    assert len(years.days) == 365 + 366
