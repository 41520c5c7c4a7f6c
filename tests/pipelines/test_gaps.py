"""Gaps of a record of three radiometers, filled by the ordinary stage, or left as they are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from distributed import Client

from pipelines import lineage
from pipelines.run import Run
from pipelines.stages.harmonize.transfers import harmonize
from soilft.days import DaySpan
from soilft.predictors.features import FeatureSet, Predictors, compute
from soilft.predictors.window import Target
from soilft.radiometers.gaps import FILLS, LEVELS
from soilft.schema import MISSING
from tests.pipelines.test_harmonize import DAYS, FLOWN, prepared

FEATURES = FeatureSet(("brightness", "season"), (Target("PM", 18.0),), max_missing=0.9)


def record_of(run: Run) -> Predictors:
    return compute(run.input_refs().open(), FEATURES, run.config.days)


def with_levels(run: Run, *levels: str) -> Run:
    section = run.config.gap_filling.model_copy(update={"levels": levels})
    return Run(run.config.model_copy(update={"gap_filling": section}))


def test_every_pixel_day_has_its_level_and_its_radiometer(
    dask_client: Client, tmp_path: Path
) -> None:
    run = prepared(tmp_path, ("amsr2", "amsr-e", "mwri"))
    done = harmonize(run, dask_client)
    assert (done.done, done.failed) == (2, {})
    found = record_of(run)
    # At both ends of the period a part of the year is known by a few days alone.
    assert (found.level[20:200] != MISSING).all()
    assert set(np.unique(found.level)) - {MISSING} == set(LEVELS.values())
    names = run.radiometers()
    lead = {"amsr-e": slice(0, 100), "mwri": slice(100, 140), "amsr2": slice(140, DAYS)}
    for name, days in lead.items():
        level, radiometer = found.level[days], found.radiometer[days]
        assert set(np.unique(radiometer[level == 0])) == {names.index(name)}
        # Between the two others nobody but the bridge flew: there is no other radiometer to ask.
        assert (level == LEVELS["other_sensor"]).any() == (name != "mwri")
    # A second run finds everything done; nothing of it depends on the number of workers.
    again = harmonize(Run(run.config), dask_client)
    assert (again.done, again.skipped) == (0, 2)


def test_without_the_bridge_days_are_missing_and_not_made_up(
    dask_client: Client, tmp_path: Path
) -> None:
    run = prepared(tmp_path, ("amsr2", "amsr-e"))
    done = harmonize(run, dask_client)
    assert len(done.set_aside) == 1
    assert run.config.gap_filling.levels == FILLS
    found = record_of(run)
    # AMSR-E cannot be made like AMSR2: neither its days nor those after it have any value.
    before = np.arange(DAYS) < FLOWN["amsr2"][0]
    assert (found.level[before] == MISSING).all()
    assert not found.usable[before].any()
    tb = [i for i, name in enumerate(found.names) if name.startswith("tb_")]
    assert np.isnan(found.values[before][..., tb]).all()
    assert found.usable[160:200].all()


def test_only_allowed_levels_fill(dask_client: Client, tmp_path: Path) -> None:
    whole = prepared(tmp_path, ("amsr2", "amsr-e", "mwri"))
    harmonize(whole, dask_client)
    for levels in ((), ("other_sensor",), ("other_node", "climatology")):
        run = with_levels(whole, *levels)
        found = record_of(run)
        allowed = {LEVELS[name] for name in levels}
        assert set(np.unique(found.level)) - {MISSING} == {0, *allowed}
        np.testing.assert_array_equal(found.usable, found.level != MISSING)
        assert lineage.table_key(run) != lineage.table_key(whole)
    # What needs no normals asks for none.
    assert with_levels(whole, "other_sensor").input_refs().gaps.normals is None
    assert with_levels(whole).normals() is None


def test_a_new_day_changes_no_normal_and_no_filled_day(dask_client: Client, tmp_path: Path) -> None:
    run = prepared(tmp_path, ("amsr2", "amsr-e", "mwri"))
    section = run.config.gap_filling.model_copy(update={"normal_days": 120})
    run = Run(run.config.model_copy(update={"gap_filling": section}))
    harmonize(run, dask_client)
    record = run.normals()
    assert record is not None
    last = run.ingest_spans()[-1]
    first = DaySpan(run.config.days.first, run.ingest_spans()[0].last)
    filled_by = lineage.filling_key(run, first)
    known = run.ledger.get("ingest", f"amsr2/{last.first}")
    assert known is not None
    run.ledger.put("ingest", f"amsr2/{last.first}", replace(known, content="another"))
    later = Run(run.config)
    again = harmonize(later, dask_client)
    # The transfers are looked at again, and come out the same: so the normals are not.
    assert (again.done, again.skipped) == (1, 1)
    assert later.normals() == record
    assert lineage.filling_key(later, first) == filled_by
