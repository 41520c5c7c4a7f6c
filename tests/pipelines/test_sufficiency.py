"""Absent inputs: refused by name before anything is trained, or said."""

import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipelines.config.region_file import load
from pipelines.facts import InputUnit
from pipelines.run import Run
from pipelines.stages.harmonize.transfers import harmonize
from pipelines.stages.ingest.sufficiency import cautions, lacks, recorded, require_sufficient
from pipelines.stages.predict import predict
from pipelines.stages.train.stage import train
from pipelines.work import Stage
from soilft.days import DaySpan
from soilft.errors import AbsentInput
from soilft.ingest.granules import template_for
from soilft.ingest.ground import static_template
from soilft.store import zarr as store
from soilft.store.ledger import Done, SetAside
from tests.support.command import soilft
from tests.support.small_run import region_file

INPUTS: dict[str, dict[str, Any]] = {
    "amsr2": {"product": "amsr2-l3-25km"},
    "gldas": {"product": "gldas-noah-025-3h"},
    "smos": {"product": "smos-l3-ft"},
}
MWRI, SMAP = {"product": "fy3-mwri-l1"}, {"product": "smap-l3-ft-36km"}
AMSRE, TERRAIN = {"product": "amsre-l3-25km"}, {"product": "dem"}
STATIONS = {"product": "ismn"}
TEN_DAYS = {"start": date(2015, 10, 1), "end": date(2015, 10, 10)}


def run_of(folder: Path, inputs: dict[str, dict[str, Any]] = INPUTS, **changes: Any) -> Run:
    """Give a run of ten days whose inputs have a value on each of them."""
    given = {name: {"granules": "none", **item} for name, item in inputs.items()}
    changes = {"period": TEN_DAYS, "inputs": given} | changes
    run = Run(load(region_file(folder, folder / "archive", **changes)))
    for name in run.config.daily_sources():
        give(run, name, [1.0] * len(run.config.days))
    return run


def give(
    run: Run, name: str, coverage: Sequence[float], granules: int = 0, aside: Sequence[str] = ()
) -> None:
    """Let the ledger say which days of an input have values, and how many granules all days had."""
    for span in run.ingest_spans():
        rows = span.within(run.config.days)
        if len(coverage[rows]) == len(span):
            facts = {
                "simulated": False,
                "coverage": list(coverage[rows]),
                "granules": [granules] * len(span),
            }
            set_aside = tuple(SetAside(reason, "input", reason) for reason in aside)
            unit = str(InputUnit.of_days(name, span))
            run.ledger.put("ingest", unit, Done("key", name, facts, set_aside))


def refusal(run: Run) -> str:
    with pytest.raises(AbsentInput) as refused:
        require_sufficient(run)
    return str(refused.value)


