"""HWSD 2.0, GSDE and the soil of China: units, layers and missing soil."""

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import rasterio
from affine import Affine

from soilft.errors import FormatMismatch, GridMismatch, MissingVariable, UnreadableGranule
from soilft.grid import Region
from soilft.sources import ChinaSoil, Gsde, Hwsd2
from soilft.testing import check_reader, check_refusals
from tests.contract import listing
from tests.contract.soils import LAYERED, UNITS, hwsd, layered, table

WINDOW = Region("window", "latlon-0.25", (90, 31, 95, 34)).grid
SOURCES = {"gsde": Gsde(), "china_soil": ChinaSoil()}


def placed(source: Any, *paths: Path, grid: Any = WINDOW) -> dict[str, np.ndarray]:
    tiles = [(source.granule(str(path)), source.read(path)) for path in paths]
    try:
        found: dict[str, np.ndarray] = source.place(tiles, grid)
    finally:
        for _, dataset in tiles:
            dataset.close()
    return found


def test_hwsd_keeps_the_promises_of_a_reader(tmp_path: Path) -> None:
    unit_map, layers = hwsd(tmp_path)
    assert listing.text_differences(layers, "hwsd2", "table") == []
    wrong = {}
    for what, changes in (("scaled", {"dtype": "float32"}), ("moved", {"crs": "EPSG:32645"})):
        wrong[what] = tmp_path / what / unit_map.name
        wrong[what].parent.mkdir()
        with rasterio.open(unit_map) as file:
            profile, cells = file.profile, file.read(1)
        with rasterio.open(wrong[what], "w", **{**profile, **changes}) as file:
            file.write(cells.astype(changes.get("dtype", "uint16")), 1)
    found = check_reader(Hwsd2(), [unit_map, layers], WINDOW, wrong=wrong)
    west, east = WINDOW.x < 92.4, WINDOW.x > 92.6
    # 70 % and 30 % of two soils, carbon in g/kg.
    for name, mean, other in (
        ("sand", 0.7 * 60 + 0.3 * 20, 80),
        ("clay", 0.7 * 10 + 0.3 * 40, 5),
        ("bulk_density", 0.7 * 1.4 + 0.3 * 1.2, 1.5),
        ("organic_carbon", 10 * (0.7 * 1.0 + 0.3 * 3.0), 5.0),
    ):
        np.testing.assert_allclose(found[name][:, west], mean, rtol=1e-5, err_msg=name)
        np.testing.assert_allclose(found[name][:, east], other, rtol=1e-5, err_msg=name)
    check_refusals(Hwsd2(), layers, {})


def test_units_without_soil_are_missing(tmp_path: Path) -> None:
    cells = np.full((840, 840), 9000)
    cells[:, 500:] = 4711
    cells[:, 620:] = 0
    found = placed(Hwsd2(), *hwsd(tmp_path, cells))
    x = WINDOW.x
    soil = (x > 89 + 505 / 120) & (x < 89 + 615 / 120)
    assert np.isfinite(found["sand"][:, soil]).all()
    assert np.isnan(found["sand"][:, (x < 93) | (x > 94.4)]).all()


def test_the_flat_map_is_read_as_delivered_without_its_header(tmp_path: Path) -> None:
    path = tmp_path / "HWSD2.bil"
    cells = np.memmap(path, "<u2", "w+", shape=(21600, 43200))
    row, column = (90 - 34) * 120, (180 + 90) * 120
    cells[row : row + 360, column : column + 300] = 7
    cells[row : row + 360, column + 300 : column + 600] = 4711
    cells.flush()
    del cells
    found = placed(Hwsd2(), path, table(tmp_path))["sand"]
    np.testing.assert_allclose(found[:, WINDOW.x < 92.4], 48, rtol=1e-5)
    np.testing.assert_allclose(found[:, WINDOW.x > 92.6], 80, rtol=1e-5)
    with path.open("r+b") as file:
        file.truncate(10**6)
    with pytest.raises(UnreadableGranule, match=r"expected 1866240000 bytes \(21600 x 43200 cells"):
        Hwsd2().read(path)


def rewritten(path: Path, folder: Path, cells: Any = None, **changes: Any) -> Path:
    """The same map with other cells or another profile."""
    folder.mkdir(parents=True)
    with rasterio.open(path) as file:
        profile = {**file.profile, **changes}
        cells = file.read(1) if cells is None else cells
    with rasterio.open(folder / path.name, "w", **profile) as file:
        file.write(cells.astype(profile["dtype"]), 1)
    return folder / path.name


def test_a_clipped_map_of_wider_integers_or_of_china_s_datum_gives_the_same(tmp_path: Path) -> None:
    unit_map, layers = hwsd(tmp_path)
    expected = placed(Hwsd2(), unit_map, layers)["sand"]
    for what, changes in (("wide", {"dtype": "int32"}), ("cgcs", {"crs": "EPSG:4490"})):
        other = rewritten(unit_map, tmp_path / what, **changes)
        np.testing.assert_array_equal(placed(Hwsd2(), other, layers)["sand"], expected)


