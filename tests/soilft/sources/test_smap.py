"""SMAP L3 freeze/thaw: states, surface conditions and quality, from files written with h5py."""

from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest

from soilft.errors import ConfigError, FormatMismatch, MissingVariable
from soilft.grid import Region
from soilft.schema import FROZEN, MISSING, THAWED
from soilft.sources.smap import GRIDS, QUALITY, SmapL3Ft
from tests.support.smap import (
    GLOBAL,
    GROUPS,
    MASKS,
    MEANINGS,
    NAME,
    SOURCE,
    arrays,
    at,
    cell,
    observed,
    one_place,
    placed,
    written,
)


def test_the_first_layer_is_the_morning_the_second_the_evening_and_row_0_the_north(
    tmp_path: Path,
) -> None:
    fields = one_place(91, 31.5, 0, 1, 0)
    fields["freeze_thaw"][(1, *cell(88, 35))] = 1
    found = placed(written(tmp_path, fields))["freeze_thaw"]
    assert SOURCE.overpasses == ("AM", "PM")
    assert at(found[0], 91, 31.5) == FROZEN
    assert at(found[1], 88, 35) == FROZEN
    assert (found == FROZEN).sum() == 2
    assert (found == THAWED).sum() == found.size - 2


@pytest.mark.parametrize("code", [2, 3, 250, 254, 255])
def test_every_code_but_0_and_1_is_missing(tmp_path: Path, code: int) -> None:
    found = placed(written(tmp_path, one_place(91, 31.5, 0, code, 1)))
    assert at(found["freeze_thaw"][0], 91, 31.5) == MISSING
    assert at(found["label_quality"][0], 91, 31.5) == MISSING
    assert np.isnan(at(found["observation_time"][0], 91, 31.5))
    assert (found["freeze_thaw"] == FROZEN).sum() == found["freeze_thaw"].size - 1


def test_a_file_without_any_observation_is_missing(tmp_path: Path) -> None:
    found = placed(written(tmp_path, arrays()))
    assert (found["freeze_thaw"] == MISSING).all()
    assert (found["label_quality"] == MISSING).all()
    assert np.isnan(found["observation_time"]).all()


def test_onto_a_geographic_grid_by_majority(tmp_path: Path) -> None:
    grid = Region("window", "latlon-0.25", (88, 32, 91, 35)).grid
    fields = observed(arrays())
    fields["freeze_thaw"][:] = GRIDS["global"].lonlat[1] > 33.5
    found = placed(written(tmp_path, fields), grid)
    far = np.abs(grid.lonlat[1] - 33.5) > 0.4
    expected = np.where(grid.lonlat[1] > 33.5, FROZEN, THAWED)
    for overpass in (0, 1):
        np.testing.assert_array_equal(found["freeze_thaw"][overpass][far], expected[far])
    assert (found["label_quality"] == 0).all()


