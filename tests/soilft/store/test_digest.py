"""What a key says of settings stays what it is, whatever happens to the code around them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soilft.days import DaySpan
from soilft.forest.grow import ForestSettings
from soilft.grid import PRESETS, Region
from soilft.predictors.features import FeatureSet
from soilft.predictors.window import Target
from soilft.simulate.domain import Domain
from soilft.sources import PRODUCTS
from soilft.store.digest import UNSPELLED, added, spelled

READERS: Mapping[str, Any] = PRODUCTS
# Settings of readers that are not their defaults, by product: as a region file may give them.
OTHERS: dict[str, dict[str, Any]] = {
    **{f"amsr2-l3-{km}km": {"bands": ("18",)} for km in (10, 25)},
    "amsr2-cetb-25km": {"bands": ("18", "36"), "algorithm": "SIR"},
    "amsre-cetb-25km": {"bands": ("36",), "algorithm": "SIR"},
    "amsre-l3-25km": {"bands": ("18", "36")},
    "amsre-nsidc-0302-25km": {"bands": ("89",)},
    "dem": {"variable": 'it\'s "high"'},
    **{f"dem-copernicus-glo{m}": {"absent": "sea"} for m in (30, 90)},
    "dem-gmted2010": {"statistic": "med", "resolution": "150"},
    "esa-cci-sm-flag": {"sensors": "passive"},
    "fy3-mwri-l1": {"satellites": ("FY3B", "FY3D")},
    "gldas-noah-025-3h": {
        "variables_read": ("Tair_f_inst",),
        "statistics": ("mean", "range"),
        "min_granules": 1,
    },
    "ismn": {
        "depth_to": 0.1,
        "networks": ("Ünder", "MAQU"),
        "flags": ("G", "D01"),
        "max_gap_hours": 6.0,
    },
    "smap-l3-ft-36km": {"projection": "polar", "masked_surfaces": ()},
    "smap-l3-ft-9km": {"projection": "polar", "masked_surfaces": ("static_water",)},
}

OUTLINE = "POLYGON ((0 0, 2 0, 2 2, 0 0))"
SETTINGS = {
    **{f"{product}, as it is": source() for product, source in READERS.items()},
    **{f"{product}, set": READERS[product](**given) for product, given in OTHERS.items()},
    **{f"grid {name}": grid for name, grid in PRESETS.items()},
    "part of a grid": PRESETS["ease2-north-25km"].window(slice(3, 90), slice(5, 80, 3)),
    "region": Region("qilian", "latlon-0.25", (94.0, 36.0, 104.0, 40.0)),
    "region, whole degrees": Region("plateau", "latlon-0.25", (73, 26, 105, 40)),
    "region, outline": Region("x", "latlon-1.0", (0.5, 1e-07, 9.0, 9.0), OUTLINE),
    "features": FeatureSet(("brightness", "terrain"), (Target("AM", 6.0), Target("PM", None))),
    "features, one": FeatureSet(("brightness",), (Target("AM", 6.0),), 1.0),
    "forest": ForestSettings(),
    "forest, set": ForestSettings(7, 0.25, 1, "balanced", 3),
    "days": DaySpan(date(2015, 1, 1), date(2016, 12, 31)),
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_settings_are_spelled_as_release_0_3_0_wrote_them(settings: Any) -> None:
    # Keys of 0.3.0 held the text that Python writes of a dataclass: its stores are recognised.
    assert spelled(settings) == repr(settings)


def test_a_reader_with_settings_is_tried_with_others_than_its_defaults() -> None:
    without = {name for name, reader in READERS.items() if spelled(reader()).endswith("()")}
    assert set(OTHERS) == set(PRODUCTS) - without


def test_the_text_itself_is_that_of_release_0_3_0() -> None:
    # Python's own writing could change, and so could a class: the text may not.
    domain = Domain((90.0, 30.0, 92.0, 31.0), date(2015, 1, 1), date(2015, 1, 9), 7, noise=0.5)
    assert spelled(domain) == (
        "Domain(bounds=(90.0, 30.0, 92.0, 31.0), start=datetime.date(2015, 1, 1), "
        "end=datetime.date(2015, 1, 9), seed=7)"
    )
    assert spelled(READERS["fy3-mwri-l1"]()) == "MwriL1(satellites=('FY3B',))"
    assert spelled(Region("r", "latlon-1.0", (73, 26.5, 105, 40))) == (
        "Region(name='r', preset='latlon-1.0', bounds=(73, 26.5, 105, 40), outline='')"
    )


def test_a_setting_added_later_changes_no_key_until_it_is_used() -> None:
    @dataclass(frozen=True)
    class Reader:
        bands: tuple[str, ...] = ("18",)

    calm = field(default=2.0, metadata=added(before=1.0))
    later = make_dataclass(
        "Reader", [("bands", tuple[str, ...], ("18",)), ("calm", float, calm)], frozen=True
    )
    before = spelled(Reader()).rpartition(".")[2]
    assert spelled(later(calm=1.0)) == before == "Reader(bands=('18',))"
    # What counts is what was done before, not today's default.
    assert spelled(later()) == "Reader(bands=('18',), calm=2.0)"


@pytest.mark.parametrize(("before", "given"), [(True, 1), (False, 0), (1, 1.0), (0.0, -0.0)])
def test_a_later_setting_is_as_before_only_where_it_is_spelled_so(before: Any, given: Any) -> None:
    later = make_dataclass(
        "Reader", [("calm", Any, field(default=before, metadata=added(before=before)))], frozen=True
    )
    assert spelled(later()).endswith("Reader()")
    assert spelled(later(given)).endswith(f"Reader(calm={given!r})")


def test_what_decides_no_values_is_not_spelled() -> None:
    @dataclass(frozen=True)
    class Task:
        name: str
        threads: int = field(default=1, metadata=UNSPELLED)

    assert spelled(Task("a", 1)) == spelled(Task("a", 8)) != spelled(Task("b", 1))


@pytest.mark.parametrize(
    "value", [np.zeros(2), np.float64(1), {"a": 1}, {1}, Path("a"), object(), [1], Region]
)
def test_a_value_without_a_text_that_lasts_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot be spelled"):
        spelled((value,))
