"""FT-ESDR: codes, overpasses and place, from files written from the listing alone."""

from datetime import date
from pathlib import Path

import h5py
import numpy as np
import pytest

from soilft.errors import FormatMismatch, GridMismatch
from soilft.grid import PRESETS, Region
from soilft.schema import FROZEN, MISSING, THAWED
from soilft.sources import FtEsdr
from soilft.testing import check_reader
from tests.contract import listing
from tests.contract.ft_esdr import SHAPE, ft_esdr, lonlat, name

DAY = date(2016, 1, 15)
SOURCE = FtEsdr()
WINDOW = Region("window", "latlon-0.25", (90, 30, 94, 34)).grid


def north_frozen() -> np.ndarray:
    """Frozen north of 32 degrees, no state east of 93."""
    lon, lat = lonlat()
    codes = np.where(lat > 32, 0, 1)
    codes[lon > 93] = 252
    return codes


def wrong_files(folder: Path) -> dict[str, Path]:
    """One file of each thing that can be wrong."""
    made = {
        "combined": ft_esdr(folder / "combined", DAY, "AM", np.where(north_frozen(), 1, 2)),
        "flipped": ft_esdr(folder / "flipped", DAY, "AM"),
        "grid": ft_esdr(folder / "grid", DAY, "AM"),
        "container": ft_esdr(folder / "container", DAY, "AM"),
        "two": ft_esdr(folder / "two", DAY, "AM"),
    }
    with h5py.File(made["flipped"], "r+") as file:
        file["cell_lat"][:] = file["cell_lat"][()][::-1]
    with h5py.File(made["grid"], "r+") as file:
        del file["FT_state"]
        file["FT_state"] = np.ones((720, 1440), "uint8")
    with h5py.File(made["container"], "r+") as file:
        del file["FT_state"]
    with h5py.File(made["two"], "r+") as file:
        file["quality"] = np.zeros(SHAPE, "uint8")
    return made


def test_the_promises_of_a_reader_are_kept(tmp_path: Path) -> None:
    morning = ft_esdr(tmp_path, DAY, "AM", north_frozen())
    evening = ft_esdr(tmp_path, DAY, "PM", places=False)
    for path in (morning, evening):
        assert listing.differences(path, "ft_esdr") == []
    found = check_reader(
        SOURCE,
        [morning, evening],
        WINDOW,
        day=DAY,
        stored={"code": north_frozen()},
        wrong=wrong_files(tmp_path),
    )
    state, hours = found["freeze_thaw"], found["observation_time"]
    west = state[0][:, WINDOW.x < 92.7]
    np.testing.assert_array_equal(west[WINDOW.y > 32.2], FROZEN)
    np.testing.assert_array_equal(west[WINDOW.y < 31.8], THAWED)
    np.testing.assert_array_equal(state[0][:, WINDOW.x > 93.3], MISSING)
    np.testing.assert_array_equal(state[1], THAWED)
    assert np.isnan(hours[0][:, WINDOW.x > 93.3]).all()
    local = (hours + WINDOW.lonlat[0] / 15) % 24
    np.testing.assert_allclose(local[0][:, WINDOW.x < 92.7], 1.5, atol=1e-4)
    np.testing.assert_allclose(local[1], 13.5, atol=1e-4)


@pytest.mark.parametrize("code", [252, 253, 254, 255])
def test_what_is_no_state_is_missing(tmp_path: Path, code: int) -> None:
    path = ft_esdr(tmp_path, DAY, "PM", np.full(SHAPE, code))
    granule = SOURCE.granule(str(path))
    assert granule is not None
    with SOURCE.read(path) as dataset:
        found = SOURCE.place(dataset, granule, DAY, WINDOW)
    assert (found["freeze_thaw"] == MISSING).all()


def test_files_on_the_second_ease_grid_are_read_as_such(tmp_path: Path) -> None:
    path = ft_esdr(tmp_path, DAY, "AM", places=False)
    grid = PRESETS["ease2-global-25km"]
    lat = grid.lonlat[1]
    with h5py.File(path, "r+") as file:
        del file["FT_state"]
        file["other/name"] = np.where(lat > 32, 0, 1).astype("uint8")
    granule = SOURCE.granule(str(path))
    assert granule is not None
    target = Region("window", "ease2-global-25km", (90, 30, 94, 34)).grid
    with SOURCE.read(path) as dataset:
        found = SOURCE.place(dataset, granule, DAY, target)["freeze_thaw"]
    np.testing.assert_array_equal(found, np.where(target.lonlat[1] > 32, FROZEN, THAWED))


def test_a_refusal_says_what_is_wrong(tmp_path: Path) -> None:
    wrong = wrong_files(tmp_path)
    for what, kind, words in (
        ("combined", FormatMismatch, "Codes .* are of the combined files"),
        ("flipped", GridMismatch, "cell_lat: expected cells of EPSG:3410, row 0 north"),
        ("grid", GridMismatch, r"586 x 1383 or 584 x 1388 cells of 25 km, found FT_state \(720"),
        ("container", FormatMismatch, "one array of bytes"),
        ("two", FormatMismatch, "one array of codes"),
    ):
        with pytest.raises(kind, match=words):
            SOURCE.read(wrong[what])


@pytest.mark.parametrize("form", ["of cells", "of rows and columns"])
def test_a_flipped_file_is_refused_whatever_its_axes_are_called(tmp_path: Path, form: str) -> None:
    path = ft_esdr(tmp_path, DAY, "AM")
    with h5py.File(path, "r+") as file:
        lat, lon = file["cell_lat"][()], file["cell_lon"][()]
        del file["cell_lat"], file["cell_lon"]
        file["latitude"], file["longitude"] = (
            (lat, lon) if form == "of cells" else (lat[:, 0], lon[0])
        )
    with SOURCE.read(path) as dataset:
        assert dataset.code.shape == SHAPE
    with h5py.File(path, "r+") as file:
        file["latitude"][:] = file["latitude"][()][::-1]
    with pytest.raises(GridMismatch, match=r"latitude: expected cells of EPSG:3410, row 0 north"):
        SOURCE.read(path)


def test_names_tell_overpass_and_day() -> None:
    granule = SOURCE.granule("s3://ft/2016/" + name(DAY, "PM"))
    assert granule is not None
    assert (granule.days, granule.slot) == ((DAY,), "PM")
    for other in (
        name(DAY, "CO"),
        name(DAY, "AM", "SSMI"),
        name(DAY, "AM").replace("day015", "day367"),
        name(DAY, "AM").replace(".h5", ".tif"),
    ):
        assert SOURCE.granule(other) is None, other


def test_an_older_edition_is_read_and_gives_way_to_the_newest(tmp_path: Path) -> None:
    older = "AMSR_36V_PM_FT_2010_day360_v04.h5"
    granule = SOURCE.granule(older)
    assert granule is not None
    assert (granule.days, granule.slot) == ((date(2010, 12, 26),), "PM")
    path = ft_esdr(tmp_path, date(2010, 12, 26), "PM")
    with SOURCE.read(path.rename(path.with_name(older))) as dataset:
        assert (dataset.code == 1).all()
    names = [older.replace("v04", "v03"), older, name(date(2010, 12, 26), "PM", "AMSRE")]
    versions = [found.version for found in map(SOURCE.granule, names) if found]
    assert versions == ["03.AMSR", "04.AMSR", "AMSRE"]
    assert versions == sorted(versions)
