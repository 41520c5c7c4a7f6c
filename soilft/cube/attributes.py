"""Global attributes of the cube, by CF-1.11, ACDD-1.3 and the Zarr conventions.

Every value follows from the configuration, the inputs and the code, so that a rerun writes the same
bytes. What only the publisher of a cube knows stands in `Credits`; what is not said is left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from soilft import __version__
from soilft.cube import conventions as zarr_conventions
from soilft.days import DaySpan
from soilft.grid import Grid, Region
from soilft.projections import principal

CONVENTIONS = "CF-1.11, ACDD-1.3"
# https://gcmd.earthdata.nasa.gov/KeywordViewer
KEYWORDS = (
    "EARTH SCIENCE > CRYOSPHERE > FROZEN GROUND > SEASONALLY FROZEN GROUND",
    "EARTH SCIENCE > LAND SURFACE > FROZEN GROUND > SEASONALLY FROZEN GROUND",
)
_MICROWAVE = "EARTH SCIENCE > SPECTRAL/ENGINEERING > MICROWAVE > BRIGHTNESS TEMPERATURE"
METHODS = (
    "Geurts et al. 2006, doi:10.1007/s10994-006-6226-1",
    "Meyer and Pebesma 2021, doi:10.1111/2041-210X.13650",
)
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")

PartyType = Literal["person", "group", "institution", "position"]


@dataclass(frozen=True)
class Party:
    """Who made or who publishes a cube, in the words of ACDD; what is empty is not written."""

    name: str = ""
    type: PartyType = "group"
    email: str = ""
    url: str = ""
    institution: str = ""

    def attributes(self, role: str) -> dict[str, str]:
        """Attributes of a role, such as ``creator``; none without a name."""
        if not self.name:
            return {}
        values = {
            "name": self.name,
            "type": self.type,
            "email": self.email,
            "url": self.url,
            "institution": self.institution,
        }
        return {f"{role}_{key}": value for key, value in values.items() if value}


@dataclass(frozen=True)
class Credits:
    """What only the publisher of a cube knows.

    Parameters
    ----------
    id, naming_authority
        Identifier without blanks, and the reversed domain name within which it is unique.
    license
        SPDX identifier, or a URL, or a sentence.
    contributors
        Role by name.
    references
        Further publications about the cube.
    metadata_link
        URL of a page about the cube.
    """

    creator: Party = Party()
    publisher: Party = Party()
    contributors: Mapping[str, str] = field(default_factory=dict)
    institution: str = ""
    project: str = ""
    program: str = ""
    id: str = ""
    naming_authority: str = ""
    license: str = "CC-BY-4.0"
    acknowledgement: str = ""
    comment: str = ""
    references: tuple[str, ...] = ()
    metadata_link: str = ""

    def attributes(self) -> dict[str, str]:
        """Attributes that these credits decide alone."""
        values = {
            "naming_authority": self.naming_authority,
            "institution": self.institution,
            "project": self.project,
            "program": self.program,
            "contributor_name": ", ".join(self.contributors),
            "contributor_role": ", ".join(self.contributors.values()),
            "license": licence(self.license),
            "metadata_link": self.metadata_link,
        }
        found = {key: value for key, value in values.items() if value}
        return {
            **found,
            **self.creator.attributes("creator"),
            **self.publisher.attributes("publisher"),
        }


@dataclass(frozen=True)
class Provenance:
    """What the cube was made of: references of the inputs, and who measured them.

    Parameters
    ----------
    references
        With DOIs, one an input that has data.
    platforms, instruments
        Of those that were measured.
    simulated
        Whether any input says of itself that it was simulated.
    created
        ISO date that stands for the making: of the newest input, or of SOURCE_DATE_EPOCH.
    predictors
        Kinds of predictors that had data; see `soilft.predictors.features.kind`.
    """

    references: Sequence[str]
    platforms: Sequence[str]
    instruments: Sequence[str]
    simulated: bool
    created: str
    predictors: Collection[str]

    @property
    def told(self) -> str:
        """The predictors in words: microwave and reanalysis, or whatever else there was."""
        daily = [kind for kind in ("microwave", "reanalysis") if kind in self.predictors]
        *others, last = daily or sorted(self.predictors) or ["no"]
        return f"{', '.join(others)} and {last}" if others else last


def licence(text: str) -> str:
    """A licence as written: an SPDX identifier gets the address of its text.

    Examples
    --------
    >>> licence("CC-BY-4.0")
    'CC-BY-4.0, https://spdx.org/licenses/CC-BY-4.0.html'
    """
    if _SPDX.fullmatch(text) and not text.startswith("http"):
        return f"{text}, https://spdx.org/licenses/{text}.html"
    return text


def spdx(text: str) -> str | None:
    """The SPDX identifier of a licence that `licence` wrote, or None where it is another text.

    Examples
    --------
    >>> spdx("CC-BY-4.0, https://spdx.org/licenses/CC-BY-4.0.html")
    'CC-BY-4.0'
    """
    identifier = text.partition(",")[0]
    return identifier if text != identifier and licence(identifier) == text else None


def global_attributes(
    region: Region,
    days: DaySpan,
    *,
    title: str,
    reference_overpass: str,
    origin: Provenance,
    made_by: Credits,
    identity: Mapping[str, str],
) -> dict[str, Any]:
    """Attributes of the root group.

    Parameters
    ----------
    identity
        Digests of model and configuration, and what else names the making.
    """
    warning = "SIMULATED INPUTS, not observations. " if origin.simulated else ""
    name = f"SIMULATED: {title}" if origin.simulated else title
    state = (
        "freeze_thaw_state is the day's, merged from many overpasses"
        if reference_overpass == "daily"
        else "A state belongs to an overpass: freeze_thaw_state is that of the overpass "
        f"{reference_overpass}"
    )
    comment = (
        f"{warning}{state}. Missing is never a class: it is 255 as stored, and quality_flag "
        f"says why. time is the UTC day, its bounds in time_bnds. {made_by.comment}"
    )
    return {
        "Conventions": CONVENTIONS,
        "title": name,
        "summary": f"{warning}Daily soil freeze/thaw state on {region.preset} cells, with its "
        "probability, conformal set, dissimilarity to the training and quality flags, "
        f"predicted by extremely randomised trees from {origin.told} predictors. "
        "Missing days stay missing.",
        "keywords": ", ".join((*KEYWORDS, *[_MICROWAVE] * ("microwave" in origin.predictors))),
        "keywords_vocabulary": "GCMD Science Keywords",
        "standard_name_vocabulary": "CF Standard Name Table v93",
        "cdm_data_type": "Grid",
        "id": made_by.id or f"soilft-{region.name}",
        "product_version": __version__,
        "processing_level": "L3",
        "source": "; ".join(origin.references),
        **_measured_by(origin),
        "references": "; ".join([*METHODS, *made_by.references]),
        "citation": citation(name, origin.created, made_by),
        "history": f"{origin.created} soilft {__version__}: predicted, model "
        f"{identity['model_digest']}, configuration {identity['config_digest']}",
        "comment": comment.strip(),
        "acknowledgement": made_by.acknowledgement
        or "Those who made the inputs named in source, and keep them open.",
        "simulated": "true" if origin.simulated else "false",
        "reference_overpass": reference_overpass,
        "date_created": origin.created,
        "date_issued": origin.created,
        "date_modified": origin.created,
        "date_metadata_modified": origin.created,
        **time_coverage(days),
        **geospatial(region),
        **made_by.attributes(),
        **zarr_conventions.group_attributes(region.grid),
        "soilft_version": __version__,
        **identity,
    }


def _measured_by(origin: Provenance) -> dict[str, str]:
    found = {}
    for name, values in (("platform", origin.platforms), ("instrument", origin.instruments)):
        if values:
            found[name] = ", ".join(dict.fromkeys(values))
            found[f"{name}_vocabulary"] = f"names of the missions, as in GCMD {name}s"
    return found


def time_coverage(days: DaySpan) -> dict[str, str]:
    """ACDD's time coverage: whole UTC days, first and last both covered."""
    return {
        "time_coverage_start": str(days.first),
        "time_coverage_end": str(days.last),
        "time_coverage_duration": f"P{len(days)}D",
        "time_coverage_resolution": "P1D",
    }


