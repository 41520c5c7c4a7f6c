"""Archives spread over several disks by symbolic links: all is read, and what is lost is named."""

import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from soilft.errors import NoGranules, UnreadableGranule
from soilft.grid import Region
from soilft.ingest.archive import discover
from soilft.ingest.granules import ChunkOfDays, ingest_days, template_for
from soilft.ingest.ground import StaticFields, ingest_static, static_template
from soilft.ingest.stations import discover_archive
from soilft.sources import CopernicusGlo90, GldasNoah3h
from soilft.sources.files import SIMULATED_MARK, local_copy
from soilft.store import zarr as store
from tests.contract.dems import glo90
from tests.soilft.ingest.test_granules import DAYS, GRID, Numbers
from tests.support import ismn

NAME = "number_20150101_A_v10.json"


def gldas(folder: Path, day: str, version: str = "021") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"GLDAS_NOAH025_3H.A{day}.0300.{version}.nc4"
    path.touch()
    return path


@pytest.mark.parametrize("pattern", ["*.nc4", "*/*.nc4", "**/*.nc4"])
def test_linked_granules_and_folders_of_them_are_found(tmp_path: Path, pattern: str) -> None:
    root, disk = tmp_path / "archive", tmp_path / "disk"
    here = root if pattern == "*.nc4" else root / "2015"
    gldas(here, "20150101")
    there = gldas(disk, "20160101")
    if here == root:
        (root / there.name).symlink_to(there)
    else:
        (root / "2016").symlink_to(disk)
    found = discover(GldasNoah3h(), [f"{root}/{pattern}"])
    days = [day for f in found for day in f.granule.days]
    assert sorted(set(days)) == [date(2015, 1, 1), date(2016, 1, 1)]


def test_a_newer_version_behind_a_link_wins_and_a_change_of_its_file_changes_the_stamp(
    tmp_path: Path,
) -> None:
    old = gldas(tmp_path / "archive", "20150101")
    new = gldas(tmp_path / "disk", "20150101", "022")
    (old.parent / new.name).symlink_to(new)
    (before,) = discover(GldasNoah3h(), [f"{old.parent}/*"])
    assert (before.granule.name, before.older[0].granule.name) == (new.name, old.name)
    new.write_bytes(b"12")
    os.utime(new, (0, 0))
    (after,) = discover(GldasNoah3h(), [f"{old.parent}/*"])
    assert after.size == 2
    assert after.stamp != before.stamp


def ingested(folder: Path, url: str) -> tuple[list[float], object]:
    found = tuple(discover(Numbers(), [f"{folder}/*"]))
    store.create(url, template_for(Numbers(), GRID, DAYS, len(DAYS)))
    made = ingest_days(ChunkOfDays(url, Numbers(), GRID, DAYS, DAYS, found))
    return store.open_cube(url).number.values[:, 0, 0].tolist(), made


@pytest.mark.parametrize("target", ["/nowhere/granule.json", NAME])
def test_a_granule_whose_link_leads_nowhere_is_set_aside_by_name(
    tmp_path: Path, target: str
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / NAME.replace("01_A", "03_A")).write_text("4.0")
    (tmp_path / "in" / NAME).symlink_to(target)
    values, made = ingested(tmp_path / "in", str(tmp_path / "out.zarr"))
    np.testing.assert_array_equal(values, [np.nan, np.nan, 4.0, np.nan])
    (aside,) = made.set_aside
    assert aside.granule == NAME
    assert f"a link to {target}, where nothing is" in aside.reason


@pytest.mark.parametrize("pattern", ["*/*.nc4", "**/*.nc4", "*"])
def test_a_folder_whose_link_leads_nowhere_is_refused_by_name(tmp_path: Path, pattern: str) -> None:
    for folder in (tmp_path, tmp_path / "2015"):
        gldas(folder, "20150101")
    (tmp_path / "2016").symlink_to("/nowhere/2016")
    with pytest.raises(
        NoGranules, match=r"link .*/2016: expected .* nothing at /nowhere/2016\. Mo"
    ):
        discover(GldasNoah3h(), [f"{tmp_path}/{pattern}"])


