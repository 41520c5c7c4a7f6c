"""The whole way on a small simulated archive, through the installed command."""

import json
import shutil
from pathlib import Path

import numpy as np
import pystac
import pytest
import xarray as xr
from pystac.extensions.datacube import DatacubeExtension

from pipelines.stages import order as stages
from tests.contract import stac_schemas
from tests.support.command import soilft
from tests.support.rights import limited, policy
from tests.support.seaweed import S3Server
from tests.support.small_run import product_bytes, region_file

pytestmark = pytest.mark.slow


def test_published_cube_opens_in_plain_xarray_with_missing_days_missing(unbroken: Path) -> None:
    cube = xr.open_zarr(unbroken / "releases/v1.0/cube.zarr", decode_coords="all").load()
    assert cube.freeze_thaw_state.dims == ("time", "y", "x")
    assert cube.sizes["time"] == 12
    assert cube.freeze_thaw_state.shape == (12, 12, 16)
    values = cube.freeze_thaw_state.values
    assert set(np.unique(values[np.isfinite(values)])) == {0.0, 1.0}
    probability = cube.frozen_probability.values
    assert np.nanmin(probability) >= 0
    assert np.nanmax(probability) <= 1
    assert (np.isfinite(values) == np.isfinite(probability)).all()
    assert (values[probability > 0.51] == 1).all()
    assert (values[probability < 0.49] == 0).all()
    assert cube.freeze_thaw_state.attrs["flag_meanings"] == "thawed frozen"
    morning, evening = (cube.overpass_state.sel(overpass=code).values for code in (0, 1))
    both = np.where(morning == evening, morning, np.where(morning == 1, 2, 3))
    both = np.where(np.isfinite(morning) & np.isfinite(evening), both, np.nan)
    np.testing.assert_array_equal(cube.composite_state, both)
    assert cube.attrs["simulated"] == "true"
    assert cube.attrs["title"].startswith("SIMULATED")
    assert "crs" in cube.coords
    raw = xr.open_zarr(unbroken / "releases/v1.0/cube.zarr", mask_and_scale=False).load()
    assert set(np.unique(raw.freeze_thaw_state)) <= {0, 1, 255}
    assert raw.time.encoding["dtype"] == np.int32


def test_a_run_leaves_a_valid_catalogue_that_says_what_the_cube_says(unbroken: Path) -> None:
    root = json.loads((unbroken / "latest.json").read_text())
    stac_schemas.validate(root)
    catalogue = pystac.Catalog.from_file(str(unbroken / "latest.json"))
    (release,) = catalogue.get_children()
    assert isinstance(release, pystac.Collection)
    stac_schemas.validate(json.loads(Path(release.get_self_href() or "").read_text()))
    cube = xr.open_zarr(str(release.assets["cube"].get_absolute_href()))
    assert catalogue.title == cube.attrs["title"]
    assert release.title == f"{cube.attrs['title']}, v1.0"
    assert release.description == cube.attrs["summary"]
    for text in (catalogue.title, catalogue.description, release.title, release.description):
        assert str(text).startswith("SIMULATED")
    variables = DatacubeExtension.ext(release).variables or {}
    assert {name for name, one in variables.items() if one.var_type == "data"} == {
        str(name) for name in cube.data_vars if str(name) not in ("crs", "time_bnds")
    }
    for asset in release.assets.values():
        assert Path(str(asset.get_absolute_href())).exists()
    assert {"cube", "model-card", "report", "scorecard", "release"} <= set(release.assets)


def test_snow_and_relief_are_flagged_where_the_inputs_have_them(unbroken: Path) -> None:
    quality = xr.open_zarr(
        unbroken / "releases/v1.0/cube.zarr", mask_and_scale=False
    ).quality_flag.load()
    assert quality.dtype == np.uint16
    snow = xr.open_zarr(unbroken / "inputs/gldas.zarr").SWE_inst_mean.load()
    relief = xr.open_zarr(unbroken / "inputs/static.zarr").elevation_std.load()
    np.testing.assert_array_equal((quality & 128) > 0, snow >= 10)
    steep = np.broadcast_to(relief >= 300, quality.shape)
    np.testing.assert_array_equal((quality & 512) > 0, steep)
    assert 0 < ((quality & 128) > 0).mean() < 1
    assert not (quality & 256).any()  # the region names no lakes


