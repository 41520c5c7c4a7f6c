"""Every input of the mission, from native files on either side of the hand-overs."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from soilft.schema import MISSING
from tests.support.command import soilft
from tests.support.every_input import DAYS, region_file, simulate
from tests.support.small_run import product_bytes

pytestmark = pytest.mark.slow

STORES = ("amsr2", "amsr-e", "amsr-e-nsidc", "mwri", "gldas", "smos", "smap", "stations", "static")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("every-input"))


@pytest.fixture(scope="module")
def store(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ingested")
    soilft("ingest", region_file(folder, archive), "--quiet", "--workers", 1)
    return folder / "store"


def opened(store: Path, name: str) -> xr.Dataset:
    return xr.open_zarr(store / "inputs" / f"{name}.zarr").load()


def days_with(values: xr.DataArray) -> list[str]:
    others = [dim for dim in values.dims if dim != "time"]
    return [str(day)[:10] for day in values.time.values[values.notnull().any(others).values]]


def test_every_input_is_ingested_on_the_days_its_sensor_worked(store: Path) -> None:
    early, late = ([str(day) for day in days] for days in (DAYS[:3], DAYS[3:]))
    expected = {
        "amsr-e": early[:2],
        "amsr-e-nsidc": early[:2],
        "amsr2": late,
        "smap": late,
        "mwri": early + late,
        "smos": early + late,
    }
    for name, days in expected.items():
        dataset = opened(store, name)
        assert dataset.sizes["time"] == 1280
        label = "freeze_thaw" if "freeze_thaw" in dataset else "tb"
        assert set(days_with(dataset[label])) <= set(days), name
        # A swath may miss so small a region for a day.
        assert len(days_with(dataset[label])) >= len(days) - 2, name
    for name in STORES:
        assert opened(store, name).attrs["simulated"] == "true", name
    gldas = opened(store, "gldas")
    assert days_with(gldas.SoilTMP0_10cm_inst_mean) == early + late
    assert days_with(gldas.SWdown_f_tavg_mean) == early + late
    static = opened(store, "static")
    assert {"elevation", "slope", "sand", "clay", "bulk_density"} <= set(static.data_vars)
    np.testing.assert_allclose((static.sand + static.silt + static.clay).mean(), 100, atol=2)
    stations = opened(store, "stations")
    assert stations.sizes["station"] >= 1
    assert days_with(stations.soil_temperature.where(stations.freeze_thaw != MISSING))


def test_the_two_products_of_amsr_e_agree(store: Path) -> None:
    jaxa, nsidc = (opened(store, name) for name in ("amsr-e", "amsr-e-nsidc"))
    np.testing.assert_array_equal(jaxa.channel, nsidc.channel)
    both = np.isfinite(jaxa.tb) & np.isfinite(nsidc.tb)
    assert both.sum() > 500
    # Counts of 0.01 K and of 0.1 K.
    assert float(np.abs(jaxa.tb - nsidc.tb).where(both).max()) < 0.06


def test_four_workers_give_the_same_bytes_as_one(
    archive: Path, store: Path, tmp_path: Path
) -> None:
    soilft("ingest", region_file(tmp_path, archive), "--quiet", "--workers", 4)
    found = product_bytes(tmp_path / "store")
    assert found == product_bytes(store)
    for name in STORES:
        assert any(key.startswith(f"inputs/{name}.zarr/") for key in found), name


def test_the_same_archive_twice_writes_nothing_the_second_time(archive: Path, store: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()}
    done = soilft("ingest", region_file(store.parent, archive), "--quiet")
    assert "ingest: nothing to do" in done.stdout
    after = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()}
    assert after == before


def test_availability_tells_days_and_sources_as_table_plot_and_json(
    archive: Path, store: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    plot = tmp_path / "days.png"
    config = region_file(store.parent, archive)
    shown = soilft("availability", config, "--plot", plot).stdout
    assert plot.read_bytes().startswith(b"\x89PNG")
    rows = {
        cells[1]: cells[2:5]
        for line in shown.splitlines()
        if line.count("│") > 4
        for cells in [[cell.strip() for cell in line.split("│")]]
    }
    assert set(rows) == {*STORES} - {"static"}
    assert rows["gldas"] == ["6", "1280", "1.00"]
    table = json.loads((store / "inputs" / "availability.json").read_text())
    assert table["first"] == str(DAYS[0])
    assert len(table["sources"]["mwri"]["coverage"]) == 1280
    assert table["sources"]["gldas"]["coverage"][:4] == [1.0, 1.0, 1.0, 0.0]
    assert table["sources"]["amsr-e"]["granules"][:4] == [10, 10, 0, 0]


def test_a_bad_granule_of_each_source_is_set_aside_and_the_rest_goes_on(
    archive: Path, store: Path, tmp_path: Path
) -> None:
    damaged = Path(shutil.copytree(archive, tmp_path / "damaged"))
    broken = {
        name: next(path for path in sorted((damaged / folder).glob(pattern)))
        for name, folder, pattern in (
            ("amsr2", "amsr2", "*T36L*.h5"),
            ("amsr-e", "amsre", "*T36L*.h5"),
            ("amsr-e-nsidc", "nsidc0302", "*.36V*"),
            ("mwri", "mwri", "*.HDF"),
            ("gldas", "gldas", "*.0900.*.nc4"),
            ("smos", "smos", "*.nc"),
            ("smap", "smap", "*.h5"),
        )
    }
    for path in broken.values():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    config = region_file(tmp_path, damaged)
    done = soilft("ingest", config, "--quiet", code=3)
    assert f"{len(broken)} granules set aside" in done.stdout
    status = soilft("status", config).stdout
    for path in broken.values():
        assert path.name in done.stderr
        assert path.name in status
    for name in broken:
        whole, rest = opened(store, name), opened(tmp_path / "store", name)
        variable = next(v for v in ("tb", "freeze_thaw", "SWE_inst_mean") if v in whole)
        differs = ~((whole[variable] == rest[variable]) | (whole[variable].isnull()))
        others = [dim for dim in differs.dims if dim != "time"]
        # Only the day of the broken granule has lost something, and nothing was made up.
        assert differs.any(others).sum() <= 1, name
        assert not (rest[variable].notnull() & whole[variable].isnull()).any(), name


def test_a_granule_that_leads_outside_of_itself_is_set_aside(archive: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(archive, tmp_path / "damaged"))
    [*_, path] = sorted((damaged / "smap").glob("*.h5"))
    with h5py.File(path, "r+") as file:
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/values")
    done = soilft("ingest", region_file(tmp_path, damaged), "--quiet", code=3)
    assert f"{path.name}: expected all data in the file itself" in done.stderr
