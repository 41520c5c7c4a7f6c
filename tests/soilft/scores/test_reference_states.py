"""What rows are judged beside: the same for any bands, and what the stores hold at their places."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from soilft.days import DaySpan
from soilft.grid import Region
from soilft.ingest.granules import template_for
from soilft.predictors.stores import InputRefs
from soilft.predictors.window import Target
from soilft.rows import RowSpan
from soilft.schema import MISSING
from soilft.scores import baselines, reference_states
from soilft.scores.reference_states import ReferenceBand, bands_that_fit, gathered, states_of_band
from soilft.sources import Amsr2L3, EsaCciFlag, GldasNoah3h, SmapL3Ft, SmosL3Ft
from soilft.store import objects
from soilft.store import zarr as store
from tests.support import tables

WHOLE = DaySpan(date(2013, 1, 1), date(2014, 12, 31))
REGION = Region("judged", "latlon-0.25", (88, 33, 89.5, 34.5))
TARGETS = (Target("AM", 6.0), Target("PM", 18.0))
SHAPE = REGION.grid.shape
ROWS = 500


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> ReferenceBand:
    root = tmp_path_factory.mktemp("judged")
    rng = np.random.default_rng(8)
    grid, days = REGION.grid, len(WHOLE)
    season = np.cos(2 * np.pi * np.arange(days) / 365.25)[:, None, None]
    air = (270 - 14 * season + rng.normal(0, 2, (days, *SHAPE))).astype("float32")
    labels = {}
    for name, source in (("smos", SmosL3Ft()), ("smap", SmapL3Ft())):
        state = (air[:, None] + rng.normal(0, 3, (days, 2, *SHAPE)) < 273.15).astype("uint8")
        state[rng.random(state.shape) < 0.5] = MISSING
        time = np.where(state == MISSING, np.nan, 1.0).astype("float32")
        values = {"freeze_thaw": state, "observation_time": time}
        if name == "smap":
            values["label_quality"] = rng.integers(0, 2, state.shape).astype("uint8")
        labels[name] = objects.join(str(root), f"{name}.zarr")
        store.create(labels[name], template_for(source, grid, WHOLE, 60))
        store.write_region(labels[name], values, {})
    hour = np.stack([(local - grid.lonlat[0] / 15) % 24 for local in (1.5, 13.5)])
    tb = np.broadcast_to(0.9 * air[:, None, None] + 12, (days, 2, 2, *SHAPE)).astype("float32")
    observed = np.broadcast_to(hour, (days, 2, *SHAPE)).astype("float32")
    tb_url, gldas_url = (objects.join(str(root), f"{n}.zarr") for n in ("amsr2", "gldas"))
    store.create(tb_url, template_for(Amsr2L3(bands=("36",)), grid, WHOLE, 60))
    store.write_region(tb_url, {"tb": tb, "observation_time": observed}, {})
    gldas = GldasNoah3h(variables_read=("Tair_f_inst",))
    store.create(gldas_url, template_for(gldas, grid, WHOLE, 60))
    counts = np.full(days, 8, "uint8")
    fields = {"Tair_f_inst_mean": air, "instant_count": counts, "interval_count": 0 * counts}
    store.write_region(gldas_url, fields, {})
    table = tables.table_of(
        np.zeros((ROWS, 1)),
        np.arange(ROWS) % 2,
        day=WHOLE.numbers[np.sort(rng.integers(0, days, ROWS))],
        overpass=rng.integers(0, 2, ROWS),
        cell=rng.integers(0, SHAPE[0] * SHAPE[1], ROWS),
    )
    url, content = tables.stored_table(Path(root), table)
    references = InputRefs(REGION, WHOLE, tb=(tb_url,), reanalysis=gldas_url)
    others = (("smap", labels["smap"]),)
    return ReferenceBand(
        references, TARGETS, url, content, labels["smos"], others, RowSpan(0, SHAPE[0])
    )


def reference_columns(task: ReferenceBand, cuts: list[tuple[int, int]]) -> reference_states.Columns:
    from dataclasses import replace

    return gathered([states_of_band(replace(task, rows=RowSpan(*cut))) for cut in cuts], ROWS)


def test_any_bands_give_the_same_columns(task: ReferenceBand) -> None:
    whole = reference_columns(task, [(0, SHAPE[0])])
    cut = reference_columns(task, [(3, SHAPE[0]), (0, 1), (1, 3)])
    assert set(whole) == {
        "climatology_probability",
        "persistence",
        "smap",
        "smap_quality",
        "seasonal_threshold",
    }
    for name, values in whole.items():
        np.testing.assert_array_equal(values, cut[name], name)


def test_columns_are_what_the_stores_hold_at_the_rows(task: ReferenceBand) -> None:
    from soilft.training.table import read_table

    table = read_table(task.table_url)
    found = reference_columns(task, [(0, SHAPE[0])])
    day = table.day - WHOLE.numbers[0]
    at = day, table.overpass, table.cell // SHAPE[1], table.cell % SHAPE[1]
    smap = store.open_raw(task.others[0][1])
    for name, variable in (("smap", "freeze_thaw"), ("smap_quality", "label_quality")):
        np.testing.assert_array_equal(found[name], np.asarray(smap[variable][...])[at])
    smos = np.asarray(store.open_raw(task.label_url)["freeze_thaw"][...])
    for code in (0, 1):
        mine = table.overpass == code
        expected = baselines.persistence(smos[:, code])[day, at[2], at[3]]
        np.testing.assert_array_equal(found["persistence"][mine], expected[mine])
    # The brightness temperature here is a line in the air temperature: the threshold is exact.
    air = np.asarray(store.open_raw(task.inputs.reanalysis)["Tair_f_inst_mean"][...])
    known = found["seasonal_threshold"] != MISSING
    assert known.mean() > 0.95
    clear = known & (np.abs(air[day, at[2], at[3]] - 273.15) > 1)
    # A state takes the pass nearest to it, which may stand under the day before or after.
    agree = (air[day, at[2], at[3]] < 273.15) == (found["seasonal_threshold"] == 1)
    assert agree[clear].mean() > 0.9


def test_bands_cover_all_rows_and_fit() -> None:
    cut = bands_that_fit(56, 128, 3653, limit_bytes=2 * 10**8, least=2)
    assert [a for a, _ in cut] == [0] + [b for _, b in cut[:-1]]
    assert cut[-1][1] == 56
    assert all((b - a) * 128 * (3653 * 34 + 366 * 16) <= 2.2 * 10**8 for a, b in cut)
    assert bands_that_fit(2, 3, 10, limit_bytes=10**9, least=8) == [(0, 1), (1, 2)]


def test_a_label_of_one_value_a_day_is_beside_every_overpass(
    task: ReferenceBand, tmp_path: Path
) -> None:
    from dataclasses import replace

    from soilft.training.table import read_table

    days = len(WHOLE)
    state = (np.arange(days) % 3 == 0).astype("uint8")[:, None, None, None]
    state = np.broadcast_to(state, (days, 1, *SHAPE))
    url = str(tmp_path / "cci.zarr")
    store.create(url, template_for(EsaCciFlag(), REGION.grid, WHOLE, 60))
    time = np.full(state.shape, 6, "float32")
    store.write_region(url, {"freeze_thaw": state, "observation_time": time}, {})
    found = reference_columns(replace(task, others=(("cci", url),)), [(0, SHAPE[0])])
    day = read_table(task.table_url).day - WHOLE.numbers[0]
    np.testing.assert_array_equal(found["cci"], day % 3 == 0)