def geospatial(region: Region) -> dict[str, Any]:
    """ACDD's extent: ``lat`` and ``lon`` of the cells' centres, the bounds along their edges.

    The polygon is in the grid's own CRS, where its edges are straight; points of EPSG:4326 are
    latitude first, as the authority and ACDD have it. The state is of the ground's surface. Across
    the antimeridian ``lon_min``, the westernmost, is greater than ``lon_max``, and degrees are cut
    there into two polygons.
    """
    grid = region.grid
    lat = grid.lonlat[1]
    west, east = _westernmost_and_easternmost(region)
    unit = "degree" if grid.geographic else "m"
    return {
        "geospatial_bounds": _bounds(grid),
        "geospatial_bounds_crs": grid.crs,
        "geospatial_bounds_vertical_crs": "none: the bounds are of the ground's surface",
        "geospatial_lat_min": float(lat.min()),
        "geospatial_lat_max": float(lat.max()),
        "geospatial_lat_units": "degrees_north",
        "geospatial_lat_resolution": f"{grid.height:.10g} {unit}",
        "geospatial_lon_min": west,
        "geospatial_lon_max": east,
        "geospatial_lon_units": "degrees_east",
        "geospatial_lon_resolution": f"{grid.width:.10g} {unit}",
        "geospatial_vertical_min": 0.0,
        "geospatial_vertical_max": 0.0,
        "geospatial_vertical_units": "m",
        "geospatial_vertical_resolution": "none",
        "geospatial_vertical_positive": "down",
    }


