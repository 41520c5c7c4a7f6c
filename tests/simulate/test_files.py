"""Each file has the structure of its product, says that it is simulated, and never varies."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from datetime import date, datetime, time, timedelta
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.warp import transform as transform_points
from rasterio.warp import transform_bounds

from soilft.simulate import (
    Archive,
    native_mwri,
    radiometer,
    stations,
    write_day,
    write_static,
)
from soilft.simulate.archive import PATTERNS
from soilft.simulate.overpass import utc_hour
from soilft.simulate.parameters import number
from soilft.simulate.world import World
from tests.contract import listing

pytestmark = pytest.mark.slow

PRODUCTS = {
    "amsr2": "amsr2_l3",
    "gldas": "gldas_noah025_3h",
    "mwri": "fy3b_mwri_l1",
    "smap": "smap_l3_ft_p",
    "smos": "smos_l3ft_v3",
}
EARLY_PRODUCTS = {"amsre": "amsre_l3", "mwri": "fy3b_mwri_l1"}


def digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("region", ["tibet", "alaska"])
@pytest.mark.parametrize("folder", PRODUCTS)
def test_every_file_is_as_listed(region: str, folder: str, request: pytest.FixtureRequest) -> None:
    archive: Archive = request.getfixturevalue(region)
    paths = sorted((archive.root / folder).iterdir())
    assert paths
    wrong = {path.name: listing.differences(path, PRODUCTS[folder]) for path in paths}
    assert not {name: lines for name, lines in wrong.items() if lines}


@pytest.mark.parametrize("folder", EARLY_PRODUCTS)
def test_every_file_of_the_time_of_amsre_is_as_listed(folder: str, early: Archive) -> None:
    paths = sorted((early.root / folder).iterdir())
    assert paths
    wrong = {path.name: listing.differences(path, EARLY_PRODUCTS[folder]) for path in paths}
    assert not {name: lines for name, lines in wrong.items() if lines}


@pytest.mark.parametrize("layout", [native_mwri.FY3C, native_mwri.FY3D])
def test_granules_of_later_satellites_are_as_listed(
    layout: native_mwri.Layout, tibet: Archive, tmp_path: Path
) -> None:
    archive = Archive(tmp_path, tibet.bounds, tibet.start, tibet.end, tibet.seed)
    product = f"{layout.satellite.replace('-', '').lower()}_mwri_l1"
    paths = native_mwri.write(archive, tibet.start, layout=layout)
    assert paths
    assert [line for path in paths for line in listing.differences(path, product)] == []


def test_flat_files_are_as_listed_packed_or_plain(early: Archive) -> None:
    paths = [path for path in (early.root / "nsidc0302").iterdir() if path.suffix != ".txt"]
    assert len(paths) == 2 * (12 + 1) + 3
    assert {path.suffix == ".gz" for path in paths} == {True, False}
    assert [line for path in paths for line in listing.flat_differences(path, "nsidc0302")] == []


def test_products_without_days_lie_where_the_archive_says(tibet: Archive) -> None:
    found = {product: sorted(tibet.root.glob(pattern)) for product, pattern in PATTERNS.items()}
    assert {path.parent for path in found["dem"]} == {tibet.root / "dem"}
    assert len(found["soilgrids-2.0"]) == 10
    assert found["ismn"] == [tibet.root / "ismn"]


def test_the_soil_is_as_listed_and_covers_the_bounds(tibet: Archive) -> None:
    paths = sorted((tibet.root / "soilgrids").iterdir())
    assert len(paths) == 10
    for path in paths:
        assert listing.geotiff_differences(path, "soilgrids2") == []
    factor = listing.load("soilgrids2")["d_factor"]
    parts = []
    for name in ("sand", "silt", "clay"):
        with rasterio.open(tibet.root / "soilgrids" / f"{name}_0-5cm_mean.tif") as file:
            west, south, east, north = transform_bounds(file.crs, "EPSG:4326", *file.bounds)
            parts.append(file.read(1, masked=True)[::8, ::8] / factor[name])
            rows, cols = np.mgrid[0 : file.height : 8, 0 : file.width : 8]
            xs, ys = file.transform @ (cols.ravel() + 0.5, rows.ravel() + 0.5)
            lon, lat = np.array(transform_points(file.crs, "EPSG:4326", xs, ys))
    assert west < 88
    assert east > 95
    assert south < 32
    assert north > 38
    # percent, and a few lakes besides
    assert np.abs(sum(parts) - 100).max() < 0.2
    inside = (lon > 89) & (lon < 94) & (lat > 33) & (lat < 37)
    assert 0 < parts[0].mask.ravel()[inside].mean() < 0.1


def test_stations_are_as_listed_and_read_by_the_package_of_the_network(
    tibet: Archive, tmp_path: Path
) -> None:
    from ismn.interface import ISMN_Interface

    root = tibet.root / "ismn"
    forms = {"SIMULATED": "header_values", "SIMULATEDCEOP": "ceop"}
    for network, form in forms.items():
        paths = sorted((root / network).rglob("*.stm"))
        assert paths
        for path in paths:
            assert listing.text_differences(path, "ismn", form) == []
    tables = sorted(root.rglob("*.csv"))
    assert len(tables) == len(list(root.rglob("*.stm")))
    for path in tables:
        assert listing.text_differences(path, "ismn", "static_variables") == []
    assert b"\n" not in next((root / "SIMULATEDCEOP").rglob("*.stm")).read_bytes()
    with warnings.catch_warnings():
        # of the package's own use of pandas
        warnings.simplefilter("ignore")
        interface = ISMN_Interface(root, meta_path=tmp_path, parallel=False)
        assert set(interface.collection.networks) == {"SIMULATED", "SIMULATEDCEOP"}
        for station in stations.stations(tibet.domain):
            ids = [
                number
                for network in forms
                for number in interface.get_dataset_ids("soil_temperature")
                if interface.read_metadata(number)["station"].val == station.name
            ][:1]
            series = interface.read(ids[0])
            values = series["soil_temperature"]
            hours = (series.index - pd.Timestamp(tibet.start)) / pd.Timedelta("1h")
            true = stations.soil_temperature(World.of(tibet.domain), station, hours.to_numpy())
            good = series["soil_temperature_flag"] == "G"
            assert len(series) == 3 * 24
            assert good.mean() > 0.9
            assert np.abs(values - true)[good].max() < 0.006
            assert (values[~good] == -9999).all()


def test_granules_begin_on_their_day_and_show_the_truth_of_their_cells(
    tibet: Archive, alaska: Archive
) -> None:
    # pixels at the edge of the swath lie hours of longitude from the track, more so in the north
    for archive, width in ((tibet, 0.75), (alaska, 1.6)):
        domain = archive.domain
        for path in sorted((archive.root / "mwri").iterdir()):
            with h5py.File(path) as file:
                lat, lon = file["Latitude"][:], file["Longitude"][:]
                raw = file["EARTH_OBSERVE_BT_10_to_89GHz"][6]
                scan = file["Scan_Time_and_Period"][:]
                begin = datetime.fromisoformat(
                    f"{file.attrs['Observing Beginning Date'].decode()} "
                    f"{file.attrs['Observing Beginning Time'].decode()}"
                )
            assert begin.strftime("%Y%m%d_%H%M") in path.name
            assert begin.date() in {date(2015, 10, 10), date(2015, 10, 29), date(2015, 10, 30)}
            times = scan[:, 0] - (begin - native_mwri.NOON).total_seconds()
            np.testing.assert_allclose(times, 1.7 * np.arange(len(times)), atol=0.002)
            node = "ascending" if "MWRIA" in path.name else "descending"
            kept = lat != 65535
            assert np.array_equal(kept, lon != 65535)
            up = np.diff(lat[kept.all(axis=1), 127])
            assert ((up > 0) == (node == "ascending")).all()
            row, col, inside = domain.cell(lat, lon)
            inside &= kept
            assert np.array_equal(raw != -999, inside)
            hours = (begin - datetime.combine(domain.start, time())).total_seconds() / 3600
            local = (hours + domain.lon[col][inside].mean() / 15) % 24
            assert local == pytest.approx(number(f"mwri.{node}"), abs=width)
            when = domain.start + timedelta(
                days=round((hours - utc_hour(number(f"mwri.{node}"), domain.lon.mean())) / 24)
            )
            field = radiometer.observe(World.of(domain), "mwri", node, when).tb["36", "V"]
            truth = field[row, col][inside]
            assert np.abs(raw[inside] * 0.01 + 327.68 - truth).max() < 0.0051


def test_the_terrain_is_as_listed_and_reaches_one_degree_beyond_the_bounds(tibet: Archive) -> None:
    (path,) = (tibet.root / "dem").iterdir()
    assert listing.geotiff_differences(path) == []
    with rasterio.open(path) as file:
        assert tuple(file.bounds) == pytest.approx((88, 32, 95, 38))
        assert file.res == pytest.approx((0.05, 0.05))
        assert 3000 < file.read(1).mean() < 5500


def test_a_day_has_the_files_of_the_instruments_that_worked(tibet: Archive, early: Archive) -> None:
    names = {
        folder: [path.name for path in sorted((tibet.root / folder).iterdir())]
        for folder in ("amsr2", "gldas", "smap", "smos", "truth")
    }
    assert not (tibet.root / "amsre").exists()
    assert not (tibet.root / "nsidc0302").exists()
    assert not (early.root / "amsr2").exists()
    assert not (early.root / "smap").exists()
    assert len(list((early.root / "amsre").iterdir())) == 2 * 12
    assert sum("_20151029_" in name for name in names["amsr2"]) == 12
    stamps = [name.split(".A")[1][:13] for name in names["gldas"]]
    assert [s for s in stamps if s < "20151011.0300"] == [
        "20151010.0000",
        *(f"20151010.{hour:02d}00" for hour in range(3, 24, 3)),
        "20151011.0000",
    ]
    assert len(names["smap"]) == len(names["smos"]) == len(names["truth"]) == 3


def test_every_file_says_that_it_is_simulated(tibet: Archive, early: Archive) -> None:
    for archive in (tibet, early):
        for path in sorted(archive.root.rglob("*.*")):
            if not path.is_file():
                continue
            if path.parent.name == "nsidc0302" or "ismn" in path.parts:
                folder = archive.root / path.relative_to(archive.root).parts[0]
                mark = (folder / "SIMULATED.txt").read_text()
                assert "simulated=true\nsimulation_seed=5\n" in mark
                continue
            if path.suffix == ".tif":
                with rasterio.open(path) as image:
                    tags = {key.lower(): value for key, value in image.tags().items()}
            else:
                with h5py.File(path) as file:
                    tags = {
                        key: value.decode() if isinstance(value, bytes) else str(value)
                        for key, value in file.attrs.items()
                    }
            assert tags["simulated"] == "true", path.name
            assert tags["simulation_seed"] == "5", path.name
            assert "SIMULATED" in tags["title"], path.name


def test_a_day_of_labels_is_a_small_file(tibet: Archive) -> None:
    assert max(path.stat().st_size for path in (tibet.root / "smap").iterdir()) < 300_000


@pytest.mark.process
def test_another_order_and_process_and_a_stored_history_give_the_same_bytes(
    tibet: Archive, tmp_path: Path
) -> None:
    code = """