def test_second_run_does_nothing_and_says_so(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    store = Path(shutil.copytree(unbroken, tmp_path / "store"))
    before = {p: p.stat().st_mtime_ns for p in store.rglob("*") if p.is_file()}
    done = soilft("run", region_file(tmp_path, small_archive), "--quiet")
    for stage in stages.NAMES:
        assert f"{stage}: nothing to do" in done.stdout
    assert {p: p.stat().st_mtime_ns for p in store.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("workers", [1, 4])
def test_number_of_workers_does_not_change_the_bytes(
    workers: int, small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    config = region_file(tmp_path, small_archive)
    soilft("run", config, "--workers", workers, "--quiet")
    assert product_bytes(tmp_path / "store") == product_bytes(unbroken)
    found, expected = (
        (store / "releases/v1.0/collection.json").read_bytes()
        for store in (tmp_path / "store", unbroken)
    )
    assert found == expected


def test_chunking_does_not_change_what_is_published(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    config = region_file(
        tmp_path,
        small_archive,
        chunks={"ingest_days": 5, "predict_days": 12},
        forest={"n_estimators": 12, "min_samples_leaf": 5, "group_size": 5},
    )
    soilft("run", config, "--quiet")
    for part in ("releases/v1.0/cube.zarr", "inputs/amsr2.zarr", "inputs/gldas.zarr"):
        found = xr.open_zarr(tmp_path / "store" / part).load()
        xr.testing.assert_identical(found, xr.open_zarr(unbroken / part).load())
    released = [
        {k: v for k, v in product_bytes(store).items() if k.startswith("releases/")}
        for store in (tmp_path / "store", unbroken)
    ]
    assert released[0] == released[1]


def test_dry_run_says_what_would_be_done_and_writes_nothing(
    small_archive: Path, tmp_path: Path
) -> None:
    done = soilft("run", region_file(tmp_path, small_archive), "--dry-run")
    assert not (tmp_path / "store").exists()
    rows = {
        cells[1]: cells[2:4]
        for cells in (line.replace("│", "|").split("|") for line in done.stdout.splitlines())
        if len(cells) > 4
        for cells in [[cell.strip() for cell in cells]]
    }
    # 12 days in chunks of 2: six units for each of three sources with days, one for the terrain.
    assert rows["ingest"] == ["0", "19"]
    assert rows["predict"] == ["0", "6"]
    assert "MiB" in done.stdout


@pytest.fixture
def canaries(s3: S3Server, s3_store: str, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, ...]:
    """Give secrets of the environment, by which the store is reached and others."""
    monkeypatch.setenv("SOILFT_CANARY", "canary-of-the-environment")
    keys = (s3.secret_key, s3.access_key, s3.guest_secret_key, s3.guest_access_key)
    return *(key.encode() for key in keys), b"canary-of-the-environment"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Give what is sent to workers from now on, as it is pickled."""
    from distributed import Client
    from distributed.protocol.pickle import dumps

    found: list[bytes] = []
    submit = Client.submit

    def recorded(self: Client, *task: object, **settings: object) -> object:
        found.append(dumps((task, settings)))
        return submit(self, *task, **settings)

    monkeypatch.setattr(Client, "submit", recorded)
    return found


def test_stages_one_by_one_end_in_the_same_bytes_on_s3_and_no_secret_leaves(
    s3: S3Server,
    s3_store: str,
    canaries: tuple[bytes, ...],
    sent: list[bytes],
    small_archive: Path,
    unbroken: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Each stage has no more rights than the policies that ship give to whom it is for."""
    import fsspec

    config = region_file(tmp_path, small_archive, store=s3_store)
    told = [config.read_bytes()]
    for stage in stages.NAMES:
        with limited(s3, s3_store, policy("publisher" if stage == "publish" else "worker")):
            done = soilft(stage, config)
        told.append((done.stdout + done.stderr).encode())
    with limited(s3, s3_store, policy("reader")):
        soilft("verify", "v1.0", config)
    told += [text.encode() for text in capfd.readouterr()]  # what workers wrote
    assert len(sent) > 30
    assert f'xr.open_zarr("{s3_store}/releases/v1.0/cube.zarr"' in done.stdout
    fs = fsspec.filesystem("s3", use_listings_cache=False)
    root = s3_store.removeprefix("s3://") + "/"
    expected = product_bytes(unbroken)
    for key in expected:
        local = (unbroken / key).read_bytes()
        assert fs.cat_file(root + key) == local, key
    found = {name.removeprefix(root) for name in fs.find(root)}
    assert {k for k in found if "cube.zarr/" in k or k.startswith("inputs/")} == set(expected)
    # Nor did a secret go with the data, to a worker, or to whoever looks on.
    stored = [fs.cat_file(name) for name in fs.find(root)]
    for content in (*stored, *sent, *told):
        assert not [secret for secret in canaries if secret in content], content[:200]


def test_joined_scheduler_gives_the_same_bytes(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    from tests.support.dask_processes import scheduler_with_workers

    with scheduler_with_workers(tmp_path, 2, "2GiB") as address:
        config = region_file(tmp_path, small_archive)
        soilft("run", config, "--scheduler", address, "--quiet")
    assert product_bytes(tmp_path / "store") == product_bytes(unbroken)
