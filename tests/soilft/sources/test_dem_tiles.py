"""SRTM, GMTED2010 and GLO-90: tiles by their names, mosaics, voids and the sea."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from soilft.errors import ConfigError, FormatMismatch, GridMismatch, UnreadableGranule
from soilft.grid import Region
from soilft.sources import CopernicusGlo30, CopernicusGlo90, Gmted2010, SrtmHgt
from soilft.sources.dem_tiles import columns_at
from soilft.testing import check_reader
from tests.contract import listing
from tests.contract.dems import glo30, glo90, gmted, srtm

WINDOW = Region("window", "latlon-0.25", (90.5, 30.25, 91.5, 30.75)).grid


def plane(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """A plane: 400 m up a degree east, 300 m a degree north."""
    return 4000 + 400 * (lon - 90) + 300 * (lat - 30)


def hills(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    return 3000 + 800 * np.sin(lon * 40) * np.cos(lat * 30)


def expected(grid: Any) -> np.ndarray:
    lon, lat = grid.lonlat
    return plane(lon, lat)


def placed(source: Any, paths: list[Path], grid: Any = WINDOW) -> dict[str, np.ndarray]:
    tiles = [(source.granule(str(path)), source.read(path)) for path in paths]
    found: dict[str, np.ndarray] = source.place(tiles, grid)
    for _, dataset in tiles:
        dataset.close()
    return found


def pair(write: Any, folder: Path, height: Any = plane) -> list[Path]:
    """Two neighbours, west and east."""
    return [write(folder, lon, 30, height) for lon in (90, 91)]


@pytest.mark.parametrize(
    ("write", "source", "product"),
    [(srtm, SrtmHgt(), "dem_srtm"), (glo90, CopernicusGlo90(), "dem_glo90")],
    ids=["srtm", "glo90"],
)
def test_the_promises_of_a_reader_are_kept(
    tmp_path: Path, write: Any, source: Any, product: str
) -> None:
    paths = pair(write, tmp_path)
    if product == "dem_glo90":
        assert listing.geotiff_differences(paths[0], product) == []
    about = listing.load(product)
    wrong = {"moved": tmp_path / "moved" / paths[0].name.replace("90", "95", 1)}
    if product == "dem_glo90":
        wrong["moved"].parent.mkdir()
        wrong["moved"].write_bytes(paths[0].read_bytes())
        wrong["columns"] = write(tmp_path / "columns", 90, 30, plane, 800)
    else:
        wrong = {"posts": write(tmp_path / "posts", 90, 30, plane, 1200)}
        stored = np.fromfile(paths[0], about["dtype"])
        assert stored.size in {a * b for a, b in about["shapes"]}
    found = check_reader(source, paths, WINDOW, wrong=wrong)
    np.testing.assert_allclose(found["elevation"], expected(WINDOW), atol=1.0)
    # A tile's edge is no edge of the land: the slope is that of the plane everywhere.
    lat = WINDOW.lonlat[1]
    rise = np.hypot(400 / (111_320 * np.cos(np.radians(lat))), 300 / 110_900)
    np.testing.assert_allclose(found["slope"], np.degrees(np.arctan(rise)), rtol=0.03)
    assert found["elevation_std"].max() < 120


def test_gmted_keeps_the_promises_of_a_reader(tmp_path: Path) -> None:
    paths = [gmted(tmp_path, lon, 30, plane) for lon in (60, 90)]
    grid = Region("seam", "latlon-0.25", (89.5, 40, 90.5, 41)).grid
    assert listing.geotiff_differences(paths[0], "dem_gmted2010") == []
    finer = paths[0].with_name(paths[0].name.replace("mea300", "mea150"))
    finer.write_bytes(paths[0].read_bytes())
    moved = paths[0].with_name(paths[0].name.replace("30N060E", "10N060E"))
    moved.write_bytes(paths[0].read_bytes())
    wrong = {"cells": finer, "moved": moved}
    found = check_reader(Gmted2010(), paths, grid, wrong=wrong)
    np.testing.assert_allclose(found["elevation"], expected(grid), atol=1.0)
    assert np.isfinite(found["slope"]).all()


def test_names_choose_statistic_and_resolution_of_gmted() -> None:
    names = [f"30N090E_20101117_gmted_{s}.tif" for s in ("mea300", "med300", "mea075", "std300")]
    assert [Gmted2010().granule(n) is not None for n in names] == [True, False, False, False]
    assert Gmted2010("med", "075").granule("10S060W_20101117_gmted_med075.tif").slot == "-10,-60"
    for wrong in ({"statistic": "std"}, {"resolution": "030"}):
        with pytest.raises(ConfigError, match="GMTED2010"):
            Gmted2010(**wrong)


@pytest.mark.slow
def test_one_arc_second_and_either_hemisphere_of_srtm(tmp_path: Path) -> None:
    path = srtm(tmp_path, -71, -34, lambda lon, lat: 100 * (lon + 80) + 0 * lat, 3601)
    assert path.name == "S34W071.hgt"
    grid = Region("andes", "latlon-0.25", (-71, -34, -70, -33)).grid
    found = placed(SrtmHgt(), [path], grid)["elevation"]
    np.testing.assert_allclose(found, 100 * (grid.lonlat[0] + 80), atol=1)


def test_voids_of_srtm_are_missing(tmp_path: Path) -> None:
    def holed(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return np.where(lon < 90.75, plane(lon, lat), np.nan)

    found = placed(SrtmHgt(), pair(srtm, tmp_path, holed))["elevation"]
    np.testing.assert_allclose(found[:, 0], expected(WINDOW)[:, 0], atol=1)
    assert np.isnan(found[:, 1:]).all()


@pytest.mark.parametrize(
    ("write", "source"),
    [(srtm, SrtmHgt()), (glo90, CopernicusGlo90()), (gmted, Gmted2010())],
    ids=["srtm", "glo90", "gmted"],
)
def test_a_void_that_is_not_declared_is_no_land(tmp_path: Path, write: Any, source: Any) -> None:
    def holed(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return np.where(lon < 90.75, plane(lon, lat), -9999)

    path = write(tmp_path, 90, 30, holed)
    with pytest.raises(
        FormatMismatch, match=rf"{path.name}: expected elevations of -1500..9500 m, found -9999"
    ):
        placed(source, [path])


def test_bytes_in_the_other_order_are_no_land(tmp_path: Path) -> None:
    path = srtm(tmp_path, 90, 30, plane)
    np.fromfile(path, ">i2").astype("<i2").tofile(path)
    with pytest.raises(FormatMismatch, match=r"N30E090\.hgt: expected elevations of"):
        placed(SrtmHgt(), [path])


def test_tiles_of_two_resolutions_are_refused_by_name(tmp_path: Path) -> None:
    paths = [srtm(tmp_path, 90, 30, plane), srtm(tmp_path, 91, 30, plane, 3601)]
    with pytest.raises(
        GridMismatch, match=r"N30E091\.hgt beside N30E090\.hgt: expected cells that"
    ):
        placed(SrtmHgt(), paths)


@pytest.mark.parametrize(
    ("write", "source", "columns"),
    [(srtm, SrtmHgt(), ()), (glo90, CopernicusGlo90(), (600,))],
    ids=["srtm", "glo90"],
)
def test_tiles_on_both_sides_of_the_antimeridian_are_neighbours(
    tmp_path: Path, write: Any, source: Any, columns: tuple[int, ...]
) -> None:
    # A plane that runs on beyond 180 degrees.
    def ramp(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return 1000 + 400 * (lon % 360 - 180) + 0 * lat

    south = 60 if columns else 51
    paths = [write(tmp_path, lon, south, ramp, *columns) for lon in (179, -180)]
    for west in (179.5, -180):
        grid = Region("seam", "latlon-0.25", (west, south, west + 0.5, south + 1)).grid
        found = placed(source, paths, grid)
        lon, lat = grid.lonlat
        np.testing.assert_allclose(found["elevation"], ramp(lon, lat), atol=1)
        rise = 400 / (111_320 * np.cos(np.radians(lat)))
        np.testing.assert_allclose(found["slope"], np.degrees(np.arctan(rise)), rtol=0.03)


def test_a_hole_between_tiles_is_missing(tmp_path: Path) -> None:
    grid = Region("row", "latlon-0.25", (90, 30.25, 93, 30.75)).grid
    for write, source in ((srtm, SrtmHgt()), (glo90, CopernicusGlo90())):
        paths = [write(tmp_path / source.product, lon, 30, plane) for lon in (90, 92)]
        found = placed(source, paths, grid)["elevation"]
        gap = (grid.x > 91) & (grid.x < 92)
        assert np.isnan(found[:, gap]).all()
        np.testing.assert_allclose(found[:, ~gap], expected(grid)[:, ~gap], atol=1)


def test_rasters_of_another_crs_orientation_or_scale_are_refused(tmp_path: Path) -> None:
    path = glo90(tmp_path, 90, 30, plane)
    with rasterio.open(path) as file:
        profile, cells = file.profile, file.read(1)
    turned = Affine(1 / 1200, 0, 90, 0, 1 / 1200, 30)
    for what, changes, scale, words in (
        ("crs", {"crs": "EPSG:32645"}, 1, "in EPSG:32645. Was the file renamed, re-projected"),
        ("south", {"transform": turned}, 1, "expected a north-up raster"),
        ("scaled", {}, 0.1, "expected elevation stored as it is, found scale 0.1"),
    ):
        wrong = tmp_path / what / path.name
        wrong.parent.mkdir()
        with rasterio.open(wrong, "w", **{**profile, **changes}) as file:
            file.write(cells, 1)
            file.scales = (scale,)
        with pytest.raises((FormatMismatch, GridMismatch), match=words) as error:
            CopernicusGlo90().read(wrong)
        assert path.name in str(error.value)


def test_an_srtm_tile_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = srtm(tmp_path, 90, 30, plane)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(UnreadableGranule, match=r"N30E090\.hgt: expected 2884802 bytes \(1201 x"):
        SrtmHgt().read(path)


def test_a_tile_that_is_not_where_its_name_says_is_refused(tmp_path: Path) -> None:
    path = glo90(tmp_path, 90, 30, plane)
    moved = path.rename(path.with_name(path.name.replace("E090", "E091")))
    with pytest.raises(GridMismatch, match=r"expected 91\.\.92 degrees east, 30\.\.31 north"):
        CopernicusGlo90().read(moved)
    with pytest.raises(FormatMismatch, match="a name like Copernicus"):
        CopernicusGlo90().read(moved.rename(tmp_path / "dem.tif"))


@pytest.mark.parametrize("absent", ["missing", "sea"])
def test_an_absent_tile_is_missing_or_the_sea_as_declared(tmp_path: Path, absent: Any) -> None:
    source = CopernicusGlo90(absent)
    found = placed(source, [glo90(tmp_path, 90, 30, plane)])
    west, east = WINDOW.x < 91, WINDOW.x > 91
    # Half a column of the sea's tile, 45 m, lies in the cell beside it.
    np.testing.assert_allclose(found["elevation"][:, west], expected(WINDOW)[:, west], atol=10)
    for name in ("elevation", "elevation_std", "slope", "tpi"):
        values = found[name][:, east]
        if absent == "missing":
            assert np.isnan(values).all(), name
        elif name == "elevation":
            np.testing.assert_array_equal(values, 0)
        else:
            # The cells beside the coast see its cliff.
            np.testing.assert_allclose(values[:, 1:], 0, atol=1e-6, err_msg=name)


def test_tiles_of_two_widths_meet_at_50_degrees(tmp_path: Path) -> None:
    def low(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return plane(lon, lat - 20)

    paths = [glo90(tmp_path, 90, lat, low, columns_at(lat)) for lat in (49, 50)]
    aligned = Region("border", "latlon-0.25", (90.25, 49.5, 90.75, 50.5)).grid
    found = check_reader(CopernicusGlo90(), paths, aligned)
    np.testing.assert_allclose(found["elevation"], low(*aligned.lonlat), atol=1)
    # On another grid cells lie on both sides.
    across = Region("border", "ease2-north-25km", (90.4, 49.6, 90.6, 50.4)).grid
    found = placed(CopernicusGlo90(), paths, across)
    lon, lat = across.lonlat
    inside = (lon > 90.3) & (lon < 90.7) & (lat > 49.3) & (lat < 50.7)
    known = np.isfinite(found["elevation"])
    assert (known & inside).sum() >= 2
    np.testing.assert_allclose(
        found["elevation"][known & inside], low(*across.lonlat)[known & inside], atol=60
    )


@pytest.mark.slow
def test_tiles_of_one_arc_second_are_read_and_those_of_three_are_of_another_product(
    tmp_path: Path,
) -> None:
    fine = glo30(tmp_path, 90, 30, plane)
    assert fine.name == "Copernicus_DSM_COG_10_N30_00_E090_00_DEM.tif"
    source = CopernicusGlo30("sea")
    found = placed(source, [fine])
    west, east = WINDOW.x < 91, WINDOW.x > 91
    np.testing.assert_allclose(found["elevation"][:, west], expected(WINDOW)[:, west], atol=4)
    np.testing.assert_array_equal(found["elevation"][:, east], 0)
    coarse = glo90(tmp_path, 90, 30, plane)
    assert source.granule(str(coarse)) is None
    assert CopernicusGlo90().granule(str(fine)) is None
    with pytest.raises(GridMismatch, match="3600 rows and 3600 columns a degree, found 1200"):
        source.read(coarse.rename(fine))


def test_a_tile_of_one_arc_second_grows_coarser_with_its_latitude(tmp_path: Path) -> None:
    source = CopernicusGlo30()
    source.read(glo30(tmp_path, 90, 50, plane, 2400)).close()
    with pytest.raises(GridMismatch, match="3600 rows and 1800 columns a degree, found 3600"):
        source.read(glo30(tmp_path, 90, 60, plane, 2400))


def test_the_order_of_tiles_changes_nothing(tmp_path: Path) -> None:
    paths = pair(glo90, tmp_path, hills)
    first, second = (placed(CopernicusGlo90("sea"), ps) for ps in (paths, paths[::-1]))
    for name, values in first.items():
        assert values.tobytes() == second[name].tobytes(), name


def test_absent_is_missing_or_sea() -> None:
    with pytest.raises(ConfigError, match="expected missing or sea, found 'zero'"):
        CopernicusGlo90("zero")  # type: ignore[arg-type]
