"""Bad input: a clear error, nothing lost, the other days go on, and the exit code says so."""

import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
import yaml

from tests.support.command import soilft
from tests.support.seaweed import S3Server
from tests.support.small_run import latest, product_bytes, region_file

DAY = "20151010"
GLDAS = f"GLDAS_NOAH025_3H.A{DAY}.1200.021.nc4"


@pytest.fixture
def damaged(small_archive: Path, tmp_path: Path) -> Path:
    """A copy of the archive to damage."""
    return Path(shutil.copytree(small_archive, tmp_path / "damaged"))


def edit(path: Path, change: Any) -> None:
    with h5py.File(path, "r+") as file:
        change(file)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_latitude(path: Path) -> None:
    def change(file: h5py.File) -> None:
        file["lat"][...] = file["lat"][...][::-1]

    edit(path, change)


def shift_grid(path: Path) -> None:
    def change(file: h5py.File) -> None:
        file["lon"][...] = file["lon"][...] + np.float32(0.1)

    edit(path, change)


def drop_variable(path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file["Tair_f_inst"]

    edit(path, change)


def other_units(path: Path) -> None:
    def change(file: h5py.File) -> None:
        file["Tair_f_inst"].attrs["units"] = "degC"

    edit(path, change)


# Each kind of damage to the granule of another day, and what its error must say.
DAMAGES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "20151002": (truncate, ("whole NetCDF4/HDF5 file", "truncated")),
    "20151004": (
        flip_latitude,
        ("latitude -59.875..89.875 (south first)", "found latitude 89.875..-59.875"),
    ),
    "20151006": (
        shift_grid,
        ("longitude -179.875..179.875", "found latitude", "longitude -179.775..179.975"),
    ),
    "20151008": (drop_variable, ("expected Tair_f_inst, found",)),
    "20151010": (other_units, ("units of Tair_f_inst", "expected 'K', found 'degC'")),
}


@pytest.mark.slow
def test_bad_granules_are_set_aside_and_the_other_days_go_on(
    damaged: Path, unbroken: Path, tmp_path: Path
) -> None:
    names = {day: f"GLDAS_NOAH025_3H.A{day}.1200.021.nc4" for day in DAMAGES}
    for day, (damage, _) in DAMAGES.items():
        damage(damaged / "gldas" / names[day])
    (damaged / "gldas" / "GLDAS_NOAH025_3H.2015-10-03.nc4").touch()
    passed_over = "gldas: 1 of 98 files not recognised, such as GLDAS_NOAH025_3H.2015-10-03.nc4:"
    config = region_file(tmp_path, damaged)
    done = soilft("ingest", config, "--quiet", code=3)
    assert "5 granules set aside" in done.stdout
    assert passed_over in done.stderr
    for day, (_, words) in DAMAGES.items():
        [line] = [line for line in done.stderr.splitlines() if names[day] in line]
        for word in words:
            assert word in line
    good = xr.open_zarr(unbroken / "inputs" / "gldas.zarr").load()
    found = xr.open_zarr(tmp_path / "store" / "inputs" / "gldas.zarr").load()
    bad_days = np.array([f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in DAMAGES], "datetime64[ns]")
    name = "SoilTMP0_10cm_inst_mean"
    assert found[name].sel(time=bad_days).isnull().all()
    assert (found.instant_count.sel(time=bad_days) == 7).all()
    others = good.time[~good.time.isin(bad_days)]
    assert len(others) == 7
    xr.testing.assert_equal(found[name].sel(time=others), good[name].sel(time=others))
    # Run again: they are still set aside, and still said.
    again = soilft("ingest", config, "--quiet", code=3)
    assert "nothing to do" in again.stdout
    # Where that is asked they are looked at once more, though their files are the same.
    planned = soilft("ingest", config, "--dry-run", "--retry-set-aside").stdout
    row = next(line for line in planned.splitlines() if "ingest" in line)
    assert {"14", "5"} <= set(row.replace("│", " ").replace("|", " ").split())
    retried = soilft("ingest", config, "--quiet", "--retry-set-aside", code=3)
    assert "ingest: 5 done, 14 up to date, 5 granules set aside" in retried.stdout
    assert passed_over.split(":", maxsplit=1)[0] in planned
    status = soilft("status", config).stdout
    assert passed_over in status
    for granule in names.values():
        assert granule in again.stderr
        assert granule in status


