"""SoilGrids as VRTs: tiles below the folder read as the whole, and nothing else is followed."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from soilft.errors import FormatMismatch, UnreadableGranule
from soilft.sources.soilgrids import SLOTS
from tests.support.soilgrids import (
    GRIDS,
    HOMOLOSINE_WKT,
    SOURCE,
    VOID,
    archive,
    lattice,
    placed,
    ragged,
    refusal,
    shifted,
    write,
)


def test_a_folder_of_tiles_with_its_vrt_reads_as_the_whole(tmp_path: Path) -> None:
    transform, shape = lattice((87.5, 31.5, 89.5, 33.5))
    layers = ragged(shape)
    (tmp_path / "whole").mkdir()
    whole = archive(tmp_path / "whole", layers, transform)
    vrts = [mosaic_vrt(tmp_path, slot, values, transform) for slot, values in layers.items()]
    grid = GRIDS["latlon-0.25"]
    expected, found = placed(whole, grid), placed(vrts, grid)
    for name, values in expected.items():
        assert values.tobytes() == found[name].tobytes()


def mosaic_vrt(
    folder: Path, slot: str, values: np.ndarray, transform: Affine, *, replaced: str = ""
) -> Path:
    """A VRT of two tiles below its folder, as ISRIC's: ``replaced`` stands for one file name."""
    (folder / slot / "tileSG-1").mkdir(parents=True, exist_ok=True)
    half = values.shape[1] // 2
    sources = ""
    for i, (first, last) in enumerate(((0, half), (half, values.shape[1]))):
        name = f"{slot}/tileSG-1/tileSG-1_{i}.tif"
        write(folder / name, values[:, first:last], shifted(transform, first, 0))
        rectangle = f'xSize="{last - first}" ySize="{values.shape[0]}"'
        sources += f"""
    <ComplexSource>
      <SourceFilename relativeToVRT="1">{replaced if i and replaced else name}</SourceFilename>
      <SourceBand>1</SourceBand>
      <SrcRect xOff="0" yOff="0" {rectangle} />
      <DstRect xOff="{first}" yOff="0" {rectangle} />
      <NODATA>{VOID}</NODATA>
    </ComplexSource>"""
    size = f'rasterXSize="{values.shape[1]}" rasterYSize="{values.shape[0]}"'
    numbers = ", ".join(f"{value:.1f}" for value in transform.to_gdal())
    path = folder / f"{slot}.vrt"
    path.write_text(f"""<VRTDataset {size}>
  <SRS>{HOMOLOSINE_WKT}</SRS>
  <GeoTransform>{numbers}</GeoTransform>
  <VRTRasterBand dataType="Int16" band="1">
    <NoDataValue>{VOID}</NoDataValue>{sources}
  </VRTRasterBand>
</VRTDataset>
""")
    return path


def small_vrt(folder: Path, replaced: str = "") -> Path:
    values = np.full((60, 60), 500, "int16")
    return mosaic_vrt(
        folder, SLOTS[0], values, Affine(250, 0, 8e6, 0, -250, 4e6), replaced=replaced
    )


@pytest.mark.parametrize(
    "reference",
    [
        "/vsicurl/https://example.org/sand.tif",
        "https://example.org/sand.tif",
        "/etc/passwd",
        "../elsewhere.tif",
        "NETCDF:soil.nc:sand.tif",
        "other.vrt",
        "./ok/../../up.tif",
    ],
)
def test_a_vrt_that_refers_outside_its_folder_is_refused(tmp_path: Path, reference: str) -> None:
    folder = tmp_path / "soil"
    folder.mkdir()
    refusal(small_vrt(folder, reference), FormatMismatch, "relative to the VRT")


def test_a_vrt_tile_that_links_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "soil"
    folder.mkdir()
    outside = write(
        tmp_path / "out.tif", np.zeros((60, 30), "int16"), Affine(250, 0, 8e6, 0, -250, 4e6)
    )
    path = small_vrt(folder, "link.tif")
    (folder / "link.tif").symlink_to(outside)
    refusal(path, FormatMismatch, "relative to the VRT")


def test_a_vrt_behind_a_link_is_read_with_the_tiles_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "soil").mkdir()
    path = small_vrt(tmp_path / "disk")
    link = tmp_path / "soil" / path.name
    link.symlink_to(path)
    with SOURCE.read(path) as there, SOURCE.read(link) as here:
        np.testing.assert_array_equal(here.sand.values, there.sand.values)
        assert here.sand.values[0, 0] == 50


def test_a_vrt_tile_whose_link_leads_nowhere_is_refused_not_taken_for_one_that_is_absent(
    tmp_path: Path,
) -> None:
    path = small_vrt(tmp_path, "link.tif")
    (tmp_path / "link.tif").symlink_to("gone.tif")
    refusal(path, UnreadableGranule, "tile link.tif: .* a link that leads nowhere")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('relativeToVRT="1"', 'relativeToVRT="0"', "relative to the VRT"),
        ('<VRTRasterBand dataType="Int16" band="1">',
         '<VRTRasterBand dataType="Int16" band="1" subClass="VRTDerivedRasterBand">', "Derived"),
        ("<NODATA>", "<ScaleRatio>10</ScaleRatio><NODATA>", "ScaleRatio"),
        ("<VRTDataset ", "<!DOCTYPE x [<!ENTITY e 'e'>]><VRTDataset ", "document type"),
        (f"<NoDataValue>{VOID}</NoDataValue>", "", "nodata"),
    ],
)  # fmt: skip
def test_a_vrt_that_does_more_than_place_tiles_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = small_vrt(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    refusal(path, FormatMismatch, words)


def test_a_vrt_whose_tile_is_another_vrt_in_disguise_is_refused(tmp_path: Path) -> None:
    path = small_vrt(tmp_path, "disguised.tif")
    (tmp_path / "disguised.tif").write_text("<VRTDataset/>")
    refusal(path, FormatMismatch, "expected a GeoTIFF")


def test_a_vrt_without_its_tiles_says_what_to_do(tmp_path: Path) -> None:
    path = small_vrt(tmp_path)
    alone = tmp_path / "scratch"
    alone.mkdir()
    copy = alone / path.name
    copy.write_bytes(path.read_bytes())
    refusal(copy, UnreadableGranule, "local folder that holds its tiles")


@pytest.mark.parametrize("content", [b"<VRTDataset", b"<html></html>"])
def test_a_damaged_vrt_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / f"{SLOTS[0]}.vrt"
    path.write_bytes(content)
    refusal(path, UnreadableGranule, "a VRT|a whole VRT")


def test_a_geotiff_that_is_a_vrt_is_refused(tmp_path: Path) -> None:
    path = tmp_path / f"{SLOTS[0]}.tif"
    path.write_bytes(small_vrt(tmp_path).read_bytes())
    refusal(path, UnreadableGranule, "a whole GeoTIFF")