def _westernmost_and_easternmost(region: Region) -> tuple[float, float]:
    lon = region.grid.lonlat[0]
    if region.crosses:
        west, _, east, _ = region.unwound
        # A polar grid reaches beyond the bounds on both sides: count from their middle.
        lon = lon - 360 * np.round((lon - (west + east) / 2) / 360)
    first, last = principal([lon.min(), lon.max()]).tolist()
    return first, last


def _bounds(grid: Grid) -> str:
    """WKT of the grid's outer edge."""
    right = grid.left + grid.width * grid.shape[1]
    if grid.geographic and right > 180:
        sides = (_ring(grid, grid.left, 180), _ring(grid, -180, right - 360))
        return f"MULTIPOLYGON ({', '.join(f'(({ring}))' for ring in sides)})"
    return f"POLYGON (({_ring(grid, grid.left, right)}))"


def _ring(grid: Grid, left: float, right: float) -> str:
    bottom = grid.top - grid.height * grid.shape[0]
    corners = [
        (left, bottom),
        (right, bottom),
        (right, grid.top),
        (left, grid.top),
        (left, bottom),
    ]
    return ", ".join(
        f"{y:.10g} {x:.10g}" if grid.geographic else f"{x:.10g} {y:.10g}" for x, y in corners
    )


@lru_cache(maxsize=1)
def software() -> Mapping[str, Any]:
    """What CITATION.cff says of soilft."""
    shipped = files("soilft").joinpath("data/CITATION.cff")
    # A wheel carries the file inside the package, a checkout at its root.
    text = (
        shipped.read_text(encoding="utf-8")
        if shipped.is_file()
        else (Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8")
    )
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def citation(title: str, created: str, made_by: Credits) -> str:
    """How to cite a cube and the software that made it."""
    cff = software()
    authors = ", ".join(
        author["name"] if "name" in author else f"{author['family-names']}, {author['given-names']}"
        for author in cff["authors"]
    )
    who = f"{made_by.creator.name} " if made_by.creator.name else ""
    publisher = f" {made_by.publisher.name}." if made_by.publisher.name else ""
    return (
        f"{who}({created[:4]}): {title}, made with {cff['title']} {cff['version']}.{publisher} "
        f"Software: {authors}: {cff['title']}, version {cff['version']}, {cff['license']}."
    )


def for_netcdf(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that NetCDF can hold and CF allows: without those of the Zarr conventions."""
    return {
        name: value
        for name, value in attributes.items()
        if ":" not in name and name != zarr_conventions.REGISTER
    }