import json, sys
from datetime import date
from pathlib import Path
from soilft.simulate import Archive, prepare, write_day, write_static, write_stations
root, bounds, start, end, seed, days = json.loads(sys.argv[1])
archive = Archive(Path(root), tuple(bounds), *map(date.fromisoformat, (start, end)), seed)
prepare(archive)
for day in days:
    write_day(archive, date.fromisoformat(day))
write_static(archive)
write_stations(archive, [date.fromisoformat(day) for day in days])
"""
    days = ["2015-10-30", "2015-10-10", "2015-10-29", "2015-10-30"]
    arguments = [str(tmp_path), tibet.bounds, str(tibet.start), str(tibet.end), tibet.seed, days]
    subprocess.run(
        [sys.executable, "-c", code, json.dumps(arguments)],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    shutil.rmtree(tmp_path / "history")
    assert digests(tmp_path) == digests(tibet.root)


def test_writing_again_gives_the_same_bytes(tibet: Archive) -> None:
    before = digests(tibet.root)
    write_static(tibet)
    write_day(tibet, date(2015, 10, 29))
    assert digests(tibet.root) == before


def test_another_seed_gives_other_fields(tibet: Archive, tmp_path: Path) -> None:
    write_static(Archive(tmp_path, tibet.bounds, tibet.start, tibet.end, seed=6))
    name = "dem/simulated_dem.tif"
    with rasterio.open(tibet.root / name) as one, rasterio.open(tmp_path / name) as other:
        assert np.abs(one.read(1) - other.read(1)).mean() > 50


def test_a_day_outside_the_archive_is_refused(tibet: Archive) -> None:
    with pytest.raises(ValueError, match="2015-11-19 is not in the archive"):
        write_day(tibet, tibet.end + timedelta(days=1))


@pytest.mark.samples
def test_the_smap_listing_is_that_of_the_real_granules(samples: Path) -> None:
    granules = sorted((samples / "smap_ft").glob("*.nc4"))
    assert len(granules) == 2
    for path in granules:
        assert listing.differences(path, PRODUCTS["smap"], shapes=False, subset=True) == []
        with h5py.File(path) as file:
            flag = "Freeze_Thaw_Retrieval_Data_Global/surface_flag"
            if flag in file:
                # the bits that are always set
                assert (file[flag][:] & 0xF000 == 0xF000).all()


@pytest.mark.samples
def test_the_gldas_listing_is_that_of_the_real_granules(samples: Path) -> None:
    folder = samples / "gldas"
    (full,) = (folder / "cropped").glob("*.nc4")
    assert listing.differences(full, PRODUCTS["gldas"], shapes=False) == []
    with h5py.File(full) as file:
        assert set(file) == set(listing.load(PRODUCTS["gldas"])["datasets"])
    two = {"time", "time_bnds", "lat", "lon", "bnds", "SoilMoi0_10cm_inst", "SoilMoi10_40cm_inst"}
    granules = sorted(folder.glob("*.nc4"))
    assert len(granules) == 7
    for path in granules:
        assert listing.differences(path, PRODUCTS["gldas"], only=two) == []