@pytest.mark.slow
def test_run_with_bad_granules_publishes_the_rest_and_a_mended_one_replaces_its_day(
    small_archive: Path, damaged: Path, unbroken: Path, tmp_path: Path
) -> None:
    names = [f"amsr2/GW1AM2_{DAY}_01D_EQMA_L3SGT36LA2220220.h5", f"gldas/{GLDAS}"]
    for name in names:
        truncate(damaged / name)
    config = region_file(tmp_path, damaged)
    done = soilft("run", config, "--quiet", code=3)
    for name in names:
        assert Path(name).name in done.stderr
    store = tmp_path / "store"
    scorecard = json.loads((store / "releases/v1.0/report/scorecard.json").read_text())
    assert len(scorecard["set_aside"]) == 2
    first = {k: v for k, v in product_bytes(store).items() if k.startswith("releases/v1.0/")}
    for name in names:
        shutil.copy(small_archive / name, damaged / name)
    done = soilft("run", config, "--quiet")
    assert "changes since v1.0: 0 days added" in done.stderr
    after = product_bytes(store)
    assert {k: v for k, v in after.items() if k.startswith("releases/v1.0/")} == first
    # The labels are the same, but not what they are learnt from: a new forest.
    assert latest(store)["version"] == "v2.0"
    expected = product_bytes(unbroken)
    for key, value in expected.items():
        assert after[key.replace("releases/v1.0/", "releases/v2.0/")] == value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sampling": {"max_row": 5}}, ("sampling.max_row", "unknown key")),
        ({"colour": "blue"}, ("colour", "unknown key")),
        (
            {"region": {"name": "x", "grid": "latlon-1", "bounds": [1, 2, 3, 4]}},
            ("line ", "region.grid", "ease2-north-25km", "latlon-1"),
        ),
        ({"period": {"start": "2015-10-05", "end": "2015-10-01"}}, ("period", "before start")),
        (
            {"label": {"input": "gldas", "overpasses": ["PM"], "reference_overpass": "PM"}},
            ("label.input", "smos", "gldas"),
        ),
        (
            {"features": {"groups": ["latitude"]}},
            ("features.groups", "brightness", "latitude"),
        ),
    ],
)
def test_wrong_key_is_named_with_what_was_expected(
    change: dict[str, Any], words: tuple[str, ...], tmp_path: Path
) -> None:
    config = region_file(tmp_path, tmp_path / "nowhere", **change)
    done = soilft("run", config, code=2)
    for word in words:
        assert word in done.stderr, done.stderr
    assert not (tmp_path / "store").exists()


def test_unknown_variable_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    config = region_file(tmp_path, tmp_path / "nowhere")
    value = yaml.safe_load(config.read_text())
    value["inputs"]["gldas"]["variables"] = ["SoilTMP_surface"]
    config.write_text(yaml.safe_dump(value))
    done = soilft("run", config, code=2)
    assert "GLDAS variable: expected some of" in done.stderr
    assert "SoilTMP0_10cm_inst" in done.stderr
    assert "found SoilTMP_surface" in done.stderr


def _set_granules(config: Path, pattern: str) -> None:
    value = yaml.safe_load(config.read_text())
    value["inputs"]["amsr2"]["granules"] = pattern
    config.write_text(yaml.safe_dump(value))


@pytest.mark.process
def test_empty_pattern_is_refused_before_anything_is_written(
    small_archive: Path, tmp_path: Path
) -> None:
    config = region_file(tmp_path, small_archive)
    _set_granules(config, f"{small_archive}/amsr3/*.h5")
    done = soilft("run", config, "--quiet", code=2)
    assert "amsr3/*.h5: expected files of the product amsr2-l3-25km, found no file" in done.stderr
    assert not (tmp_path / "store" / "inputs").exists()


@pytest.mark.process
def test_pattern_of_another_product_is_refused(small_archive: Path, tmp_path: Path) -> None:
    config = region_file(tmp_path, small_archive)
    _set_granules(config, f"{small_archive}/smos/*.nc")
    done = soilft("run", config, "--quiet", code=2)
    assert "found 12 files, none named like one" in done.stderr


def test_missing_environment_variable_is_named(tmp_path: Path) -> None:
    config = region_file(tmp_path, Path("${SOILFT_NOT_SET}"))
    done = soilft("run", config, code=2)
    assert "inputs.amsr2.granules: expected the environment variable SOILFT_NOT_SET" in done.stderr


@pytest.mark.s3
def test_store_without_permission_is_refused_before_any_work(
    s3: S3Server, small_archive: Path, tmp_path: Path
) -> None:
    config = region_file(tmp_path, small_archive, store=f"s3://{s3.bucket}/denied")
    wrong = {**s3.environment(), "AWS_SECRET_ACCESS_KEY": "wrong", "NO_PROXY": "127.0.0.1"}
    done = soilft("run", config, "--quiet", code=4, environment=wrong, process=True)
    assert "error[store-permission]" in done.stderr
    assert f"s3://{s3.bucket}/denied" in done.stderr
    assert "AWS_SECRET_ACCESS_KEY" in done.stderr


def test_store_below_a_file_is_refused(small_archive: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    config = region_file(tmp_path, small_archive, store=str(tmp_path / "file" / "store"))
    done = soilft("run", config, "--quiet", code=4)
    assert "error[store" in done.stderr
    assert (tmp_path / "file").read_text() == "not a folder"


@pytest.mark.slow
def test_store_of_another_region_is_left_alone(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    store = Path(shutil.copytree(unbroken, tmp_path / "store"))
    config = region_file(
        tmp_path,
        small_archive,
        region={"name": "other", "grid": "latlon-0.25", "bounds": [91, 32, 94, 35]},
    )
    before = product_bytes(store)
    done = soilft("run", config, "--quiet", code=4)
    assert "error[store-conflict]" in done.stderr
    assert product_bytes(store) == before
