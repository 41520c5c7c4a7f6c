"""STAC Collection of a release, for machines that search for data.

Everything follows from the cube's own template and from what lies beside it, so that the catalogue
can't say anything else than the cube. Nothing is of the clock, and nothing is written that a later
release, or the end of an earlier one, could make untrue. Links are relative.

STAC 1.1.0, with the extensions datacube, scientific, version and zarr.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from soilft.cube.attributes import spdx
from soilft.days import DaySpan
from soilft.release.pointer import NAME, STAC_VERSION, VERSION_EXTENSION
from soilft.schema import Coordinate, Template, Variable

EXTENSIONS = (
    # 2.3.0 adds nodata and data_type, which are written all the same; readers know 2.2.0.
    "https://stac-extensions.github.io/datacube/v2.2.0/schema.json",
    "https://stac-extensions.github.io/scientific/v1.0.0/schema.json",
    VERSION_EXTENSION,
    "https://stac-extensions.github.io/zarr/v1.1.0/schema.json",
)
ZARR = "application/vnd.zarr; version=3"
JSON = "application/json"
_ROOT = f"../../{NAME}"
# What may lie beside a cube: key, media type, title and roles of the asset.
_BESIDE: Mapping[str, tuple[str, str, str, tuple[str, ...]]] = {
    "release.json": ("release", JSON, "What was published, and what changed", ("metadata",)),
    "report/report.html": ("report", "text/html", "How good the cube is", ("metadata",)),
    "report/scorecard.json": ("scorecard", JSON, "The scores of the report", ("metadata",)),
    "view/index.html": ("view", "text/html", "A map of any day, in the browser", ("overview",)),
    "model/card.json": ("model-card", JSON, "The forest that predicted it", ("metadata",)),
}
_GROUPS = {
    "annual": "Annual layers: frozen days, onsets, cycles and spells",
    "series": "The same values, cut for series of single pixels",
}
_THUMBNAIL = "mean_frozen_days"
_DOI = re.compile(r"10\.\d{4,9}/[^\s;,]+")
_SEPARATOR = re.compile(r"; (?![^()]*\))")  # a semicolon within parentheses separates nothing


def collection(
    template: Template,
    days: DaySpan,
    version: str,
    *,
    cube: str = "cube.zarr",
    beside: Collection[str] = (),
    groups: Collection[str] = (),
) -> dict[str, Any]:
    """The collection of a release.

    Parameters
    ----------
    template
        Structure of the cube, with the attributes that are published.
    version
        Such as ``v1.0``.
    cube
        Name of the cube below the release.
    beside
        Names below the release of what lies there; those that nobody looks for are passed over.
    groups
        Groups within the cube.

    Returns
    -------
    dict
        JSON values.
    """
    said = template.attributes
    own = doi(f"{said.get('id', '')} {said.get('metadata_link', '')}")
    publications = [*_publications(said)]
    found = {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": list(EXTENSIONS),
        "id": _identifier(str(said.get("id", "soilft")), version),
        "title": f"{said.get('title', 'Soil freeze/thaw')}, {version}",
        "description": said.get("summary", said.get("title", "Soil freeze/thaw")),
        "keywords": [word for word in str(said.get("keywords", "")).split(", ") if word],
        "license": spdx(str(said.get("license", ""))) or "other",
        "providers": _providers(said),
        "extent": {
            "spatial": {"bbox": [_bbox(template)]},
            "temporal": {"interval": [[f"{days.first}T00:00:00Z", f"{days.last}T23:59:59Z"]]},
        },
        "created": _moment(said.get("date_created")),
        "updated": _moment(said.get("date_modified")),
        "version": version,
        "sci:doi": own,
        "sci:citation": said.get("citation"),
        "sci:publications": publications,
        "cube:dimensions": _dimensions(template, days),
        "cube:variables": _variables(template),
        "summaries": _summaries(said),
        "assets": dict(_assets(cube, beside, groups)),
        "links": [*_links(said, cube, own, publications)],
    }
    # What is not said is left out, and an extension of which nothing is said.
    found = {key: value for key, value in found.items() if value not in (None, [], {})}
    if not any(key.startswith("sci:") for key in found):
        found["stac_extensions"] = [uri for uri in EXTENSIONS if "/scientific/" not in uri]
    return found


def doi(text: str) -> str | None:
    """The first DOI in a text.

    Examples
    --------
    >>> doi("SRTM (Farr et al. 2007, doi:10.1029/2005RG000183)")
    '10.1029/2005RG000183'
    """
    return next(_dois(text), None)


def _dois(text: str) -> Iterator[str]:
    for match in _DOI.finditer(text):
        found = match[0].rstrip(".")
        yield found if "(" in found else found.rstrip(").")


def _identifier(identifier: str, version: str) -> str:
    """One of the release, in characters that STAC advises: identifiers become parts of URLs."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", f"{identifier}-{version}")


