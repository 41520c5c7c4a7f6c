"""The catalogue, before the schemas of STAC and of its extensions, and read as readers read it."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pystac
import pytest
from pystac.errors import STACValidationError
from pystac.extensions.datacube import DatacubeExtension
from pystac.extensions.scientific import ScientificExtension

from soilft.release import pointer, stac
from soilft.release.publication import latest, publish
from soilft.release.retention import point_to, prune
from soilft.schema import Template
from soilft.store import objects
from tests.contract import golden, stac_schemas
from tests.support.cubes import REGIONS, WEEK, make, staged, template
from tests.support.staged import stage

Change = Callable[[dict[str, Any]], Any]


def collection(kind: str, *, simulated: bool = True) -> dict[str, Any]:
    structure = template(REGIONS[kind], WEEK, simulated=simulated)
    return stac.collection(structure, WEEK, "v1.0", beside=golden.BESIDE, groups=("annual",))


@pytest.mark.parametrize("simulated", [True, False])
@pytest.mark.parametrize("kind", REGIONS)
def test_a_collection_is_valid_by_the_core_and_every_extension_it_names(
    kind: str, simulated: bool
) -> None:
    document = collection(kind, simulated=simulated)
    validated = stac_schemas.validate(document)
    assert validated[0].endswith("v1.1.0/collection-spec/json-schema/collection.json")
    assert validated[1:] == list(stac.EXTENSIONS)
    assert document["description"].startswith("SIMULATED") == simulated
    assert document["title"].startswith("SIMULATED") == simulated
    assert document["summaries"]["soilft:simulated"] == [simulated]


BROKEN: dict[str, Change] = {
    "core: no extent": lambda d: d.pop("extent"),
    "core: no licence": lambda d: d.pop("license"),
    "datacube: a dimension without an extent": lambda d: d["cube:dimensions"]["x"].pop("extent"),
    "datacube: a variable without dimensions": lambda d: d["cube:variables"]["quality_flag"].pop(
        "dimensions"
    ),
    "scientific: a link in place of a DOI": lambda d: d["sci:publications"][0].update(
        doi="https://doi.org/10.5067/E7TYRXPJKWOQ"
    ),
    "version: a number": lambda d: d.update(version=1.0),
    "zarr: a format in words": lambda d: d["assets"]["cube"].update({"zarr:zarr_format": "3"}),
    "zarr: an unknown kind of node": lambda d: d["assets"]["annual"].update(
        {"zarr:node_type": "folder"}
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found_by_the_schema_it_offends(name: str) -> None:
    document = copy.deepcopy(collection("latlon"))
    BROKEN[name](document)
    offended = name.partition(":")[0].replace("core", "collection")
    with pytest.raises(STACValidationError, match=f"against schema at .*{offended}"):
        stac_schemas.validate(document)


@pytest.mark.parametrize("kind", REGIONS)
def test_readers_get_out_of_a_collection_what_the_cube_says(kind: str, tmp_path: Path) -> None:
    structure = template(REGIONS[kind], WEEK)
    path = tmp_path / "collection.json"
    path.write_bytes(objects.to_json(collection(kind)))
    read = pystac.Collection.from_file(str(path))
    said = structure.attributes
    west, south, east, north = read.extent.spatial.bboxes[0]
    assert (south, north) == (said["geospatial_lat_min"], said["geospatial_lat_max"])
    assert (west, east) == (said["geospatial_lon_min"], said["geospatial_lon_max"])
    first, last = read.extent.temporal.intervals[0]
    assert (str(first), str(last)) == ("2015-01-28 00:00:00+00:00", "2015-02-03 23:59:59+00:00")
    assert read.license == "CC-BY-4.0"
    cube = DatacubeExtension.ext(read)
    assert {"time", "y", "x", "overpass"} == set(cube.dimensions)
    auxiliary = {"lat", "lon"} if kind == "projected" else set()
    assert set(cube.variables) == {v.name for v in structure.variables} | auxiliary
    assert cube.dimensions["x"].reference_system == {"latlon": 4326, "projected": 6931}[kind]
    assert cube.dimensions["y"].step == {"latlon": 0.25, "projected": 25000.0}[kind]
    cited = ScientificExtension.ext(read)
    assert cited.citation == said["citation"]
    assert "10.5067/E7TYRXPJKWOQ" in {each.doi for each in cited.publications or []}


def test_a_doi_of_the_cube_is_taken_from_what_its_publisher_said() -> None:
    structure = template(REGIONS["latlon"], WEEK)
    given = {**structure.attributes, "metadata_link": "https://doi.org/10.5281/zenodo.1234"}
    document = stac.collection(_with(structure, given), WEEK, "v1.0")
    assert document["sci:doi"] == "10.5281/zenodo.1234"
    assert {"rel": "cite-as", "href": "https://doi.org/10.5281/zenodo.1234"} in document["links"]
    assert "sci:doi" not in collection("latlon")
    stac_schemas.validate(document)


@pytest.mark.parametrize(
    ("licence", "expected", "link"),
    [
        ("CC0-1.0, https://spdx.org/licenses/CC0-1.0.html", "CC0-1.0", "CC0-1.0.html"),
        ("https://example.org/terms", "other", "https://example.org/terms"),
        ("Ask us, please.", "other", None),
    ],
)
def test_a_licence_is_an_identifier_or_another(
    licence: str, expected: str, link: str | None
) -> None:
    structure = template(REGIONS["latlon"], WEEK)
    given = {**structure.attributes, "license": licence}
    document = stac.collection(_with(structure, given), WEEK, "v1.0")
    assert document["license"] == expected
    links = [each["href"] for each in document["links"] if each["rel"] == "license"]
    assert [href.endswith(str(link)) for href in links] == ([] if link is None else [True])
    stac_schemas.validate(document)


def test_a_cube_of_which_nothing_is_said_has_a_valid_collection() -> None:
    structure = _with(template(REGIONS["projected"], WEEK), {})
    document = stac.collection(structure, WEEK, "v1.0")
    assert document["cube:dimensions"]["x"]["reference_system"].startswith("PROJCRS")
    assert "providers" not in document
    # The scientific extension asks for a citation, a DOI or publications: there are none to give.
    assert not [name for name in document if name.startswith("sci:")]
    assert document["stac_extensions"] == [
        uri for uri in stac.EXTENSIONS if "scientific" not in uri
    ]
    stac_schemas.validate(document)


def _with(structure: Template, attributes: dict[str, Any]) -> Template:
    return replace(structure, attributes=attributes)


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Give a store of three releases."""
    root = str(tmp_path / "store")
    for count in (4, 9, 10):
        publish(root, stage(root, count, companions={"model": b"{}"}))
    return root