def test_numbers_that_are_of_no_unit_are_refused_not_taken_for_others(tmp_path: Path) -> None:
    unit_map, layers = hwsd(tmp_path)
    # 65543 and -65529 would be unit 7 in 16 bits.
    for what, number in (("beyond", 65536 + 7), ("below", 7 - 65536)):
        cells = np.full((840, 840), number)
        other = rewritten(unit_map, tmp_path / what, cells, dtype="int32")
        with pytest.raises(FormatMismatch, match=r"HWSD2\.tif: expected numbers of units, 0\.\."):
            placed(Hwsd2(), other, layers)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crs": "EPSG:4267"}, "on WGS 84, 120 cells a degree, found 120 x 120 in NAD27"),
        ({"transform": Affine(1 / 120, 0, 89, 0, 1 / 120, 30)}, "a north-up raster"),
        ({"transform": Affine(1 / 60, 0, 89, 0, -1 / 60, 37)}, "found 60 x 60 in WGS 84"),
    ],
)
def test_a_map_of_another_datum_orientation_or_size_is_refused(
    tmp_path: Path, changes: Any, words: str
) -> None:
    other = rewritten(hwsd(tmp_path)[0], tmp_path / "other", **changes)
    with pytest.raises(GridMismatch, match=words) as error:
        Hwsd2().read(other)
    assert "HWSD2.tif" in str(error.value)


def test_a_table_of_other_units_is_refused(tmp_path: Path) -> None:
    unit_map, _ = hwsd(tmp_path)
    other = table(tmp_path / "other", {8: UNITS[7], 4711: UNITS[4711]})
    found = placed(Hwsd2(), unit_map, other, grid=Region("e", "latlon-0.25", (93, 31, 95, 34)).grid)
    assert np.isfinite(found["sand"]).all()
    west = Region("w", "latlon-0.25", (90, 31, 92, 34)).grid
    with pytest.raises(
        FormatMismatch, match=r"HWSD2_LAYERS\.csv: expected the units of HWSD2\.tif"
    ):
        placed(Hwsd2(), unit_map, other, grid=west)


