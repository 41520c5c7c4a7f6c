"""The lazy array of predictors: an indexed part is the block's, and reads only what it needs."""

import pickle
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import zarr

from soilft.days import DaySpan
from soilft.grid import Region
from soilft.ingest.granules import template_for
from soilft.predictors.features import GROUPS, FeatureSet, compute
from soilft.predictors.lazy import open_features
from soilft.predictors.stores import InputRefs
from soilft.predictors.window import Target
from soilft.sources import Amsr2L3, GldasNoah3h
from soilft.store import objects
from soilft.store import zarr as store

WHOLE = DaySpan(date(2016, 1, 1), date(2016, 2, 9))
REGION = Region("cut", "latlon-0.25", (88, 33, 91, 35))
CHUNK = 4
TB = Amsr2L3(bands=("18", "36"))
REANALYSIS = GldasNoah3h(variables_read=("Tair_f_inst",))
FEATURES = FeatureSet(tuple(GROUPS), (Target("AM", 6.0), Target("PM", 18.0)))


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> InputRefs:
    root = str(tmp_path_factory.mktemp("inputs"))
    rng = np.random.default_rng(4)
    grid, days = REGION.grid, len(WHOLE)
    hour = np.stack([(local - grid.lonlat[0] / 15) % 24 for local in (1.5, 13.5)])
    seen = rng.random((days, 2, *grid.shape)) > 0.3
    tb = np.where(seen[:, :, None], rng.normal(250, 15, (days, 2, 4, *grid.shape)), np.nan)
    tb_url, reanalysis_url = (objects.join(root, f"{name}.zarr") for name in ("tb", "gldas"))
    store.create(tb_url, template_for(TB, grid, WHOLE, CHUNK))
    observed = np.where(seen, hour[None], np.nan).astype("float32")
    store.write_region(tb_url, {"tb": tb.astype("float32"), "observation_time": observed}, {})
    store.create(reanalysis_url, template_for(REANALYSIS, grid, WHOLE, CHUNK))
    counts = np.full(days, 8, "uint8")
    air = rng.normal(270, 9, (days, *grid.shape)).astype("float32")
    fields = {"Tair_f_inst_mean": air, "instant_count": counts, "interval_count": 0 * counts}
    store.write_region(reanalysis_url, fields, {})
    return InputRefs(REGION, WHOLE, tb=(tb_url,), reanalysis=reanalysis_url)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the chunks that are read."""
    found: list[str] = []
    plain = zarr.storage.LocalStore.get

    async def counted(self: object, key: str, *args: object, **kwargs: object) -> object:
        if "/c/" in key:
            found.append(f"{Path(self.root).name}/{key}")  # type: ignore[attr-defined]
        return await plain(self, key, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(zarr.storage.LocalStore, "get", counted)
    return found


def test_every_index_gives_the_values_of_the_block(references: InputRefs) -> None:
    whole = compute(references.open(), FEATURES, WHOLE).values
    lazy = open_features(references, FEATURES)
    assert lazy.dims == ("time", "overpass", "y", "x", "feature")
    for key in (
        (slice(None),),
        (7, 1, 2, 3, 4),
        (slice(3, 9), 0, slice(1, 4), slice(None, None, 3), slice(2, 9, 2)),
        (slice(20, 4, -5), slice(None), -1, slice(None, None, -1), slice(None)),
        (slice(5, 5),),
    ):
        np.testing.assert_array_equal(lazy[key].values, whole[key])
    picked = lazy.isel(time=[1, 30, 4], feature=[9, 0])
    np.testing.assert_array_equal(picked.values, whole[[1, 30, 4]][..., [9, 0]])


def test_features_say_what_they_are(references: InputRefs) -> None:
    lazy = open_features(references, FEATURES)
    one = lazy.sel(feature="gradient_V_AM", time="2016-01-09", overpass="PM")
    assert one.dims == ("y", "x")
    assert str(one.unit.values) == "K"
    assert str(one.group.values) == "spectral_gradient"
    assert "Zuerndorfer" in str(one.formula.values)
    assert lazy.dtype == np.float32


def test_opening_reads_no_chunk_and_a_day_of_a_window_only_its_own(
    references: InputRefs, reads: list[str]
) -> None:
    lazy = open_features(references, FEATURES)
    fields = ("/tb/c/", "Tair_f_inst_mean/c/")
    assert not [key for key in reads if any(part in key for part in fields)]
    reads.clear()
    lazy.isel(time=20, y=slice(2, 4), x=slice(5, 6)).load()
    # Day 20 lies in chunk 5 (days 20..23); its halo of two days reaches into chunk 4.
    assert {key.split("/c/")[1].split("/")[0] for key in reads if "/tb/c/" in key} == {"4", "5"}
    # Its air temperature is averaged over fifteen days: 6..20, chunks 1 to 5.
    assert {key.split("/c/")[1][0] for key in reads if "Tair" in key} == set("12345")


def test_a_feature_that_needs_no_radiometer_reads_none(
    references: InputRefs, reads: list[str]
) -> None:
    lazy = open_features(references, FEATURES)
    reads.clear()
    lazy.sel(feature="season_sin").isel(time=slice(0, 3)).load()
    assert not [key for key in reads if key.startswith("tb.zarr") and "/tb/" in key]


def test_it_is_a_dask_array_of_blocks_where_asked(references: InputRefs) -> None:
    whole = compute(references.open(), FEATURES, WHOLE).values
    chunked = open_features(references, FEATURES).chunk({"time": 8, "y": 5})
    assert chunked.data.npartitions == 5 * 2
    assert chunked.mean("time").dtype == np.float32
    np.testing.assert_array_equal(chunked.compute(scheduler="threads").values, whole)


def test_it_travels_to_another_process(references: InputRefs) -> None:
    lazy = open_features(references, FEATURES)
    sent = pickle.loads(pickle.dumps(lazy))
    np.testing.assert_array_equal(sent[4].values, lazy[4].values)
