"""A region across 180 degrees gets of every product what its two halves get, side by side."""

from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from soilft.errors import GridMismatch
from soilft.grid import PRESETS, Grid, Region
from soilft.ingest.truth import TruthSource
from soilft.simulate import Archive, write_day, write_static
from soilft.sources import (
    Amsr2L3,
    AmsrEL3,
    AmsrENsidc,
    CopernicusGlo90,
    Dem,
    GldasNoah3h,
    MwriL1,
    SmapL3Ft,
    SmosL3Ft,
    SoilGrids,
    files,
    native_grid,
)
from soilft.sources.stations import cells
from tests.contract.dems import glo90

BOUNDS = (179.0, 63.0, -179.0, 64.5)
PRESET = "latlon-0.25"
ACROSS = Region("across", PRESET, BOUNDS).grid
HALVES = [
    Region("half", PRESET, (west, 63.0, east, 64.5)).grid
    for west, east in ((179.0, 180.0), (-180.0, -179.0))
]
# AMSR-E and MWRI work on the first day, AMSR2 and SMAP on the second.
FIRST, SECOND = date(2011, 9, 1), date(2015, 10, 1)
DAILY: dict[str, tuple[Any, date, str]] = {
    "amsr-e": (AmsrEL3(), FIRST, "amsre"),
    "amsr-e-nsidc": (AmsrENsidc(), FIRST, "nsidc0302"),
    "mwri": (MwriL1(), FIRST, "mwri"),
    "smos": (SmosL3Ft(), FIRST, "smos"),
    "amsr2": (Amsr2L3(), SECOND, "amsr2"),
    "smap": (SmapL3Ft("global"), SECOND, "smap"),
    "smap-polar": (SmapL3Ft("polar"), SECOND, "smap"),
    "gldas": (GldasNoah3h(), SECOND, "gldas"),
    "truth": (TruthSource("smos", ("AM", "PM"), 3), SECOND, "truth"),
}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[date, Path]:
    roots = {}
    for day in (FIRST, SECOND):
        root = tmp_path_factory.mktemp("archive")
        archive = Archive(root, Region("across", PRESET, BOUNDS).unwound, day, day, seed=3)
        write_day(archive, day, nsidc=True)
        if day == SECOND:
            write_static(archive)
        roots[day] = root
    return roots


def granules(source: Any, folder: Path) -> list[Any]:
    found = [source.granule(str(path)) for path in sorted(folder.rglob("*")) if path.is_file()]
    return [granule for granule in found if granule is not None]


def of_day(source: Any, folder: Path, day: date, grid: Grid) -> dict[str, np.ndarray]:
    parts = []
    for granule in granules(source, folder):
        if day in granule.days:
            with files.open_granule(source, granule) as dataset:
                parts.append((granule, source.place(dataset, granule, day, grid)))
    found: dict[str, np.ndarray] = source.combine(parts, day, grid)
    return found


def static(source: Any, folder: Path, grid: Grid) -> dict[str, np.ndarray]:
    with ExitStack() as stack:
        tiles = [
            (granule, stack.enter_context(files.open_granule(source, granule)))
            for granule in granules(source, folder)
        ]
        found: dict[str, np.ndarray] = source.place(tiles, grid)
    return found


def require_halves(
    whole: dict[str, np.ndarray], halves: list[dict[str, np.ndarray]], **tolerance: float
) -> None:
    for name, values in whole.items():
        if np.ndim(values) < 2:
            continue
        sides = np.concatenate([half[name] for half in halves], axis=-1)
        assert values.shape[-2:] == ACROSS.shape
        if np.issubdtype(values.dtype, np.floating):
            for side in np.split(values, 2, axis=-1):
                assert np.isfinite(side).any(), name
        np.testing.assert_allclose(values, sides, err_msg=name, **tolerance)


@pytest.mark.parametrize("name", DAILY)
def test_a_day_across_180_degrees_is_that_of_both_halves(
    archives: dict[date, Path], name: str
) -> None:
    source, day, folder = DAILY[name]
    whole = of_day(source, archives[day] / folder, day, ACROSS)
    halves = [of_day(source, archives[day] / folder, day, half) for half in HALVES]
    require_halves(whole, halves, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(
    ("source", "folder"), [(Dem(), "dem"), (SoilGrids(), "soilgrids")], ids=["dem", "soilgrids"]
)
def test_ground_across_180_degrees_is_that_of_both_halves(
    archives: dict[date, Path], source: Any, folder: str
) -> None:
    place = archives[SECOND] / folder
    halves = [static(source, place, half) for half in HALVES]
    require_halves(static(source, place, ACROSS), halves, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("first", [-180.0, 0.0], ids=["from 180 west", "from Greenwich"])
def test_a_world_s_elevations_go_on_across_180_degrees(tmp_path: Path, first: float) -> None:
    lon = first + 0.125 * (np.arange(2880) + 0.5)
    lat = np.arange(62.0625, 66, 0.125)
    height = (1000 + 100 * ((lon + 360) % 360 - 180) + 0 * lat[:, None]).astype("float32")
    field = {"z": (("lat", "lon"), height, {"units": "m"})}
    xr.Dataset(field, {"lat": lat, "lon": lon}).to_netcdf(tmp_path / "world.nc")
    found = static(Dem(), tmp_path, ACROSS)["elevation"]
    np.testing.assert_allclose(found[1:-1], (1000 + 100 * (ACROSS.x - 180)) + 0 * found[1:-1])


def test_tiles_on_both_sides_of_180_degrees_are_neighbours_and_the_sea_lies_between_others(
    tmp_path: Path,
) -> None:
    def height(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return np.asarray(1000 + 100 * ((lon + 360) % 360 - 180) + 0 * lat)

    for lon in (179, -180):
        glo90(tmp_path, lon, 63, height, 600)
    found = static(CopernicusGlo90("sea"), tmp_path, ACROSS)["elevation"]
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[3], 1000 + 100 * (ACROSS.x - 180), atol=2)
    assert (found[:1] == 0).all()  # the degree to the north has no tile


def test_stations_on_both_sides_of_180_degrees_stand_in_their_cells() -> None:
    rows, columns = cells(ACROSS, [179.1, 180.0, -180.0, -179.9, 180.1, -179.1], [63.1] * 6)
    assert columns.tolist() == [0, 4, 4, 4, 4, 7]
    assert (rows == rows[0]).all()


def test_a_cut_that_runs_on_past_180_degrees_is_one() -> None:
    whole = PRESETS[PRESET]
    path = Path("cut.nc")
    cut = native_grid.aligned_window(path, ACROSS.y, ACROSS.x, whole, south_first=False)
    assert cut == ACROSS
    longer = 180.125 + 0.25 * np.arange(1441)
    with pytest.raises(GridMismatch, match=r"longitude 180\.125\.\.540\.125"):
        native_grid.aligned_window(path, ACROSS.y, longer, whole, south_first=False)