@pytest.mark.parametrize(
    ("old", "new", "kind", "words"),
    [
        ("ORG_CARBON", "CARBON", MissingVariable, "expected ORG_CARBON"),
        (",D1,", ",T,", FormatMismatch, "layer D1, found 0 rows"),
        ("60,30,10", "x,30,10", FormatMismatch, "numbers"),
        ("\n15,4711,1,", "\n15,7,1,", FormatMismatch, "1 of them twice"),
    ],
)
def test_a_table_of_another_form_is_refused(
    tmp_path: Path, old: str, new: str, kind: Any, words: str
) -> None:
    path = table(tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(kind, match=words):
        Hwsd2().read(path)


def test_map_and_table_belong_together(tmp_path: Path) -> None:
    unit_map, layers = hwsd(tmp_path)
    for paths in ([unit_map], [layers], [unit_map, layers, unit_map]):
        with pytest.raises(MissingVariable, match=r"one map .* and one table"):
            placed(Hwsd2(), *paths)


@pytest.mark.parametrize("product", LAYERED)
def test_layered_soil_keeps_the_promises_of_a_reader(tmp_path: Path, product: str) -> None:
    source = SOURCES[product]
    paths = layered(tmp_path, product)
    for path in paths:
        assert listing.differences(path, product) == []
    found = check_reader(source, paths, WINDOW, wrong=wrong_files(tmp_path, product))
    # 4.5, 4.6 and 0.9 cm of layers that lose 5 % of sand each.
    down = 5 * (0 * 4.5 + 1 * 4.6 + 2 * 0.9) / 10
    for name, mean in (
        ("sand", 50 - down),
        ("silt", 30),
        ("clay", 20 + down),
        ("bulk_density", 1.4),
        ("organic_carbon", 12.0),
    ):
        np.testing.assert_allclose(found[name], mean, rtol=1e-3, err_msg=name)


def wrong_files(folder: Path, product: str) -> dict[str, Path]:
    """One file of each thing that can be wrong."""
    variable = next(iter(LAYERED[product][1]))

    def wrong(what: str) -> Path:
        return layered(folder / what, product, only=variable)[0]

    kinds = ("units", "depths", "spacing", "renamed", "flat", "hole", "turned")
    made = {what: wrong(what) for what in kinds}
    with h5py.File(made["hole"], "r+") as file:
        file["lat"][7] = np.nan
    with h5py.File(made["turned"], "r+") as file:
        replaced(file, variable, file[variable][()].swapaxes(1, 2), ("depth", "lon", "lat"))
    with h5py.File(made["units"], "r+") as file:
        file[variable].attrs["units"] = np.bytes_("kg/m3")
    with h5py.File(made["depths"], "r+") as file:
        file["depth"][:] = file["depth"][()] + 20
    with h5py.File(made["spacing"], "r+") as file:
        file["lon"][:] = 89 + np.arange(840) / 240
    with h5py.File(made["renamed"], "r+") as file:
        file.move(variable, "other")
    with h5py.File(made["flat"], "r+") as file:
        values = file[variable][0]
        del file[variable]
        file[variable] = values
    return made


def replaced(file: h5py.File, name: str, values: Any, dims: tuple[str, ...]) -> None:
    """Put other values on other axes in a variable's place, with its attributes."""
    kept = {key: value for key, value in file[name].attrs.items() if key != "DIMENSION_LIST"}
    del file[name]
    file[name] = values
    file[name].attrs.update(kept)
    for axis, dim in enumerate(dims):
        file[name].dims[axis].attach_scale(file[dim])


@pytest.mark.parametrize("product", LAYERED)
def test_longitude_before_latitude_is_refused_even_where_both_rise(
    tmp_path: Path, product: str
) -> None:
    variable = next(iter(LAYERED[product][1]))
    [path] = layered(tmp_path, product, south_first=True, only=variable)
    with h5py.File(path, "r+") as file:
        replaced(file, variable, file[variable][()].swapaxes(1, 2), ("depth", "lon", "lat"))
    with pytest.raises(
        FormatMismatch, match=r"\(depth, lat, lon\) .* found depth \d, lon 840, lat"
    ):
        SOURCES[product].read(path)


@pytest.mark.parametrize("product", LAYERED)
def test_fractions_are_not_taken_for_hundredths(tmp_path: Path, product: str) -> None:
    carbon = list(LAYERED[product][1])[-1]
    paths = layered(tmp_path, product)
    [path] = [path for path in paths if path.name.startswith(carbon)]
    with h5py.File(path, "r+") as file:
        stored = file[carbon][()].astype("float32")
        plain = np.where(stored > 0, stored / 100, stored)
        file[carbon].attrs.pop("_FillValue", None)
        replaced(file, carbon, plain, ("depth", "lat", "lon"))
    with pytest.raises(FormatMismatch, match=rf"{path.name}: expected whole numbers of hundredths"):
        placed(SOURCES[product], *paths)
    with h5py.File(path, "r+") as file:
        file[carbon].attrs["scale_factor"] = np.float32(1)
    found = placed(SOURCES[product], *paths)["organic_carbon"]
    np.testing.assert_allclose(found, 12.0, rtol=1e-3)


@pytest.mark.parametrize("product", LAYERED)
def test_either_orientation_gives_the_same(tmp_path: Path, product: str) -> None:
    north = placed(SOURCES[product], *layered(tmp_path / "n", product))
    south = placed(SOURCES[product], *layered(tmp_path / "s", product, south_first=True))
    for name, values in north.items():
        np.testing.assert_array_equal(values, south[name], name)


@pytest.mark.parametrize("product", LAYERED)
def test_where_there_is_no_soil_it_is_missing(tmp_path: Path, product: str) -> None:
    west = Region("west", "latlon-0.25", (89, 31, 91, 33)).grid
    found = placed(SOURCES[product], *layered(tmp_path, product), grid=west)
    for name, values in found.items():
        assert np.isnan(values[:, west.x < 90]).all(), name
        assert np.isfinite(values[:, west.x > 90]).all(), name


def test_a_scale_of_the_file_counts_in_place_of_ours(tmp_path: Path) -> None:
    paths = layered(tmp_path, "gsde")
    [bulk] = [path for path in paths if path.name == "BD1.nc"]
    with h5py.File(bulk, "r+") as file:
        file["BD"].attrs["scale_factor"] = np.float32(0.01)
    np.testing.assert_allclose(placed(Gsde(), *paths)["bulk_density"], 1.4, rtol=1e-5)


def test_values_of_other_units_are_refused(tmp_path: Path) -> None:
    paths = layered(tmp_path, "gsde")
    [sand] = [path for path in paths if path.name == "SAND1.nc"]
    with h5py.File(sand, "r+") as file:
        file["SAND"][:] = np.where(file["SAND"][()] > 0, 5, -100)
    with pytest.raises(FormatMismatch, match=r"SAND1\.nc, SILT1\.nc, CLAY1\.nc: expected sand \+"):
        placed(Gsde(), *paths)


def test_a_property_that_is_absent_is_named(tmp_path: Path) -> None:
    paths = layered(tmp_path, "gsde")
    with pytest.raises(MissingVariable, match=r"gsde \(4 files\): expected OC1\.nc"):
        placed(Gsde(), *paths[:-1])
    assert Gsde().granule("SAND2.nc") is None
    assert ChinaSoil().granule("SAND1.nc") is None


def test_maps_of_two_lattices_are_refused(tmp_path: Path) -> None:
    paths = layered(tmp_path, "gsde")
    with h5py.File(paths[0], "r+") as file:
        file["lon"][:] = file["lon"][()] + 0.5 / 120
    with pytest.raises(GridMismatch, match="expected cells that continue"):
        placed(Gsde(), *paths)
    shutil.rmtree(tmp_path)
