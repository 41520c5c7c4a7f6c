"""Each file has the structure of its product, says that it is simulated, and never varies."""

import hashlib
import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio

from soilft.simulate import Archive, write_day, write_static
from tests.contract import listing

PRODUCTS = {"amsr2": "amsr2_l3", "gldas": "gldas_noah025_3h", "smos": "smos_l3ft_v3"}


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


def test_the_terrain_is_as_listed_and_reaches_one_degree_beyond_the_bounds(tibet: Archive) -> None:
    (path,) = (tibet.root / "dem").iterdir()
    assert listing.geotiff_differences(path) == []
    with rasterio.open(path) as file:
        assert tuple(file.bounds) == pytest.approx((88, 32, 95, 38))
        assert file.res == pytest.approx((0.05, 0.05))
        assert 3000 < file.read(1).mean() < 5500


def test_a_day_has_ten_amsr2_files_eight_stamps_and_one_label_file(tibet: Archive) -> None:
    names = {
        folder: [path.name for path in sorted((tibet.root / folder).iterdir())]
        for folder in ("amsr2", "gldas", "smos", "truth")
    }
    assert sum("_20151029_" in name for name in names["amsr2"]) == 10
    stamps = [name.split(".A")[1][:13] for name in names["gldas"]]
    assert [s for s in stamps if s < "20151011.0300"] == [
        "20151010.0000",
        *(f"20151010.{hour:02d}00" for hour in range(3, 24, 3)),
        "20151011.0000",
    ]
    assert len(names["smos"]) == len(names["truth"]) == 3


def test_every_file_says_that_it_is_simulated(tibet: Archive) -> None:
    paths = [path for path in tibet.root.rglob("*") if path.is_file()]
    assert len(paths) == 1 + 3 * 20 + 1
    for path in paths:
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


def test_another_order_and_process_give_the_same_bytes(tibet: Archive, tmp_path: Path) -> None:
    code = """
import json, sys
from datetime import date
from pathlib import Path
from soilft.simulate import Archive, write_day, write_static
root, bounds, start, end, seed, days = json.loads(sys.argv[1])
archive = Archive(Path(root), tuple(bounds), *map(date.fromisoformat, (start, end)), seed)
for day in days:
    write_day(archive, date.fromisoformat(day))
write_static(archive)
"""
    days = ["2015-10-30", "2015-10-10", "2015-10-29", "2015-10-30"]
    arguments = [str(tmp_path), tibet.bounds, str(tibet.start), str(tibet.end), tibet.seed, days]
    subprocess.run(
        [sys.executable, "-c", code, json.dumps(arguments)],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
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