def test_the_polar_group_is_another_grid_of_the_same_file(tmp_path: Path) -> None:
    source = SmapL3Ft(projection="polar")
    grid = Region("alaska", "ease2-north-25km", (-156, 62, -148, 66)).grid
    fields = observed(arrays("polar", rest=0), "polar")
    row, column = cell(-150, 64, "polar")
    fields["freeze_thaw"][1, row - 1 : row + 2, column - 1 : column + 2] = 1
    path = written(tmp_path, fields, group=GROUPS["polar"])
    found = placed(path, grid, source)["freeze_thaw"]
    x, y = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:6931", always_xy=True).transform(-150, 64)
    there = int((grid.top - y) // 25_000), int((x - grid.left) // 25_000)
    assert found[1][there] == FROZEN
    assert (found[0] == THAWED).all()
    assert 10 <= (found[1] == FROZEN).sum() <= 26
    with pytest.raises(MissingVariable, match=f"{GLOBAL}, found Freeze_Thaw.*Polar"):
        SOURCE.read(path)


@pytest.mark.parametrize(("bit", "hidden"), [(0, True), (1, True), (6, True), (2, False)])
def test_water_and_permanent_ice_have_no_state(tmp_path: Path, bit: int, hidden: bool) -> None:
    fields = one_place(91, 31.5, 0, 1, 0)
    fields["surface_flag"][(0, *cell(91, 31.5))] |= 1 << bit
    found = placed(written(tmp_path, fields))
    assert at(found["freeze_thaw"][0], 91, 31.5) == (MISSING if hidden else FROZEN)


@pytest.mark.parametrize(
    ("bit", "name"),
    [
        (0, "water"),
        (1, "water"),
        (2, "coast"),
        (3, None),
        (4, "precipitation"),
        (5, "snow_or_ice"),
        (6, "permanent_snow_or_ice"),
        (7, None),
        (8, None),
        (9, "mountains"),
        (10, None),
        (11, None),
    ],
)
def test_surface_flags_are_kept_in_the_quality_of_the_label(
    tmp_path: Path, bit: int, name: str | None
) -> None:
    fields = one_place(91, 31.5, 0, 1, 0)
    fields["surface_flag"][(0, *cell(91, 31.5))] |= 1 << bit
    found = placed(written(tmp_path, fields), source=SmapL3Ft(masked_surfaces=()))
    assert at(found["freeze_thaw"][0], 91, 31.5) == FROZEN
    assert at(found["label_quality"][0], 91, 31.5) == (QUALITY[name][0] if name else 0)
    assert np.count_nonzero(found["label_quality"]) == (1 if name else 0)


def test_which_surfaces_have_no_state_is_a_setting(tmp_path: Path) -> None:
    fields = one_place(91, 31.5, 0, 1, 0)
    fields["surface_flag"][(0, *cell(91, 31.5))] |= 1 << 9
    path = written(tmp_path, fields)
    source = SmapL3Ft(masked_surfaces=("mountains",))
    assert at(placed(path, source=source)["freeze_thaw"][0], 91, 31.5) == MISSING
    assert at(placed(path)["freeze_thaw"][0], 91, 31.5) == FROZEN


@pytest.mark.parametrize(
    ("setting", "found"),
    [({"masked_surfaces": ("swamp",)}, "swamp"), ({"projection": "south"}, "south")],
)
def test_unknown_settings_are_refused(setting: dict[str, Any], found: str) -> None:
    with pytest.raises(ConfigError, match=f"expected some of .*found {found}"):
        SmapL3Ft(**setting)


def test_a_state_without_surface_flags_is_missing(tmp_path: Path) -> None:
    fields = one_place(91, 31.5, 0, 1, 0)
    fields["surface_flag"][(0, *cell(91, 31.5))] = 65534
    found = placed(written(tmp_path, fields), source=SmapL3Ft(masked_surfaces=()))
    assert at(found["freeze_thaw"][0], 91, 31.5) == MISSING


def test_a_files_own_meanings_move_the_bits(tmp_path: Path) -> None:
    """Without attributes the documented bits hold; with them, theirs."""
    fields = one_place(91, 31.5, 0, 1, 0)
    fields["surface_flag"][(0, *cell(91, 31.5))] |= 1 << 9
    reverse = " ".join(reversed(MEANINGS.replace("36_km_", "").split()))
    numbers = 1 << np.arange(12, dtype="uint16")
    own = {"surface_flag": {"flag_masks": numbers, "flag_meanings": reverse}}
    mountains, coast = (QUALITY[name][0] for name in ("mountains", "coast"))
    for attributes, expected in (({"surface_flag": {}}, mountains), (own, coast)):
        found = placed(written(tmp_path, fields, attributes))
        assert at(found["label_quality"][0], 91, 31.5) == expected


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"flag_masks": "1s, 2s", "flag_meanings": "a b"}, "static_water_body_flag.*found a b"),
        ({"flag_masks": "1s", "flag_meanings": MEANINGS}, r"as many flag_masks.*found \['1'\]"),
        ({"flag_masks": MASKS}, "as many flag_masks.*no meanings"),
    ],
)
def test_surface_flags_that_fit_no_reading_are_refused(
    tmp_path: Path, flags: dict[str, str], words: str
) -> None:
    path = written(tmp_path, arrays(), {"surface_flag": flags})
    with pytest.raises(FormatMismatch, match=f"flags of surface_flag: expected .*{words}") as error:
        SOURCE.read(path)
    assert NAME in str(error.value)


RECOMMENDED_SECOND = {"flag_masks": "1s, 2s", "flag_meanings": "Attempted Retrieval_recommended"}


@pytest.mark.parametrize(
    ("flags", "value", "poor"),
    [
        ({}, 0, False),
        ({}, 1, True),
        ({}, 0b1110, False),
        (RECOMMENDED_SECOND, 1, False),
        (RECOMMENDED_SECOND, 2, True),
        ({"flag_masks": [1], "flag_meanings": "not_recommended"}, 1, True),
        ({}, 65534, True),  # its bit 0 is 0, yet it says nothing
    ],
)
def test_retrievals_that_are_not_recommended_are_kept_and_marked(
    tmp_path: Path, flags: dict[str, Any], value: int, poor: bool
) -> None:
    fields = one_place(91, 31.5, 1, 1, 0)
    fields["retrieval_qual_flag"][(1, *cell(91, 31.5))] = value
    found = placed(written(tmp_path, fields, {"retrieval_qual_flag": flags}))
    assert at(found["freeze_thaw"][1], 91, 31.5) == FROZEN
    assert at(found["label_quality"][1], 91, 31.5) == int(poor)
    assert np.count_nonzero(found["label_quality"]) == int(poor)


def test_quality_flags_of_eight_bits_are_read_too(tmp_path: Path) -> None:
    fields = one_place(91, 31.5, 1, 1, 0)
    fields["retrieval_qual_flag"] = fields["retrieval_qual_flag"].astype("uint8")
    fields["retrieval_qual_flag"][(1, *cell(91, 31.5))] = 254
    path = written(tmp_path, fields, {"retrieval_qual_flag": {"_FillValue": np.uint8(254)}})
    assert at(placed(path)["label_quality"][1], 91, 31.5) == 1


def test_quality_meanings_that_fit_no_reading_are_refused(tmp_path: Path) -> None:
    flags = {"flag_masks": "1s, 2s", "flag_meanings": "good better"}
    path = written(tmp_path, arrays(), {"retrieval_qual_flag": flags})
    with pytest.raises(FormatMismatch, match=r"retrieval_qual_flag.*recommended.*good better"):
        SOURCE.read(path)


def test_quality_bits_leave_the_missing_value_free() -> None:
    quality = SOURCE.variables[-1]
    assert quality.name == "label_quality"
    assert sum(quality.attributes["flag_masks"]) == 127
    assert quality.dims == ("time", "overpass", "y", "x")
