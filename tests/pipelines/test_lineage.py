"""What keys hold: versions of readers and stages, and settings; never the package's version."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml

from pipelines import lineage
from pipelines.config.region_file import REGIONS, load, region_files
from pipelines.run import Run
from pipelines.stages.ingest.units import plan
from soilft import __version__
from soilft.annual.layers import Drawing, SummaryBand, YearBand
from soilft.days import DaySpan
from soilft.forest.artefact import ModelRef
from soilft.ingest import granules
from soilft.ingest.simulated import SimulatedGround
from soilft.rows import RowSpan
from soilft.simulate import Archive, history, world
from soilft.sources import SmosL3Ft
from soilft.store.digest import spelled
from soilft.store.ledger import Done
from tests.support.small_run import BOUNDS, END, START, region_file

ROOT = Path(__file__).parents[2]
MODEL = ModelRef("model", "0" * 64)


def two_radiometers(folder: Path, archive: Path) -> Path:
    """Write the region file of the small run, with a radiometer that is made like the other."""
    path = region_file(folder, archive)
    value = yaml.safe_load(path.read_text())
    mwri = yaml.safe_load((REGIONS / "demo-tibet.yaml").read_text())["inputs"]["mwri"]
    mwri["granules"] = mwri["granules"].replace("${SOILFT_DEMO_ARCHIVE}", str(archive))
    value["inputs"]["mwri"] = mwri
    path.write_text(yaml.safe_dump(value))
    return path


def ingested(run: Run) -> dict[str, str]:
    """Key of every unit to ingest; the ledger takes each for done."""
    found = {unit.name: unit.task.key for unit in plan(run).units}
    for unit, key in found.items():
        days = [1.0] * run.config.chunks.ingest_days
        facts = {"simulated": True, "coverage": days, "newest_day": str(START)}
        run.ledger.put("ingest", unit, Done(key, f"content of {unit}", facts))
    return found


def keys(config: Path) -> dict[str, str | None]:
    """Every kind of key, of a run whose inputs are all there."""
    run = Run(load(config))
    found: dict[str, str | None] = dict(ingested(run))
    span, forest = run.predict_spans()[0], run.config.forest
    found["transfers"] = lineage.transfers_key(run)
    facts = {"unreached": [], "used_url": "harmonization/a"}
    run.ledger.put("harmonize", "transfers", Done(found["transfers"], "transfers", facts))
    found["normals"] = lineage.normals_key(run)
    found["filling"] = lineage.filling_key(run, span)
    found["table"] = lineage.table_key(run)
    table = Done(found["table"], "table")
    run.ledger.put("train", "table", table)
    year = YearBand(
        "", "", run.config.days, span, 2015, 0, RowSpan(0, 9), 9, 0.5, Drawing(None, 9, 0, 1)
    )
    summary = SummaryBand("", 1, RowSpan(0, 9), 9)
    ground = Archive(Path("root"), BOUNDS, START, END, ground=Path("ground"))
    return found | {
        "blocks": lineage.blocks_key(run, 24, 400),
        "search": lineage.search_key(table, forest.settings(), {"folds": 2}),
        "trees": lineage.trees_key(table, forest.settings(), 1, None),
        "forest": lineage.forest_key(run, "table"),
        "predict": lineage.predict_key(run, MODEL, span),
        "correlation": lineage.correlation_key(run, MODEL, span),
        "year": lineage.year_key(run, MODEL, year),
        "summary": lineage.summary_key(run, MODEL, summary, [2015]),
        "pictures": lineage.pictures_key(run, MODEL, ["2015-0"], "title", left_out=False),
        "scorecard": lineage.scorecard_key(run, MODEL, ["smos"]),
        "raw record": lineage.raw_record_key(run),
        "raw table": lineage.raw_table_key(run, table),
        "ground": SimulatedGround(ground).key,
        "folder of the ground": str(history.folder(ground)),
    }


@pytest.mark.process
def test_a_new_version_of_the_package_changes_no_key(small_archive: Path, tmp_path: Path) -> None:
    config = two_radiometers(tmp_path / "run", small_archive)
    named = tmp_path / "version" / "soilft-99.0.dist-info"
    named.mkdir(parents=True)
    (named / "METADATA").write_text("Metadata-Version: 2.1\nName: soilft\nVersion: 99.0\n")
    code = (
        "import sys, json, pathlib; from tests.pipelines import test_lineage as t; "
        "print(json.dumps([t.__version__, t.keys(pathlib.Path(sys.argv[1]))]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(config)],
        env={**os.environ, "PYTHONPATH": f"{named.parent}{os.pathsep}{ROOT}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    version, theirs = json.loads(done.stdout.splitlines()[-1])
    ours = keys(config)
    # The package says another version of itself, in attributes and on the screen.
    assert version == "99.0" != __version__
    assert theirs == ours
    assert len(set(ours.values())) == len(ours)


def test_a_winter_that_was_taken_for_two_years_is_judged_anew(
    small_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def both(start: date, end: date) -> list[str]:
        run = Run(load(region_file(tmp_path, small_archive, period={"start": start, "end": end})))
        return [lineage.forest_key(run, "table"), lineage.scorecard_key(run, MODEL, ["smos"])]

    crossed, years = date(2015, 10, 1), date(2014, 10, 1)
    found = [both(day, date(2016, 1, 5)) for day in (crossed, years)]
    monkeypatch.setattr(lineage, "ONE_WINTER", 0)
    before = [both(day, date(2016, 1, 5)) for day in (crossed, years)]
    assert found[1] == before[1]
    assert all(key != old for key, old in zip(found[0], before[0], strict=True))


def test_raising_the_version_of_a_reader_reads_its_files_anew_and_no_others(
    small_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(region_file(tmp_path, small_archive))
    before = Run(config)
    ingested(before)
    assert not plan(Run(config)).todo
    table = lineage.table_key(before)
    monkeypatch.setattr(SmosL3Ft, "version", "99.0")
    later = Run(config)
    todo = plan(later).todo
    assert {unit.name for unit in todo} == {
        unit.name for unit in plan(later).units if unit.name.startswith("smos/")
    }
    # What follows is keyed by what was read: equal values ask for nothing more.
    for unit in todo:
        old = before.ledger.get("ingest", unit.name)
        assert old is not None
        later.ledger.put("ingest", unit.name, Done(unit.task.key, old.content, old.facts))
    assert lineage.table_key(later) == table
    other = Done(todo[0].task.key, "other values", {"simulated": True, "coverage": [1.0, 1.0]})
    later.ledger.put("ingest", todo[0].name, other)
    assert lineage.table_key(later) != table


def test_why_a_store_of_an_earlier_release_is_read_anew_is_said(
    small_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(region_file(tmp_path, small_archive))
    with monkeypatch.context() as earlier:
        earlier.setattr(SmosL3Ft, "version", "0.3.0")
        ingested(Run(config))
        assert not any("read anew" in said for said in plan(Run(config)).cautions)
    planned = plan(Run(config))
    (said,) = (said for said in planned.cautions if "read anew" in said)
    assert said == (
        "smos: the reader of smos-l3-ft is of version 0.4.0 and gives other values than that of "
        f"0.3.0: {len(planned.todo)} units are read anew"
    )


def test_raising_the_version_of_the_stage_reads_every_file_anew(
    small_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(region_file(tmp_path, small_archive))
    keys_before = ingested(Run(config))
    monkeypatch.setattr(granules, "VERSION", "99.0")
    planned = plan(Run(config))
    assert len(planned.todo) == len(planned)
    # Stage and reader are raised apart: either alone, or both, is another key.
    one = {unit.name: unit.task.key for unit in planned.units}
    monkeypatch.setattr(SmosL3Ft, "version", "99.0")
    both = {unit.name: unit.task.key for unit in planned.units}
    labels = [unit for unit in one if unit.startswith("smos/")]
    assert labels
    assert all(len({found[unit] for found in (keys_before, one, both)}) == 3 for unit in labels)


@pytest.mark.parametrize(
    ("stage", "changed"),
    [
        ("transfers", {"transfers"}),
        ("normals", {"normals"}),
        ("table", {"table", "blocks", "raw record", "raw table", "scorecard"}),
        ("forest", {"forest", "trees", "search"}),
        ("predict", {"predict"}),
        ("annual", {"correlation", "year", "summary", "pictures"}),
        ("validate", {"scorecard"}),
    ],
)
def test_raising_the_version_of_a_stage_makes_what_it_makes_anew(
    small_archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    changed: set[str],
) -> None:
    config = two_radiometers(tmp_path, small_archive)
    before = keys(config)
    monkeypatch.setattr(lineage, "VERSIONS", {**lineage.VERSIONS, stage: "99.0"})
    after = keys(config)
    assert {name for name in before if before[name] != after[name]} == changed


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("label", "reference_overpass", "AM"),
        ("label", "overpasses", ["PM"]),
        ("sampling", "max_rows", 2999),
        ("validation", "block_degrees", 2),
        ("validation", "seed", 99),
        ("features", "max_missing", 0.25),
        ("period", "end", date(2015, 10, 10)),
        ("region", "bounds", [90.0, 32.0, 94.0, 34.75]),
    ],
)
def test_a_setting_that_changes_the_rows_makes_the_table_anew(
    small_archive: Path, tmp_path: Path, section: str, key: str, value: object
) -> None:
    path = region_file(tmp_path, small_archive)
    run = Run(load(path))
    ingested(run)
    said = yaml.safe_load(path.read_text())
    assert said.setdefault(section, {}).get(key) != value
    said[section][key] = value
    path.write_text(yaml.safe_dump(said))
    changed = Run(load(path))
    ingested(changed)
    assert lineage.table_key(changed) != lineage.table_key(run)


def test_every_shipped_region_is_spelled_as_release_0_3_0_wrote_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SOILFT_SAMPLES", "SOILFT_DEMO_ARCHIVE", "SOILFT_ARCHIVE"):
        monkeypatch.setenv(name, "/archive")
    for path in region_files():
        config = load(path)
        asked = (config.to_region(), config.feature_set(), config.forest.settings())
        for value in (*asked, *(item.source() for item in config.inputs.values())):
            assert spelled(value) == repr(value)


def test_the_synthetic_earth_has_a_version_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(Path("root"), BOUNDS, START, END, ground=Path("ground"))
    folder = history.folder(archive)
    assert folder.name.startswith(f"{world.VERSION}-")
    monkeypatch.setattr(history, "VERSION", "99.0")
    assert history.folder(archive).name == folder.name.replace(world.VERSION, "99.0")


def test_spans_touch_where_they_share_a_day() -> None:
    first, second = DaySpan(START, START), DaySpan(START, END)
    assert first.touches(second)
    assert second.touches(first)
    assert not first.touches(DaySpan(END, END))
