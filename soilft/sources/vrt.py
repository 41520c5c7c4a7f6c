"""References of a VRT that are allowed: GeoTIFF tiles in its own folder, taken as they are.

GDAL follows any reference that stands in a VRT, to other files of this machine as to the network,
and can compute with what it finds there. So a VRT is looked through before GDAL sees it.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from soilft.errors import FormatMismatch, UnreadableGranule
from soilft.store.matching import leads_nowhere

# SoilGrids' own has some 20,000 tiles in 10 MB.
MAX_BYTES = 128 * 2**20
_SUFFIXES = (".tif", ".tiff")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ALLOWED = frozenset({
    "VRTDataset", "SRS", "GeoTransform", "Metadata", "MDI", "BlockXSize", "BlockYSize",
    "VRTRasterBand", "Description", "ColorInterp", "NoDataValue", "HideNoDataValue", "UnitType",
    "Offset", "Scale", "OverviewList", "Histograms", "HistItem", "HistMin", "HistMax",
    "BucketCount", "IncludeOutOfRange", "Approximate", "HistCounts", "SimpleSource",
    "ComplexSource", "SourceFilename", "SourceBand", "SourceProperties", "SrcRect", "DstRect",
    "NODATA",
})  # fmt: skip


def require_local_tiles(path: Path) -> None:
    """Check that a VRT only puts GeoTIFF tiles beside each other, from its folder or below.

    Parameters
    ----------
    path
        Of the VRT itself, no link to it: tiles lie where it does.

    Raises
    ------
    FormatMismatch
        Where it refers to anything else, or changes the values.
    UnreadableGranule
        Where it is no VRT, none of its tiles is there, or one is a link that leads nowhere.
    """
    tiles = [_tile(path, element) for element in _sources(path)]
    lost = [tile for tile in tiles if leads_nowhere(tile)]
    if lost:
        raise UnreadableGranule(
            f"{path.name}: tile {lost[0].name}",
            expected="a file",
            found="a link that leads nowhere",
        )
    there = [tile for tile in tiles if tile.is_file()]
    if not there:
        raise UnreadableGranule(
            path.name,
            expected=f"tiles beside it, such as {tiles[0].name}" if tiles else "tiles",
            found="none of them",
            remedy="A VRT is read from a local folder that holds its tiles. From elsewhere, make "
            "one GeoTIFF of the region: gdal_translate -projwin.",
        )
    for tile in there:
        with tile.open("rb") as file:
            magic = file.read(4)
        if magic not in _TIFF:
            raise FormatMismatch(
                f"{path.name}: tile {tile.name}", expected="a GeoTIFF", found=repr(magic)
            )


def _sources(path: Path) -> list[ET.Element]:
    if path.stat().st_size > MAX_BYTES:
        raise FormatMismatch(
            path.name, expected=f"at most {MAX_BYTES} bytes", found=str(path.stat().st_size)
        )
    text = path.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise FormatMismatch(path.name, expected="a plain VRT", found="a document type or entity")
    try:
        root = ET.fromstring(text)  # noqa: S314 - entities are refused above
    except ET.ParseError as error:
        raise UnreadableGranule(path.name, expected="a whole VRT", found=str(error)) from error
    if root.tag != "VRTDataset":
        raise UnreadableGranule(path.name, expected="a VRT", found=f"<{root.tag}>")
    sources = []
    for element in root.iter():
        if element.tag not in _ALLOWED or "subClass" in element.attrib:
            found = f"<{element.tag} {element.get('subClass', '')}".strip() + ">"
            raise FormatMismatch(
                path.name, expected="a VRT that only puts tiles beside each other", found=found
            )
        if element.tag == "SourceFilename":
            sources.append(element)
    return sources


def _tile(path: Path, element: ET.Element) -> Path:
    name = (element.text or "").strip()
    tile = path.parent / name
    inside = tile.resolve().is_relative_to(path.parent.resolve())
    plain = not Path(name).is_absolute() and ":" not in name and not name.startswith("/vsi")
    if not (
        element.get("relativeToVRT") == "1"
        and plain
        and inside
        and name.lower().endswith(_SUFFIXES)
    ):
        raise FormatMismatch(
            path.name,
            expected="GeoTIFF tiles relative to the VRT, in its folder or below",
            found=name or "no name",
        )
    return tile