def catalogue(root: str) -> pystac.Catalog:
    """The pointer, valid and read."""
    document = latest(root)
    assert document is not None
    assert stac_schemas.validate(document)[0].endswith("catalog.json")
    return pystac.Catalog.from_file(pointer.url(root))


def versions(root: str) -> list[str]:
    """Versions of the releases that the catalogue leads to: each is there, and is valid."""
    found = []
    for child in catalogue(root).get_children():
        stac_schemas.validate(child.to_dict(include_self_link=False, transform_hrefs=False))
        assert objects.exists(str(child.assets["cube"].get_absolute_href()))
        found.append(str(child.extra_fields["version"]))
    newest = catalogue(root).get_single_link("latest-version")
    assert newest is not None
    assert newest.href.endswith(f"/{found[0]}/collection.json")
    return found


def test_the_pointer_leads_to_every_release_and_to_the_latest_first(store: str) -> None:
    assert versions(store) == ["v1.2", "v1.1", "v1.0"]
    point_to(store, "v1.0")
    assert versions(store) == ["v1.0", "v1.2", "v1.1"]
    prune(store, timedelta())
    assert versions(store) == ["v1.0"]
    publish(store, stage(store, 11))
    assert versions(store) == ["v1.3", "v1.0"]


def test_a_release_copied_away_still_holds_together(tmp_path: Path) -> None:
    root = str(tmp_path / "store")
    cube = make(tmp_path / "cube.zarr", "latlon")
    publish(root, staged(cube))
    away = tmp_path / "away"
    (tmp_path / "store/releases/v1.0").rename(away)
    read = pystac.Collection.from_file(str(away / "collection.json"))
    for asset in read.assets.values():
        assert Path(str(asset.get_absolute_href())).exists()
    said = json.loads((away / "cube.zarr/zarr.json").read_text())["attributes"]
    assert read.title == f"{said['title']}, v1.0"


def test_a_collection_speaks_of_what_lies_beside_the_cube_and_of_nothing_else(store: str) -> None:
    read = pystac.Collection.from_file(objects.join(store, "releases/v1.2/collection.json"))
    assert set(read.assets) == {"cube", "release"}
    document = golden.collection("latlon")
    assert {key: asset["roles"] for key, asset in document["assets"].items()} == {
        "annual": ["data", "zarr"],
        "cube": ["data", "zarr"],
        "series": ["data", "zarr"],
        "release": ["metadata"],
        "report": ["metadata"],
        "scorecard": ["metadata"],
        "model-card": ["metadata"],
        "view": ["overview"],
        "quicklook-mean_frozen_days": ["thumbnail"],
        "quicklook-trend_frozen_days": ["overview"],
    }
