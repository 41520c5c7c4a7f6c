"""What a cube says of itself."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import shapely
import yaml

from soilft import __version__, sources
from soilft.cube import structure as cube
from soilft.cube.attributes import (
    Credits,
    Party,
    Provenance,
    geospatial,
    global_attributes,
    licence,
    software,
)
from soilft.days import DaySpan
from soilft.grid import Region
from tests.support.cubes import CREDITS, SMALL

IDENTITY = {"model_digest": "m", "config_digest": "c"}
DAYS = DaySpan(date(2015, 1, 1), date(2015, 1, 31))


def said(
    made_by: Credits, *, simulated: bool = False, predictors: tuple[str, ...] = ("microwave",)
) -> dict[str, object]:
    return global_attributes(
        SMALL["latlon"],
        DAYS,
        title="A title",
        reference_overpass="PM",
        origin=Provenance(["One, doi:10.1/2", "Two"], [], [], simulated, "2015-01-31", predictors),
        made_by=made_by,
        identity=IDENTITY,
    )


def test_what_nobody_said_is_left_out_and_never_empty() -> None:
    found = said(Credits())
    for name in ("creator_name", "publisher_name", "institution", "naming_authority", "platform"):
        assert name not in found
    assert "" not in found.values()
    assert found["license"] == "CC-BY-4.0, https://spdx.org/licenses/CC-BY-4.0.html"
    assert found["id"] == "soilft-small"
    assert found["time_coverage_duration"] == "P31D"
    assert found["source"] == "One, doi:10.1/2; Two"


def test_simulated_inputs_are_named_in_title_summary_comment_and_citation() -> None:
    found = said(CREDITS, simulated=True)
    assert found["simulated"] == "true"
    for name in ("title", "summary", "comment", "citation"):
        assert "SIMULATED" in str(found[name]), name
    real = said(CREDITS)
    assert real["simulated"] == "false"
    assert not any("SIMULATED" in str(value) for value in real.values())


@pytest.mark.parametrize(
    ("predictors", "words"),
    [
        (("microwave", "reanalysis", "terrain"), "from microwave and reanalysis predictors"),
        (("reanalysis", "terrain", "calendar"), "from reanalysis predictors"),
        (("terrain", "calendar", "soil"), "from calendar, soil and terrain predictors"),
        ((), "from no predictors"),
    ],
)
def test_the_summary_names_the_predictors_that_had_data(
    predictors: tuple[str, ...], words: str
) -> None:
    found = said(Credits(), predictors=predictors)
    assert words in str(found["summary"])
    assert ("BRIGHTNESS TEMPERATURE" in str(found["keywords"])) is ("microwave" in predictors)


def test_history_and_dates_come_from_the_inputs_alone() -> None:
    assert said(CREDITS) == said(CREDITS)
    found = said(CREDITS)
    assert str(found["history"]).startswith(f"2015-01-31 soilft {__version__}: ")
    # Nothing of today.
    assert str(date.today().year) not in str(found["history"])  # noqa: DTZ011
    assert {found[f"date_{n}"] for n in ("created", "issued", "modified")} == {"2015-01-31"}


def test_a_party_without_a_name_says_nothing() -> None:
    assert Party(email="a@example.org").attributes("creator") == {}
    named = Party("A", "person", url="https://example.org").attributes("creator")
    assert named == {
        "creator_name": "A",
        "creator_type": "person",
        "creator_url": "https://example.org",
    }


@pytest.mark.parametrize("text", ["https://example.org/terms", "Free for research."])
def test_a_licence_that_is_no_identifier_stays_as_it_is(text: str) -> None:
    assert licence(text) == text
    assert said(replace(CREDITS, license=text))["license"] == text


@pytest.mark.parametrize("kind", SMALL)
def test_bounds_are_the_outer_edges_and_hold_every_centre(kind: str) -> None:
    region: Region = SMALL[kind]
    grid, found = region.grid, geospatial(region)
    polygon = shapely.from_wkt(found["geospatial_bounds"])
    assert polygon.area == pytest.approx(grid.width * grid.height * grid.shape[0] * grid.shape[1])
    assert polygon.exterior.is_ccw != grid.geographic  # latitude first turns the ring round
    lon, lat = grid.lonlat
    assert found["geospatial_lat_min"] == lat.min()
    assert found["geospatial_lon_max"] == lon.max()
    first = (grid.y[0], grid.x[0]) if grid.geographic else (grid.x[0], grid.y[0])
    assert polygon.contains(shapely.Point(first))
    assert found["geospatial_bounds_crs"] == grid.crs


def test_the_citation_file_speaks_of_this_version() -> None:
    shipped = yaml.safe_load((Path(__file__).parents[3] / "CITATION.cff").read_text())
    assert dict(software()) == shipped
    assert shipped["version"] == __version__
    assert shipped["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= shipped.keys()


def test_every_product_names_its_reference() -> None:
    for product in sources.PRODUCTS.values():
        # The region file says which elevation model.
        if product.product != "dem":
            assert re.search(r"doi:10\.\d{4,}/\S+", product.references), product


def test_a_state_merged_from_many_overpasses_is_said_to_be_at_none() -> None:
    daily = cube.variables(("daily",), calibrated=True)
    assert not any("cell_methods" in variable.attributes for variable in daily)
    twice = {v.name: v for v in cube.variables(("AM", "PM"), calibrated=True)}
    for name in ("freeze_thaw_state", "frozen_probability", "overpass_state", "dissimilarity"):
        assert twice[name].attributes["cell_methods"] == "time: point (at the overpass)"
