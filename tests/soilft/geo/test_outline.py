"""Outlines of regions: polygons from GeoJSON, and the cells inside."""

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soilft.errors import ConfigError
from soilft.geo.outline import read_outline
from soilft.grid import Region, inside

SQUARE = [[90.0, 31.0], [92.0, 31.0], [92.0, 33.0], [90.0, 33.0], [90.0, 31.0]]
HOLE = [[90.5, 31.5], [91.0, 31.5], [91.0, 32.0], [90.5, 32.0], [90.5, 31.5]]
FAR = [[94.0, 31.0], [95.0, 31.0], [95.0, 32.0], [94.0, 31.0]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def polygon_with_heights(*rings: Any) -> dict[str, Any]:
    coordinates = [[[[*place, 4500.0] for place in ring]] for ring in rings]
    return {"type": "MultiPolygon", "coordinates": coordinates}


def feature(geometry: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def collection(*features: Any, **more: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **more}


def written(folder: Path, value: Any) -> str:
    path = folder / "mask.geojson"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


def test_cells_outside_of_all_polygons_and_in_holes_are_outside(tmp_path: Path) -> None:
    value = collection(feature(polygon(SQUARE, HOLE)), feature(polygon(FAR)))
    outline = read_outline(written(tmp_path, value))
    region = Region("masked", "latlon-0.25", (89, 30, 96, 34), outline)
    lon, lat = region.grid.lonlat
    square = (lon > 90) & (lon < 92) & (lat > 31) & (lat < 33)
    hole = (lon > 90.5) & (lon < 91) & (lat > 31.5) & (lat < 32)
    triangle = (lon < 95) & (lat > 31) & (lon - 94 > lat - 31)
    np.testing.assert_array_equal(region.mask[lon < 93], (square & ~hole)[lon < 93])
    # Centres on the slanted edge count as inside.
    on_edge = np.isclose(lon - 94, lat - 31)
    clear = (lon > 93) & ~on_edge
    np.testing.assert_array_equal(region.mask[clear], triangle[clear])
    whole = replace(region, outline="")
    assert whole.mask.all()
    assert region.grid == whole.grid


def test_a_region_travels_with_its_outline_and_is_another_than_without(tmp_path: Path) -> None:
    region = Region(
        "r", "latlon-0.25", (89, 30, 96, 34), read_outline(written(tmp_path, polygon(SQUARE)))
    )
    assert pickle.loads(pickle.dumps(region)) == region
    assert repr(region) != repr(replace(region, outline=""))


def test_the_same_polygons_are_the_same_outline_however_written(tmp_path: Path) -> None:
    turned = [*SQUARE[2:], *SQUARE[1:3]]
    several = {"type": "MultiPolygon", "coordinates": [[FAR], [turned]]}
    ways = [
        collection(feature(polygon(SQUARE), name="a"), feature(polygon(FAR))),
        collection(
            feature(several, name="b"),
            crs={"properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
        ),
        several,
        {**several, "crs": None},
        collection(feature(several), {"type": "Feature", "properties": {}, "geometry": None}),
        polygon_with_heights(SQUARE, FAR),
    ]
    outlines = {read_outline(written(tmp_path, way)) for way in ways}
    assert len(outlines) == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("not json", "expected GeoJSON polygons in degrees"),
        ([1, 2], "no GeoJSON object"),
        (collection(), "expected at least one polygon, found none"),
        ({"type": "Point", "coordinates": [90, 31]}, "found Point"),
        (polygon([[900, 31], [910, 31], [910, 33], [900, 31]]), "found 900..910"),
        (polygon([[90, 31], [92, 33], [92, 31], [90, 33], [90, 31]]), "edges do not cross"),
        (polygon([[90, 31], [92, 33]]), "expected GeoJSON polygons"),
        (
            collection(feature(polygon(SQUARE)), crs={"properties": {"name": "EPSG:32645"}}),
            "EPSG:32645",
        ),
        ({**polygon(SQUARE), "crs": "EPSG:32645"}, "coordinates in EPSG:32645"),
        ({**polygon(SQUARE), "crs": {"properties": {"href": "x"}}}, "coordinates in .*href"),
        ({"type": "Topology", "objects": {}}, "Topology without coordinates"),
        ({"type": "FeatureCollection"}, "FeatureCollection without features"),
        ({"type": "Feature", "properties": {}}, "expected at least one polygon, found none"),
    ],
    ids=[
        "text",
        "list",
        "empty",
        "point",
        "metres",
        "bow tie",
        "open",
        "crs",
        "plain crs",
        "linked crs",
        "topology",
        "no features",
        "no geometry",
    ],
)
def test_what_is_no_polygon_in_degrees_is_refused(tmp_path: Path, value: Any, words: str) -> None:
    url = written(tmp_path, value)
    with pytest.raises(ConfigError, match=words) as error:
        read_outline(url)
    assert "region.mask" in str(error.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.geojson: expected a GeoJSON file, found none"):
        read_outline(str(tmp_path / "none.geojson"))


def test_a_place_on_the_edge_is_inside() -> None:
    square = "POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))"
    found = inside(square, np.array([[0.0, 1.0], [2.0, 2.1]]), np.array([[0.0, 1.0], [2.0, 1.0]]))
    assert found.tolist() == [[True, True], [True, False]]
