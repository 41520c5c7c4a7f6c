"""SoilGrids: other cells, types, units and lattices, and damaged layers, are refused by name."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from soilft.errors import FormatMismatch, GridMismatch, MissingVariable, UnreadableGranule
from soilft.grid import Grid, Region
from soilft.sources import soilgrids
from soilft.sources.soilgrids import SLOTS
from tests.support.soilgrids import (
    ONE_CELL,
    SOURCE,
    archive,
    lattice,
    one,
    placed,
    ragged,
    refusal,
    shifted,
    uniform,
    write,
)


def test_a_file_without_crs_is_taken_as_the_products(tmp_path: Path) -> None:
    with SOURCE.read(one(tmp_path, crs=None)) as dataset:
        assert dataset.attrs["grid"] == Grid(soilgrids.HOMOLOSINE, 8e6, 4e6, 250, 250, (60, 80))
        assert dataset.sand.attrs["units"] == "%"
        assert float(dataset.sand[3, 4]) == 50.0


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32645", "+proj=igh_o +datum=WGS84"])
def test_another_crs_is_refused(tmp_path: Path, crs: str) -> None:
    refusal(one(tmp_path, crs=crs), GridMismatch, "Interrupted Goode Homolosine")


def test_other_cells_are_refused(tmp_path: Path) -> None:
    path = one(tmp_path, transform=Affine(1000, 0, 8e6, 0, -1000, 4e6))
    refusal(path, GridMismatch, "cells of 250 m")


def test_a_flipped_file_is_refused(tmp_path: Path) -> None:
    path = one(tmp_path, transform=Affine(250, 0, 8e6, 0, 250, 4e6))
    refusal(path, GridMismatch, "north-up")


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int32"])
def test_another_type_is_refused(tmp_path: Path, dtype: str) -> None:
    path = one(tmp_path, value=100, dtype=dtype, nodata=None)
    refusal(path, FormatMismatch, f"expected int16, found {dtype}")


def test_another_nodata_is_refused(tmp_path: Path) -> None:
    refusal(one(tmp_path, nodata=0), FormatMismatch, "expected -32768, found 0")


@pytest.mark.parametrize(("scale", "offset"), [(0.01, 0.0), (1.0, 5.0)])
def test_a_scale_that_contradicts_is_refused(tmp_path: Path, scale: float, offset: float) -> None:
    refusal(one(tmp_path, scale=scale, offset=offset), FormatMismatch, "scale and offset")


def test_a_scale_that_agrees_is_accepted(tmp_path: Path) -> None:
    with SOURCE.read(one(tmp_path, scale=0.1)) as dataset:
        assert float(dataset.sand[0, 0]) == 50.0


def test_units_that_contradict_are_refused_and_others_accepted(tmp_path: Path) -> None:
    refusal(one(tmp_path, units="%"), FormatMismatch, "expected 'g/kg', found '%'")
    with SOURCE.read(one(tmp_path, SLOTS[6], units="cg/cm³")) as dataset:
        assert float(dataset.bulk_density[0, 0]) == 5.0


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 900, (60, 80)).astype("int16")
    path = write(tmp_path / f"{SLOTS[0]}.tif", values, Affine(250, 0, 8e6, 0, -250, 4e6))
    path.write_bytes(path.read_bytes()[:-500])
    refusal(path, UnreadableGranule, "a whole GeoTIFF")


def test_damage_within_a_file_is_refused_when_it_is_read(tmp_path: Path) -> None:
    transform, shape = lattice((88.2, 32.4, 88.6, 32.8))
    paths = archive(tmp_path, ragged(shape), transform, compress="deflate")
    content = bytearray(paths[0].read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    paths[0].write_bytes(content)
    with pytest.raises(UnreadableGranule, match=paths[0].name):
        placed(paths, ONE_CELL)


@pytest.mark.parametrize("slot", ["silt_5-15cm_mean", "soc_0-5cm_mean"])
def test_a_missing_layer_is_named(tmp_path: Path, slot: str) -> None:
    transform, shape = lattice((88.2, 32.4, 88.6, 32.8))
    layers = uniform(shape)
    del layers[slot]
    with pytest.raises(MissingVariable, match=rf"expected {slot}\.tif, found bdod_0-5cm"):
        placed(archive(tmp_path, layers, transform), ONE_CELL)


@pytest.mark.parametrize(
    ("slot", "factor", "words"),
    [
        ("sand_0-5cm_mean", 0.1, r"sand \+ silt \+ clay of 100 %"),
        ("bdod_0-5cm_mean", 10, "bulk_density of 0.05..2.65"),
        ("soc_5-15cm_mean", 300, "organic_carbon of 0..1000"),
    ],
)
def test_values_in_other_units_are_refused(
    tmp_path: Path, slot: str, factor: float, words: str
) -> None:
    transform, shape = lattice((88.2, 32.4, 88.6, 32.8))
    layers = uniform(shape)
    layers[slot] = (layers[slot] * factor).astype("int16")
    with pytest.raises(FormatMismatch, match=words) as error:
        placed(archive(tmp_path, layers, transform), ONE_CELL)
    assert f"{slot}.tif" in str(error.value)


def test_layers_on_different_lattices_are_refused(tmp_path: Path) -> None:
    transform, shape = lattice((88.2, 32.4, 88.6, 32.8))
    layers = uniform(shape)
    paths = archive(tmp_path, layers, transform)
    write(paths[3], layers["silt_5-15cm_mean"], shifted(transform, 0.4, 0))
    with pytest.raises(GridMismatch, match=r"silt_5-15cm_mean\.tif beside bdod_0-5cm_mean\.tif"):
        placed(paths, ONE_CELL)


def test_a_layer_elsewhere_is_refused(tmp_path: Path) -> None:
    transform, shape = lattice((88.2, 32.4, 88.6, 32.8))
    elsewhere = Region("west", "latlon-0.25", (-110.0, 40.0, -109.0, 41.0)).grid
    with pytest.raises(GridMismatch, match="covers some of the region"):
        placed(archive(tmp_path, uniform(shape), transform), elsewhere)