def test_a_mark_beside_the_file_of_a_link_counts(tmp_path: Path) -> None:
    for folder in ("in", "disk"):
        (tmp_path / folder).mkdir()
    (tmp_path / "disk" / NAME).write_text("1.0")
    (tmp_path / "disk" / SIMULATED_MARK).touch()
    (tmp_path / "in" / NAME).symlink_to(tmp_path / "disk" / NAME)

    class Unsaid(Numbers):
        def read(self, path: Path) -> object:
            return super().read(path).drop_attrs()

    (found,) = discover(Unsaid(), [f"{tmp_path}/in/*"])
    url = str(tmp_path / "out.zarr")
    store.create(url, template_for(Unsaid(), GRID, DAYS, len(DAYS)))
    assert ingest_days(ChunkOfDays(url, Unsaid(), GRID, DAYS, DAYS, (found,))).facts["simulated"]


def test_what_is_no_file_is_refused_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(UnreadableGranule, match="such as a pipe"), local_copy(str(tmp_path / NAME)):
        pass


def height(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    return np.full(np.broadcast_shapes(lon.shape, lat.shape), 4000.0)


def test_a_tile_behind_a_link_is_no_sea_and_one_that_is_lost_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dem").mkdir()
    (tmp_path / "disk").mkdir()
    glo90(tmp_path / "dem", 90, 30, height)
    far = glo90(tmp_path / "disk", 91, 30, height)
    link = tmp_path / "dem" / far.name
    link.symlink_to(far)
    grid = Region("r", "latlon-0.25", (90, 30, 92, 31)).grid
    source, url = CopernicusGlo90("sea"), str(tmp_path / "static.zarr")
    store.create(url, static_template([source], grid))

    def run() -> None:
        found = tuple(discover(source, [f"{tmp_path}/dem/*.tif"]))
        ingest_static(StaticFields(url, source, grid, found))

    run()
    np.testing.assert_allclose(store.open_cube(url).elevation.values, 4000)
    far.unlink()
    with pytest.raises(UnreadableGranule, match=f"{far.name}.*a link to"):
        run()


def test_folders_of_a_station_archive_behind_links_are_read(tmp_path: Path) -> None:
    pytest.importorskip("ismn")
    path = ismn.folder(tmp_path, ismn.sensor(), ismn.sensor("NAQU", "A", lat=32.6))
    whole = discover_archive(ismn.SOURCE, [str(path)])
    expected = ismn.only(path).stations
    assert len(expected) == 2
    (path / "NAQU").rename(tmp_path / "disk")
    (path / "NAQU").symlink_to(tmp_path / "disk")
    (path / "NAQU" / "loop").symlink_to(path)
    (tmp_path / "link").symlink_to(path)
    for name in (path.name, "l?nk"):
        found = discover_archive(ismn.SOURCE, [f"{tmp_path}/{name}"])
        assert found.size == whole.size
        assert ismn.only(Path(found.granule.url)).stations == expected
    (path / "CTP2").symlink_to("/nowhere/CTP2")
    with pytest.raises(NoGranules, match=r"link .*/CTP2"):
        discover_archive(ismn.SOURCE, [str(path)])


def test_a_sensor_file_whose_link_leads_nowhere_is_set_aside_by_name(tmp_path: Path) -> None:
    pytest.importorskip("ismn")
    path = ismn.folder(tmp_path, ismn.sensor(), ismn.sensor("NAQU", "A", lat=32.6))
    (lost,) = (path / "NAQU").rglob("*.stm")
    lost.unlink()
    lost.symlink_to("/nowhere/x.stm")
    assert discover_archive(ismn.SOURCE, [str(path)]).granule.url == str(path)
    found = ismn.only(path)
    assert [station.id for station in found.stations] == ["CTP/N1"]
    (aside,) = found.set_aside
    assert lost.name in aside.granule