def test_a_run_that_has_everything_goes_on_without_a_word(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    require_sufficient(run)
    assert cautions(run) == []


def test_a_reanalysis_without_a_day_is_refused_unless_it_may_be_absent(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    give(run, "gldas", [0.0] * 10)
    said = refusal(run)
    assert said == (
        "inputs.gldas: expected a value on some of the 10 days of 2015-10-01..2015-10-10 that "
        "gldas-noah-025-3h can have, found none: no granule of 10 of them. Get what is missing, "
        "ask for less, or let it pass: inputs.gldas.may_be_absent: true."
    )
    assert cautions(run) == [said]
    allowed = INPUTS | {"gldas": {**INPUTS["gldas"], "may_be_absent": True}}
    run = run_of(tmp_path / "allowed", allowed)
    give(run, "gldas", [0.0] * 10)
    require_sufficient(run)
    [caution] = cautions(run)
    assert caution.endswith("The run goes on without it.")


@pytest.mark.parametrize(
    "stage", [harmonize, train, predict], ids=["harmonize", "train", "predict"]
)
def test_no_stage_goes_on_without_what_is_absent(stage: Stage, tmp_path: Path) -> None:
    run = run_of(tmp_path)
    give(run, "gldas", [0.0] * 10)
    nobody: Any = None
    with pytest.raises(AbsentInput, match=r"inputs\.gldas"):
        stage(run, nobody)
    assert not (Path(run.store) / "ledger" / "train").exists()


def test_stamps_that_lack_every_day_are_counted_in_the_refusal(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    give(run, "gldas", [0.0] * 10, granules=7)
    source, days = run.config.daily_sources()["gldas"], run.config.days
    template = template_for(source, run.config.to_region().grid, days, 2)
    store.create(run.places.input("gldas"), template)
    seven = np.full(10, 7, "uint8")
    counts = {"instant_count": seven, "interval_count": seven}
    values = {v.name: np.full(template.shape(v), v.fill, v.dtype) for v in source.variables}
    store.write_region(run.places.input("gldas"), values | counts, {"time": slice(0, 10)})
    said = refusal(run)
    assert "found none: at most 7 of the 8 granules a day that min_granules asks for" in said
    assert "inputs.gldas.may_be_absent: true" in said
    # The period has grown, and nothing was ingested since.
    grown = run_of(tmp_path, period={"start": days.first, "end": days.last + timedelta(days=10)})
    give(grown, "gldas", [0.0] * 20, granules=7)
    assert "at most 7 of the 8 granules a day" in refusal(grown)


def test_granules_that_were_set_aside_are_named_in_the_refusal(tmp_path: Path) -> None:
    run = run_of(tmp_path, period={"start": date(2015, 10, 1), "end": date(2015, 10, 2)})
    give(run, "gldas", [0.0] * 2, aside=["x.nc4: cut off."])
    assert (
        "found none: no granule of 2 of them; 1 granules set aside, such as x.nc4: cut off. Get"
        in (refusal(run))
    )


def test_a_label_without_a_day_is_refused_whatever_is_let_pass(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    give(run, "smos", [0.0] * 10)
    said = refusal(run)
    assert said.startswith("inputs.smos: expected a value on some of the 10 days")
    assert said.endswith("without labels nothing can be learnt.")


def test_a_reanalysis_that_had_not_begun_is_refused_by_its_period(tmp_path: Path) -> None:
    run = run_of(tmp_path, period={"start": date(1999, 1, 1), "end": date(1999, 1, 10)})
    give(run, "gldas", [0.0] * 10)
    said = refusal(run)
    assert said.startswith(
        "inputs.gldas: expected a period with days that gldas-noah-025-3h can have, found "
        "1999-01-01..1999-01-10. "
    )


def test_every_absent_input_is_named_at_once(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    for name in ("gldas", "smos"):
        give(run, name, [0.0] * 10)
    said = refusal(run)
    assert "inputs.gldas:" in said
    assert "inputs.smos:" in said


def test_a_radiometer_that_another_stands_in_for_is_named_alone(tmp_path: Path) -> None:
    run = run_of(tmp_path, INPUTS | {"mwri": MWRI})
    give(run, "amsr2", [0.0] * 10)
    require_sufficient(run)
    [said] = cautions(run)
    assert said.startswith("inputs.amsr2: expected a value on some of the 10 days")
    assert said.endswith("The run goes on without it.")


def test_radiometers_that_are_absent_together_are_refused(tmp_path: Path) -> None:
    run = run_of(tmp_path, INPUTS | {"mwri": MWRI, "amsr-e": AMSRE})
    for name in ("amsr2", "mwri", "amsr-e"):
        give(run, name, [0.0] * 10)
    said = refusal(run)
    assert "inputs.amsr2:" in said
    assert "inputs.mwri:" in said
    # A pixel-day that no radiometer has seen is not predicted: nothing could be let pass.
    assert "may_be_absent" not in said
    assert said.endswith("or leave the radiometers out of the inputs: none has a day.")
    allowed = {
        n: v | {"may_be_absent": True}
        for n, v in (INPUTS | {"mwri": MWRI}).items()
        if v["product"] in ("amsr2-l3-25km", "fy3-mwri-l1")
    }
    run = run_of(tmp_path / "allowed", INPUTS | allowed)
    for name in ("amsr2", "mwri"):
        give(run, name, [0.0] * 10)
    assert "leave the radiometers out" in refusal(run)


def test_a_radiometer_whose_days_no_other_has_is_refused(tmp_path: Path) -> None:
    # One flies until 2011-10-04, the other from 2012-07-03 on.
    years = {"start": date(2011, 9, 1), "end": date(2012, 8, 30)}
    chunks = {"ingest_days": 60, "predict_days": 60}
    run = run_of(tmp_path, INPUTS | {"amsr-e": AMSRE}, period=years, chunks=chunks)
    give(run, "amsr2", [0.0] * len(run.config.days))
    give(run, "amsr-e", [1.0] * 34 + [0.0] * (len(run.config.days) - 34))
    said = refusal(run)
    assert said.startswith("inputs.amsr2: expected a value on some of the 59 days")
    assert "amsr-e" not in said


def test_a_label_beside_that_had_not_begun_is_not_missed(tmp_path: Path) -> None:
    years = {"start": date(2015, 3, 21), "end": date(2015, 3, 30)}
    run = run_of(tmp_path, INPUTS | {"smap": SMAP}, period=years)
    give(run, "smap", [0.0] * 10)
    assert cautions(run) == []
    run = run_of(tmp_path / "later", INPUTS | {"smap": SMAP})
    give(run, "smap", [0.0] * 10)
    require_sufficient(run)
    [said] = cautions(run)
    assert said.startswith("inputs.smap: expected a value on some of the 10 days")


def test_few_days_are_a_caution_counted_over_those_of_the_mission(tmp_path: Path) -> None:
    days = {"start": date(2015, 3, 24), "end": date(2015, 4, 2)}
    run = run_of(tmp_path, INPUTS | {"smap": SMAP}, period=days)
    give(run, "smap", [0.0] * 8 + [1.0, 1.0])
    assert cautions(run) == []
    give(run, "smap", [0.0] * 9 + [1.0])
    require_sufficient(run)
    [said] = cautions(run)
    assert said == (
        "inputs.smap: expected a value on most of the 3 days of 2015-03-24..2015-04-02 that "
        "smap-l3-ft-36km can have, found one on 1 of them: no granule of 2 of them"
    )


def test_days_beyond_the_spans_of_a_simulation_are_not_missed(tmp_path: Path) -> None:
    span = {"start": date(2015, 10, 1), "end": date(2015, 10, 2)}
    run = run_of(tmp_path, simulation={"spans": [span]})
    some = [1.0, 1.0] + [0.0] * 8
    for name in INPUTS:
        give(run, name, some)
    assert cautions(run) == []
    run = run_of(tmp_path / "real")
    give(run, "gldas", some)
    assert len(cautions(run)) == 1


def test_a_new_day_without_reanalysis_stops_no_good_record(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    give(run, "gldas", [1.0] * 9 + [0.0])
    require_sufficient(run)
    assert cautions(run) == []


def test_what_is_not_ingested_is_not_judged(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    shutil.rmtree(Path(run.store) / "ledger/ingest/gldas")
    fresh = Run(run.config)
    require_sufficient(fresh)
    give(fresh, "gldas", [0.0] * 4)
    assert "the 4 days of" in refusal(fresh)


def test_stations_without_a_day_are_a_caution(tmp_path: Path) -> None:
    run = run_of(tmp_path, INPUTS | {"stations": STATIONS})
    unit = str(InputUnit.of_stations("stations"))
    facts: dict[str, Any] = {"simulated": False, "coverage": [0.0] * 10, "granules": [0] * 10}
    run.ledger.put("ingest", unit, Done("key", "stations", facts))
    require_sufficient(run)
    [said] = cautions(run)
    assert said == (
        "inputs.stations: expected stations with a value on some of 2015-10-01..2015-10-10, "
        "found none in the region. The run goes on without them."
    )
    run.ledger.put("ingest", unit, Done("key", "stations", {**facts, "coverage": [0.1] * 10}))
    assert cautions(run) == []


def with_terrain(
    folder: Path, columns: int, region: dict[str, Any] | None = None, **settings: Any
) -> Run:
    """Give a run whose terrain reaches so many of the columns of its region."""
    given = {} if region is None else {"region": region}
    run = run_of(folder, INPUTS | {"terrain": {**TERRAIN, **settings}}, **given)
    source = run.config.static_sources()["terrain"]
    template = static_template([source], run.config.to_region().grid)
    store.create(run.places.static, template)
    values = {v.name: np.full(template.shape(v), np.nan, v.dtype) for v in source.variables}
    for field in values.values():
        field[:, :columns] = 100
    store.write_region(run.places.static, values, {})
    unit = str(InputUnit.of_static("terrain"))
    run.ledger.put("ingest", unit, Done("key", "terrain", {"simulated": False}))
    return run


def test_a_terrain_of_the_whole_region_is_not_spoken_of(tmp_path: Path) -> None:
    assert cautions(with_terrain(tmp_path, 16)) == []


def test_a_terrain_of_most_of_the_region_says_which_share(tmp_path: Path) -> None:
    run = with_terrain(tmp_path, 12)
    require_sufficient(run)
    [said] = cautions(run)
    assert said == (
        "inputs.terrain: expected values on all of the region's 192 cells of land, found them on "
        "144, 75%"
    )


@pytest.mark.parametrize("columns", [0, 5])
def test_a_terrain_of_a_small_part_of_the_region_is_refused(tmp_path: Path, columns: int) -> None:
    share = 100 * columns // 16
    said = refusal(with_terrain(tmp_path, columns))
    assert said == (
        "inputs.terrain: expected values on at least 50% of the region's 192 cells of land, found "
        f"them on {12 * columns}, {share}%. Get the files of the rest, or let it pass: "
        f"inputs.terrain.least_known: {share / 100:g}."
    )
    run = with_terrain(tmp_path / "allowed", columns, least_known=share / 100)
    require_sufficient(run)
    assert len(cautions(run)) == 1


def test_where_no_land_is_known_the_sea_refuses_no_terrain(tmp_path: Path) -> None:
    islands = {"name": "aleutians", "grid": "latlon-0.25", "bounds": [-176.0, 51.0, -172.0, 54.0]}
    run = with_terrain(tmp_path, 2, region=islands)
    require_sufficient(run)
    [said] = cautions(run)
    assert said.startswith(
        "inputs.terrain: expected values on all of the region's 192 cells, found"
    )


def test_lacks_are_told_in_the_order_of_the_region_file(tmp_path: Path) -> None:
    run = with_terrain(tmp_path, 5)
    for name in ("gldas", "smos"):
        give(run, name, [0.0] * 10)
    named = [lack.error.thing for lack in lacks(run, recorded(run))]
    order = [f"inputs.{name}" for name in run.config.inputs]
    assert named == [name for name in order if name in named]
    assert len(named) == 3


@pytest.mark.slow
def test_a_reanalysis_that_lacks_a_stamp_a_day_ends_the_run_before_training(
    small_archive: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    shutil.copytree(small_archive, archive)
    for granule in (archive / "gldas").glob("*.0300.021.nc4"):
        granule.unlink()
    config = region_file(tmp_path, archive, period={**TEN_DAYS, "end": date(2015, 10, 4)})
    words = "inputs.gldas: expected a value on some of the 4 days"
    done = soilft("run", config, "--quiet", code=2)
    assert "error[absent-input]" in done.stderr
    for word in (words, "at most 7 of the 8 granules", "inputs.gldas.may_be_absent: true"):
        assert word in done.stderr
    assert words in soilft("ingest", config, "--quiet").stderr
    assert words in soilft("status", config).stdout
    for stage in ("harmonize", "train"):
        assert words in soilft(stage, config, "--quiet", code=2).stderr
    assert not (tmp_path / "store" / "training").exists()
    value = yaml.safe_load(config.read_text())
    value["inputs"]["gldas"]["min_granules"] = 7
    config.write_text(yaml.safe_dump(value))
    ingested = soilft("ingest", config, "--quiet")
    assert words not in ingested.stderr


def test_the_days_of_a_chunk_that_has_grown_wait_for_their_ingest(tmp_path: Path) -> None:
    run = run_of(tmp_path, chunks={"ingest_days": 4, "predict_days": 4})
    assert run.ingest_spans()[-1] == DaySpan(date(2015, 10, 9), date(2015, 10, 10))
    longer = {**TEN_DAYS, "end": date(2015, 10, 11)}
    grown = run_of(tmp_path / "other", period=longer, chunks={"ingest_days": 4, "predict_days": 4})
    grown = Run(grown.config.model_copy(update={"store": run.store}))
    require_sufficient(grown)
    assert cautions(grown) == []
