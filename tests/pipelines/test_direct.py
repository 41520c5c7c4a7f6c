"""Inputs simulated without granules: the same world as the granules tell of."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml

from pipelines.config.region_file import REGIONS, load
from pipelines.run import Run
from pipelines.stages.ingest import units as ingest
from soilft.simulate import Archive, write_day, write_static, write_stations
from tests.support.command import soilft
from tests.support.small_run import product_bytes

pytestmark = pytest.mark.slow

BOUNDS = (90.0, 32.0, 92.5, 34.0)
START, END, SEED = date(2015, 10, 1), date(2015, 10, 4), 5
DAILY = ("amsr2", "mwri", "gldas", "smos", "smap")
INPUTS = ("amsr2", "mwri", "gldas", "terrain", "soil", "smos", "smap", "stations")


def region_file(folder: Path, **changes: Any) -> Path:
    value = yaml.safe_load((REGIONS / "tibet-simulated.yaml").read_text())
    value |= {
        "region": {"name": "direct", "grid": "latlon-0.25", "bounds": list(BOUNDS)},
        "period": {"start": START, "end": END},
        "simulation": {"seed": SEED, "direct": True},
        "store": str(folder / "store"),
        "chunks": {"ingest_days": 2, "predict_days": 2},
        "cluster": {"workers": 2, "memory": "2GiB", "dashboard": False},
        "inputs": {name: value["inputs"][name] for name in INPUTS},
    }
    value |= changes
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "region.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False))
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("direct")
    done = soilft("ingest", region_file(folder), "--quiet")
    # Two chunks of days of five sources and the truth, the ground, files, and what is read of them.
    assert "ingest: 18 done" in done.stdout
    return folder / "store"


@pytest.fixture(scope="module")
def from_granules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("granules")
    archive = Archive(folder / "archive", BOUNDS, START, END, seed=SEED)
    write_static(archive)
    write_stations(archive)
    for day in archive.days():
        write_day(archive, day)
    patterns = yaml.safe_load((REGIONS / "demo-tibet.yaml").read_text())["inputs"]
    inputs = {name: patterns[name] for name in INPUTS}
    for item in inputs.values():
        item["granules"] = item["granules"].replace("${SOILFT_DEMO_ARCHIVE}", str(archive.root))
    soilft("ingest", region_file(folder, inputs=inputs, simulation={"seed": SEED}), "--quiet")
    return folder / "store"


def both(one: Path, other: Path, name: str) -> tuple[xr.Dataset, xr.Dataset]:
    first, second = (
        xr.open_zarr(store / "inputs" / f"{name}.zarr").load() for store in (one, other)
    )
    return first, second


def test_direct_inputs_are_those_of_the_granules(store: Path, from_granules: Path) -> None:
    direct, granules = both(store, from_granules, "amsr2")
    np.testing.assert_array_equal(direct.tb.isnull(), granules.tb.isnull())
    # Granules count in 0.01 K.
    assert float(np.abs(direct.tb - granules.tb).max()) < 0.006
    np.testing.assert_allclose(direct.observation_time, granules.observation_time, atol=1e-3)
    direct, granules = both(store, from_granules, "gldas")
    assert set(direct.data_vars) == set(granules.data_vars)
    for name in (n for n in direct.data_vars if n.endswith(("_mean", "_count"))):
        np.testing.assert_allclose(direct[name], granules[name], rtol=2e-5, atol=1e-6)
    for name, agreement in (("smos", 0.8), ("smap", 0.85)):
        direct, granules = both(store, from_granules, name)
        known = direct.freeze_thaw.notnull() & granules.freeze_thaw.notnull()
        equal = (direct.freeze_thaw == granules.freeze_thaw).where(known).mean()
        assert float(equal) > agreement, name
    for name in ("static", "stations", "truth"):
        xr.testing.assert_identical(*both(store, from_granules, name))


def test_direct_inputs_say_that_they_are_simulated(store: Path) -> None:
    for name in (*DAILY, "static", "stations", "truth"):
        assert xr.open_zarr(store / "inputs" / f"{name}.zarr").attrs["simulated"] == "true"


def test_workers_and_chunks_do_not_change_direct_inputs(store: Path, tmp_path: Path) -> None:
    soilft("ingest", region_file(tmp_path), "--quiet", "--workers", 1)
    assert product_bytes(tmp_path / "store") == product_bytes(store)
    longer = region_file(tmp_path / "b", chunks={"ingest_days": 4, "predict_days": 2})
    soilft("ingest", longer, "--quiet")
    for name in (*DAILY, "truth"):
        xr.testing.assert_identical(*both(store, tmp_path / "b" / "store", name))


def test_second_direct_ingest_does_nothing(store: Path) -> None:
    done = soilft("ingest", store.parent / "region.yaml", "--quiet")
    assert "ingest: nothing to do, 18 units are up to date" in done.stdout


def simulated(folder: Path, **settings: Any) -> Path:
    """Ingest with further settings of the simulation; give the store."""
    section = {"seed": SEED, "direct": True, **settings}
    soilft("ingest", region_file(folder, simulation=section), "--quiet")
    return folder / "store"


def test_only_the_days_of_the_spans_are_simulated(store: Path, tmp_path: Path) -> None:
    days = [date(2015, 10, 2), date(2015, 10, 3)]
    some = simulated(tmp_path, spans=[{"start": days[0], "end": days[1]}])
    for name in (*DAILY, "truth"):
        whole, part = both(store, some, name)
        chosen = slice(*(str(day) for day in days))
        xr.testing.assert_identical(part.sel(time=chosen), whole.sel(time=chosen))
        others = part.drop_sel(time=part.time.sel(time=chosen))
        assert others.sizes["time"] == 2
        for variable in others.data_vars.values():
            if "time" in variable.dims and "x" in variable.dims:
                assert variable.isnull().all(), f"{name}: {variable.name}"
    stations = both(store, some, "stations")[1].soil_temperature
    known = stations.notnull().any([dim for dim in stations.dims if dim != "time"])
    assert known.values.tolist() == [False, True, True, False]


def test_between_the_spans_of_granules_days_are_simulated_directly(
    store: Path, from_granules: Path, tmp_path: Path
) -> None:
    inputs = yaml.safe_load((from_granules.parent / "region.yaml").read_text())["inputs"]
    days = [date(2015, 10, 3), date(2015, 10, 4)]
    section = {
        "seed": SEED,
        "direct": "between",
        "spans": [{"start": days[0], "end": days[1]}],
        "ground": str(tmp_path / "ground"),
    }
    done = soilft("ingest", region_file(tmp_path, inputs=inputs, simulation=section), "--quiet")
    assert "ingest: 15 done" in done.stdout
    mixed = tmp_path / "store"
    for name in (*DAILY, "truth"):
        (direct, some), (granules, others) = (
            both(store, mixed, name),
            both(from_granules, mixed, name),
        )
        assert others.attrs["simulated"] == "true"
        before, after = slice("2015-10-01", "2015-10-02"), slice("2015-10-03", "2015-10-04")
        xr.testing.assert_equal(some.sel(time=before), direct.sel(time=before))
        xr.testing.assert_equal(others.sel(time=after), granules.sel(time=after))


def test_the_scale_of_the_noise_changes_radiometers_and_labels_on_a_shared_ground(
    store: Path, tmp_path: Path
) -> None:
    shared = str(tmp_path / "ground")
    first = simulated(tmp_path / "one", ground=shared)
    (folder,) = (tmp_path / "ground").iterdir()
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    noisy = simulated(tmp_path / "two", ground=shared, noise=2.0)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert not (noisy / "simulation" / "history").exists()
    # Where the ground lies is nothing that bytes depend on.
    assert product_bytes(first) == product_bytes(store)
    for name in ("gldas", "truth", "static", "stations"):
        xr.testing.assert_identical(*both(store, noisy, name))
    for name in ("amsr2", "mwri", "smos", "smap"):
        plain, scaled = both(store, noisy, name)
        assert scaled.attrs == {**plain.attrs, "simulation_noise": 2.0}
        assert not plain.equals(scaled), name
        known = plain.observation_time.notnull() & scaled.observation_time.notnull()
        times = (plain.observation_time.where(known), scaled.observation_time.where(known))
        np.testing.assert_array_equal(*times)
    # Whoever shares a ground may find it gone: it is integrated again, before any day.
    run = Run(load(tmp_path / "two" / "region.yaml"))
    assert not ingest.plan(run).todo
    shutil.rmtree(shared)
    assert [unit.name for unit in ingest.plan(run).todo] == ["simulation/ground"]


def test_direct_inputs_need_a_store_on_this_machine(tmp_path: Path) -> None:
    done = soilft("status", region_file(tmp_path, store="s3://bucket/prefix"), code=2)
    assert "expected a local path, where inputs are simulated" in done.stderr