def _moment(day: Any) -> str | None:
    return None if day is None else f"{day}T00:00:00Z"


def _providers(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Who made and who publishes the cube; one who does both is named once."""
    found: dict[str, dict[str, Any]] = {}
    for role, meant in (("creator", ["producer", "processor"]), ("publisher", ["host"])):
        if f"{role}_name" not in said:
            continue
        name = said[f"{role}_name"]
        provider = found.setdefault(name, {"name": name, "roles": []})
        provider["roles"] += meant
        if f"{role}_url" in said:
            provider["url"] = said[f"{role}_url"]
        if f"{role}_institution" in said:
            provider["description"] = said[f"{role}_institution"]
    return list(found.values())


def _publications(said: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Inputs, methods and what was written about the cube, as far as they have a DOI."""
    for name in ("source", "references"):
        for text in _SEPARATOR.split(str(said.get(name, ""))):
            for number in _dois(text):
                yield {"citation": text, "doi": number}


def _summaries(said: Mapping[str, Any]) -> dict[str, list[Any]]:
    found = {
        "platform": str(said.get("platform", "")).split(", "),
        "instruments": str(said.get("instrument", "")).split(", "),
        "soilft:inputs": _SEPARATOR.split(str(said.get("source", ""))),
        "soilft:model_digest": [said.get("model_digest", "")],
        "soilft:config_digest": [said.get("config_digest", "")],
        "soilft:simulated": [said["simulated"] == "true"] if "simulated" in said else [],
    }
    return {key: values for key, values in found.items() if values and values[0] != ""}


def _axis(template: Template, standard_name: str) -> Coordinate:
    return next(
        coordinate
        for coordinate in template.coordinates
        if coordinate.attributes.get("standard_name") == standard_name
    )


def _bbox(template: Template) -> list[float]:
    """West, south, east, north of the cells' centres in degrees, as the cube's own attributes.

    Across the antimeridian west is greater than east, as in GeoJSON (RFC 7946, section 5.2).
    """
    said = template.attributes
    names = [f"geospatial_{axis}_{end}" for end in ("min", "max") for axis in ("lon", "lat")]
    if all(name in said for name in names):
        return [float(said[name]) for name in names]
    lon, lat = (_axis(template, name).values for name in ("longitude", "latitude"))
    return [float(v) for v in (lon.min(), lat.min(), lon.max(), lat.max())]


def _dimensions(template: Template, days: DaySpan) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for axis in template.coordinates:
        if axis.dims != (axis.name,):
            continue
        about = {"description": described(axis.attributes)}
        if axis.name == "time":
            extent = [f"{days.first}T00:00:00Z", f"{days.last}T00:00:00Z"]
            found["time"] = {"type": "temporal", **about, "extent": extent, "step": "P1D"}
        elif axis.name in ("y", "x"):
            found[axis.name] = {"type": "spatial", "axis": axis.name, **about}
            found[axis.name] |= _places(template, axis)
        else:
            values = axis.values.tolist()
            found[axis.name] = {"type": axis.name, **about, "values": values}
    return found


def _places(template: Template, axis: Coordinate) -> dict[str, Any]:
    values = axis.values
    found = {
        "extent": [float(values.min()), float(values.max())],
        "unit": axis.attributes["units"],
        "reference_system": _reference_system(template),
    }
    if values.size > 1:
        # The first and last centre tell it with less rounding than two neighbours.
        step = abs(float(values[-1] - values[0])) / (values.size - 1)
        found["step"] = float(f"{step:.10g}")
    return found


def _reference_system(template: Template) -> int | str:
    """The number where EPSG has one, else WKT 2."""
    code = str(template.attributes.get("proj:code", ""))
    if code.startswith("EPSG:"):
        return int(code.removeprefix("EPSG:"))
    crs = next(c for c in template.coordinates if c.name == "crs")
    return str(crs.attributes["crs_wkt"])


def _variables(template: Template) -> dict[str, Any]:
    found = {variable.name: _variable(variable) for variable in template.variables}
    for coordinate in template.coordinates:
        if coordinate.is_auxiliary:
            found[coordinate.name] = {
                "type": "auxiliary",
                "dimensions": list(coordinate.dims),
                "description": described(coordinate.attributes),
                "unit": coordinate.attributes["units"],
                "data_type": coordinate.values.dtype.name,
            }
    return found


def _variable(variable: Variable) -> dict[str, Any]:
    said = variable.attributes
    found: dict[str, Any] = {
        "type": "data",
        "dimensions": list(variable.dims),
        "description": described(said),
        "data_type": np.dtype(variable.dtype).name,
    }
    if np.isfinite(variable.fill):
        found["nodata"] = variable.fill
    if "units" in said:
        found["unit"] = said["units"]
    if said.get("flag_values"):
        found["values"] = list(said["flag_values"])
    if "valid_range" in said:
        scale = said.get("scale_factor", 1)
        found["extent"] = [float(f"{value * scale:.10g}") for value in said["valid_range"]]
    return found


def described(said: Mapping[str, Any]) -> str:
    """What a variable or an axis is, in one line, with the meaning of its flags.

    Examples
    --------
    >>> described({"long_name": "state", "flag_values": [0, 1], "flag_meanings": "thawed frozen"})
    'state: 0 thawed, 1 frozen'
    """
    text = str(said["long_name"])
    meanings = str(said.get("flag_meanings", "")).split()
    for name, word in (("flag_values", ""), ("flag_masks", "bits ")):
        if meanings and name in said:
            pairs = zip(said[name], meanings, strict=True)
            text += f": {word}" + ", ".join(f"{code} {meaning}" for code, meaning in pairs)
    if "scale_factor" in said:
        text += f", stored in steps of {said['scale_factor']}"
    if "comment" in said:
        text += f". {said['comment']}"
    return text


def _assets(
    cube: str, beside: Collection[str], groups: Collection[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "cube", _zarr(f"./{cube}", "The cube", consolidated=True)
    for name in sorted(groups):
        # One consolidated object at the root tells of the groups, too; they have none of their own.
        title = _GROUPS.get(name, name)
        yield name, _zarr(f"./{cube}/{name}", title, consolidated=False)
    for place, (key, kind, title, roles) in _BESIDE.items():
        if place in beside:
            yield key, {"href": f"./{place}", "type": kind, "title": title, "roles": [*roles]}
    for place in sorted(beside):
        path = PurePosixPath(place)
        if path.parent.name == "quicklooks" and path.suffix == ".png":
            yield (
                f"quicklook-{path.stem}",
                {
                    "href": f"./{place}",
                    "type": "image/png",
                    "title": path.stem.replace("_", " "),
                    "roles": ["thumbnail" if path.stem == _THUMBNAIL else "overview"],
                },
            )


def _zarr(href: str, title: str, *, consolidated: bool) -> dict[str, Any]:
    return {
        "href": href,
        "type": ZARR,
        "title": title,
        "roles": ["data", "zarr"],
        "zarr:node_type": "group",
        "zarr:zarr_format": 3,
        "zarr:consolidated": consolidated,
    }


def _links(
    said: Mapping[str, Any], cube: str, own: str | None, publications: Collection[Mapping[str, str]]
) -> Iterator[dict[str, str]]:
    """The way to the catalogue, and to who else knows; no release is named that may be removed."""
    for rel in ("root", "parent", "latest-version", "version-history"):
        yield {"rel": rel, "href": _ROOT, "type": JSON}
    yield {"rel": "store", "href": f"./{cube}", "type": ZARR, "title": "The Zarr store"}
    licence = re.search(r"https?://\S+", str(said.get("license", "")))
    if licence is not None:
        yield {"rel": "license", "href": licence[0]}
    if "metadata_link" in said:
        yield {"rel": "about", "href": said["metadata_link"]}
    if own is not None:
        yield {"rel": "cite-as", "href": f"https://doi.org/{own}"}
    for each in publications:
        yield {
            "rel": "related",
            "href": f"https://doi.org/{each['doi']}",
            "title": each["citation"],
        }
