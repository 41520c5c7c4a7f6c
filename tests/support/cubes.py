"""Cubes for tests of what readers see: the real template and attributes, made-up values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from soilft.cube import structure as cube
from soilft.cube.attributes import Credits, Party, Provenance, global_attributes
from soilft.days import DaySpan
from soilft.grid import Region
from soilft.predictors.features import QUALITY
from soilft.radiometers.gaps import LEVELS
from soilft.release.layout import Layout
from soilft.release.staged import Staged
from soilft.schema import Template
from soilft.sources import Amsr2L3, AmsrEL3, GldasNoah3h, SmosL3Ft
from soilft.store import zarr as store
from soilft.store.digest import arrays_digest

DECADE = DaySpan(date(2011, 1, 1), date(2020, 12, 31))
WEEK = DaySpan(date(2015, 1, 28), date(2015, 2, 3))
OVERPASSES = ("AM", "PM")
RADIOMETERS = ("amsr2", "amsr-e")
CREDITS = Credits(
    creator=Party("A Snow Group", "group", "snow@example.org", "https://example.org", "Example"),
    publisher=Party("A Centre", "institution", "data@example.org", "https://example.net", "Centre"),
    contributors={"A. Reader": "validation"},
    institution="Example Institute",
    project="Example Project",
    program="Example Program",
    id="soil-freeze-thaw-example",
    naming_authority="org.example",
    acknowledgement="Those who keep the inputs open.",
    comment="For tests.",
    references=("https://example.org/paper",),
    metadata_link="https://example.org/metadata",
)
REGIONS: Mapping[str, Region] = MappingProxyType(
    {
        "latlon": Region("tibet", "latlon-0.25", (73.0, 26.0, 105.0, 41.0)),
        "projected": Region("alaska", "ease2-north-25km", (-162.0, 62.0, -144.0, 69.0)),
    }
)
SMALL: Mapping[str, Region] = MappingProxyType(
    {
        "latlon": Region("small", "latlon-0.25", (90.0, 32.0, 94.0, 35.0)),
        "projected": Region("small", "ease2-north-25km", (-152.0, 65.0, -144.0, 68.0)),
    }
)
ACROSS = Region("across", "latlon-0.25", (178.0, 62.0, -178.0, 65.0))


@dataclass(frozen=True)
class Made:
    """A cube that was made: where, and the values as stored."""

    url: str
    values: Mapping[str, Any]
    region: Region
    days: DaySpan


def attributes(region: Region, days: DaySpan, *, simulated: bool = True) -> dict[str, Any]:
    """Global attributes with every credit given."""
    sources = (Amsr2L3(), AmsrEL3(), GldasNoah3h(), SmosL3Ft())
    return global_attributes(
        region,
        days,
        title="Soil freeze/thaw for tests",
        reference_overpass="PM",
        origin=Provenance(
            references=[source.references for source in sources],
            platforms=[source.platform for source in sources if source.platform],
            instruments=[source.instrument for source in sources if source.instrument],
            simulated=simulated,
            created=str(days.last),
            predictors=("microwave", "reanalysis", "terrain"),
        ),
        made_by=CREDITS,
        identity={"model_digest": "0" * 64, "config_digest": "1" * 64, "features": '["a", "b"]'},
    )


def template(region: Region, days: DaySpan, *, simulated: bool = True) -> Template:
    """Structure of a published cube with every variable that a cube can have."""
    staged = cube.template(
        region.grid,
        days,
        OVERPASSES,
        30,
        attributes(region, days, simulated=simulated),
        calibrated=True,
        radiometers=RADIOMETERS,
    )
    return Layout.of(region.grid.shape, len(days)).published(staged)


def staged(cube: Made) -> Staged:
    """A cube that was made, as something to publish."""
    structure = template(cube.region, cube.days)
    contents = [
        arrays_digest({name: values[day] for name, values in cube.values.items()})
        for day in range(len(cube.days))
    ]
    return Staged(
        cube.url,
        structure,
        cube.days,
        contents,
        Layout.of(cube.region.grid.shape, len(cube.days)),
        {"model": "made up"},
        facts={
            "id": structure.attributes["id"],
            "title": structure.attributes["title"],
            "simulated": True,
            "period": str(cube.days),
        },
    )


def make(url: str | Path, kind: str, days: DaySpan = WEEK) -> Made:
    """Write a small cube in which every third value or so is missing."""
    region = ACROSS if kind == "across" else SMALL[kind]
    structure = template(region, days)
    store.create(str(url), structure)
    draw = np.random.default_rng(7)
    codes = {
        "frozen_probability": range(101),
        "overpass_probability": range(101),
        "dissimilarity": range(255),
        "prediction_set": range(4),
        "quality_flag": [0, *QUALITY.values()],
        "source_flag": range(len(RADIOMETERS)),
        "gap_fill_level": list(LEVELS.values()),
    }
    values = {}
    for variable in structure.variables:
        shape = structure.shape(variable)
        drawn = draw.choice(np.asarray(codes.get(variable.name, [0, 1]), variable.dtype), shape)
        missing = draw.random(shape) < 0.3
        values[variable.name] = np.where(missing, variable.fill, drawn).astype(variable.dtype)
    store.write_region(str(url), values, {})
    return Made(str(url), values, region, days)
