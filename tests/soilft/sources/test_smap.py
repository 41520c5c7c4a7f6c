"""SMAP L3 freeze/thaw: real subsets, and files written here with h5py in their structure."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyproj
import pytest
import xarray as xr

from soilft.errors import (
    ConfigError,
    FormatMismatch,
    GridMismatch,
    InputError,
    MissingVariable,
    UnreadableGranule,
)
from soilft.grid import PRESETS, Grid, Region
from soilft.schema import FROZEN, MISSING, THAWED
from soilft.sources.smap import GRIDS, QUALITY, SmapL3Ft
from soilft.sources.smap_native import native_window, surface_bits

NAME = "SMAP_L3_FT_P_20160115_R19240_001.h5"
DAY = date(2016, 1, 15)
SOURCE = SmapL3Ft()
GROUPS = {p: f"Freeze_Thaw_Retrieval_Data_{p.capitalize()}" for p in GRIDS}
GLOBAL = GROUPS["global"]
TIBET = Region("tibet", "ease2-global-36km", (85, 30, 95, 36)).grid
ALWAYS = 0xF000  # bits 12 to 15 are set in every real file
MEANINGS = (
    "36_km_static_water_body_flag 36_km_high_static_water_body_fraction_flag "
    "36_km_coastal_proximity_flag 36_km_urban_area_flag 36_km_precipitation_flag "
    "36_km_snow_or_ice_flag 36_km_permanent_snow_or_ice_flag "
    "36_km_radiometer_frozen_ground_flag 36_km_model_frozen_ground_flag "
    "36_km_mountainous_terrain_flag 36_km_dense_vegetation_flag 36_km_nadir_region_flag"
)
MASKS = ", ".join(f"{1 << bit}s" for bit in range(12))


def cell(lon: float, lat: float, projection: str = "global") -> tuple[int, int]:
    """Row and column of a place by the published transform of the grid."""
    crs, left, top, size = {
        "global": ("EPSG:6933", -17367530.4451615, 7314540.8306386, 36032.22084058),
        "polar": ("EPSG:6931", -9e6, 9e6, 36e3),
    }[projection]
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    return int((top - y) // size), int((x - left) // size)


def arrays(projection: str = "global", rest: int = 254) -> dict[str, np.ndarray]:
    """Fields of a whole group in which nothing has been observed, or one code everywhere."""
    shape = (2, *GRIDS[projection].shape)
    return {
        "freeze_thaw": np.full(shape, rest, "uint8"),
        "surface_flag": np.full(shape, ALWAYS, "uint16"),
        "retrieval_qual_flag": np.zeros(shape, "uint16"),
        "latitude": np.full(shape, -9999, "float32"),
        "longitude": np.full(shape, -9999, "float32"),
    }


def observed(fields: dict[str, np.ndarray], projection: str = "global") -> dict[str, np.ndarray]:
    """Give latitude and longitude to every third cell, as a swath would."""
    lon, lat = GRIDS[projection].lonlat
    keep = (np.arange(lon.size).reshape(lon.shape) % 3) == 0
    for name, values in (("latitude", lat), ("longitude", lon)):
        fields[name][0][keep] = values[keep]
    return fields


ATTRIBUTES: dict[str, dict[str, Any]] = {
    "freeze_thaw": {"_FillValue": np.uint8(254)},
    "surface_flag": {
        "_FillValue": np.uint16(65534),
        "flag_masks": MASKS,
        "flag_meanings": MEANINGS,
    },
    "retrieval_qual_flag": {"_FillValue": np.uint16(65534)},
    "freeze_thaw_time_seconds": {"units": "seconds", "_FillValue": np.float64(-9999)},
}


def written(
    folder: Path,
    fields: dict[str, np.ndarray],
    attributes: dict[str, dict[str, Any]] | None = None,
    *,
    name: str = NAME,
    group: str = GLOBAL,
    identity: dict[str, str] | None = None,
) -> Path:
    path = folder / name
    with h5py.File(path, "w") as file:
        for field, values in fields.items():
            dataset = file.create_dataset(f"{group}/{field}", data=values, compression="gzip")
            dataset.attrs.update({**ATTRIBUTES, **(attributes or {})}.get(field, {}))
        said = file.create_group("Metadata/DatasetIdentification").attrs
        said.update({key: np.bytes_(value) for key, value in (identity or {}).items()})
    return path


def placed(path: Path, grid: Grid = TIBET, source: SmapL3Ft = SOURCE) -> dict[str, np.ndarray]:
    granule = source.granule(str(path))
    assert granule is not None
    day = granule.days[0]
    with source.read(path) as dataset:
        return source.combine([(granule, source.place(dataset, granule, day, grid))], day, grid)


def at(field: np.ndarray, lon: float, lat: float) -> Any:
    """Value of the cell of the region that holds a place."""
    row, column = cell(lon, lat)
    first = cell(*(float(v[0, 0]) for v in TIBET.lonlat))
    return field[row - first[0], column - first[1]]


def one_place(lon: float, lat: float, overpass: int, code: int, rest: int) -> dict:
    fields = observed(arrays(rest=rest))
    fields["freeze_thaw"][(overpass, *cell(lon, lat))] = code
    return fields


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


# Surface conditions and quality


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


# Times


def clock(hours: np.ndarray, form: str) -> np.ndarray:
    """Hours of the day as the file might store them."""
    if form == "seconds of the day":
        return (hours * 3600).astype("float64")
    if form == "seconds since the epoch":
        epoch = np.datetime64("2000-01-01T11:58:55.816")
        since = (np.datetime64("2016-01-15") - epoch) / np.timedelta64(1, "s")
        return np.asarray(since + hours * 3600, "float64")
    prefix = "2016-01-15T" if form == "date and time" else ""
    minutes = np.round(np.ravel(hours) * 60).astype(int)
    texts = [f"{prefix}{m // 60:02d}:{m % 60:02d}:30.000Z" for m in minutes]
    return np.array(texts, "S").reshape(hours.shape)


def with_times(form: str, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Every cell frozen; passes 12 minutes after 06:00 and 18:00 local solar time."""
    lon = GRIDS["global"].lonlat[0]
    hours = np.stack([(h + shift + 0.2 - lon / 15) % 24 for h in (6, 18)])
    fields = observed(arrays(rest=1))
    name = "freeze_thaw_time_seconds" if form.startswith("seconds") else "freeze_thaw_time_utc"
    return {**fields, name: clock(hours, form)}


FORMS = ("time", "date and time", "seconds of the day", "seconds since the epoch")


@pytest.mark.parametrize("form", FORMS)
def test_times_are_the_files_own_in_either_form(tmp_path: Path, form: str) -> None:
    found = placed(written(tmp_path, with_times(form)))["observation_time"]
    for overpass, hour in enumerate((6.2, 18.2)):
        off = (found[overpass] - (hour - TIBET.lonlat[0] / 15) + 12) % 24 - 12
        np.testing.assert_allclose(off, 0, atol=0.02)


def test_passes_a_day_apart_are_not_averaged(tmp_path: Path) -> None:
    """At 93 degrees east these mornings are 00 UTC: neighbours lie at both ends of the day."""
    grid = Region("window", "latlon-0.25", (91, 32, 95, 34)).grid
    found = placed(written(tmp_path, with_times("time")), grid)["observation_time"][0]
    assert ((found < 1) | (found > 23)).all()
    assert (found < 1).any()
    assert (found > 23).any()


def test_time_is_the_nominal_one_where_the_file_has_none(tmp_path: Path) -> None:
    fields = with_times("time")
    fields["freeze_thaw_time_utc"][(0, *cell(91, 31.5))] = b""
    found = placed(written(tmp_path, fields))["observation_time"]
    assert at(found[0], 91, 31.5) == pytest.approx((6 - 91 / 15) % 24, abs=0.03)
    assert at(found[0], 88, 35) == pytest.approx((6.2 - 88 / 15) % 24, abs=0.04)
    fields["freeze_thaw_time_utc"][:] = b""
    blank = placed(written(tmp_path, fields))["observation_time"]
    del fields["freeze_thaw_time_utc"]
    found = placed(written(tmp_path, fields))["observation_time"]
    for overpass, hour in enumerate((6, 18)):
        expected = (hour - TIBET.lonlat[0] / 15) % 24
        np.testing.assert_allclose(found[overpass], expected, atol=1e-4)
    np.testing.assert_array_equal(blank, found)


@pytest.mark.parametrize(
    "times",
    [np.full((2, 406, 964), b"noon"), np.full((2, 406, 964), b"2016-01-18T00:10:00.000Z")],
    ids=["no-time", "other-day"],
)
def test_times_that_fit_no_reading_are_refused(tmp_path: Path, times: np.ndarray) -> None:
    fields = {**with_times("time"), "freeze_thaw_time_utc": times}
    path = written(tmp_path, fields)
    with pytest.raises(
        FormatMismatch, match="freeze_thaw_time_utc: expected times of 2016-01-15"
    ) as error:
        placed(path)
    assert NAME in str(error.value)


def test_swapped_passes_are_refused_by_their_local_time(tmp_path: Path) -> None:
    path = written(tmp_path, with_times("time", shift=12))
    with pytest.raises(
        FormatMismatch, match=r"expected AM near 6 h local solar time, found 18\.\d h"
    ):
        placed(path)


# Grid and orientation


def test_rows_upside_down_are_refused(tmp_path: Path) -> None:
    fields = {name: values[:, ::-1] for name, values in observed(arrays()).items()}
    with pytest.raises(
        GridMismatch, match=r"expected \(406, 964\) .*row 0 in the north.*found row 0 at row -405"
    ) as error:
        SOURCE.read(written(tmp_path, fields))
    assert NAME in str(error.value)


def test_rolled_columns_are_refused(tmp_path: Path) -> None:
    fields = {n: np.roll(values, 482, axis=2) for n, values in observed(arrays()).items()}
    with pytest.raises(GridMismatch, match=r"found column 0 at column -482.* by latitude"):
        SOURCE.read(written(tmp_path, fields))


def test_the_nine_kilometre_grid_is_refused(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with h5py.File(path, "w") as file:
        for name, dtype in (("freeze_thaw", "u1"), ("surface_flag", "u2")):
            file.create_dataset(f"{GLOBAL}/{name}", (2, 1624, 3856), dtype, chunks=(1, 406, 964))
    with pytest.raises(GridMismatch, match=r"36032\.2 m.*found shape \(2, 1624, 3856\)"):
        SOURCE.read(path)


def test_one_overpass_without_an_axis_is_refused(tmp_path: Path) -> None:
    fields = {name: values[0] for name, values in arrays().items()}
    with pytest.raises(GridMismatch, match=r"2 x \(406, 964\).*found shape \(406, 964\)"):
        SOURCE.read(written(tmp_path, fields))


def cut(fields: dict[str, np.ndarray], row: int, column: int) -> dict[str, np.ndarray]:
    """A rectangle of 60 rows and 90 columns."""
    return {n: v[:, row : row + 60, column : column + 90] for n, v in fields.items()}


def index_fields() -> dict[str, np.ndarray]:
    rows, columns = np.indices((406, 964), "uint16")
    found = {"EASE_row_index": rows, "EASE_column_index": columns}
    return {name: np.stack([values, np.full_like(values, 65534)]) for name, values in found.items()}


@pytest.mark.parametrize("how", ["latitude", "index", "axes"])
def test_a_cut_lies_where_the_file_says(tmp_path: Path, how: str) -> None:
    row, column = cell(91, 31.5)
    corner = row - 30, column - 40
    fields = one_place(91, 31.5, 0, 1, 0)
    if how != "latitude":
        fields = {n: v for n, v in fields.items() if n not in ("latitude", "longitude")}
    if how == "index":
        fields |= index_fields()
    fields = cut(fields, *corner)
    if how == "axes":
        whole = GRIDS["global"]
        fields["y"] = whole.y[corner[0] : corner[0] + 60]
        fields["x"] = whole.x[corner[1] : corner[1] + 90]
    found = placed(written(tmp_path, fields))["freeze_thaw"]
    assert at(found[0], 91, 31.5) == FROZEN
    assert (found == FROZEN).sum() == 1


def test_a_cut_that_does_not_say_where_is_refused(tmp_path: Path) -> None:
    fields = {n: v for n, v in arrays().items() if n not in ("latitude", "longitude")}
    with pytest.raises(GridMismatch, match=r"says which part it is, found \(60, 90\) cells"):
        SOURCE.read(written(tmp_path, cut(fields, 0, 0)))


def test_a_cut_whose_places_disagree_is_refused(tmp_path: Path) -> None:
    fields = cut(observed(arrays()) | index_fields(), 100, 200)
    fields["EASE_row_index"] = fields["EASE_row_index"] + np.uint16(5)
    with pytest.raises(GridMismatch, match=r"row 0 at row 100\.00 to 100\.00 by latitude"):
        SOURCE.read(written(tmp_path, fields))


def test_a_cut_elsewhere_cannot_serve_the_region(tmp_path: Path) -> None:
    path = written(tmp_path, cut(observed(arrays(rest=1)), 300, 100))
    with pytest.raises(GridMismatch, match="covers some of the region") as error:
        placed(path)
    assert NAME in str(error.value)


# What is refused


@pytest.mark.parametrize("name", ["freeze_thaw", "surface_flag", "retrieval_qual_flag"])
def test_a_missing_variable_is_named(tmp_path: Path, name: str) -> None:
    fields = arrays()
    del fields[name]
    with pytest.raises(MissingVariable, match=f"expected {name}, found .*latitude") as error:
        SOURCE.read(written(tmp_path, fields))
    assert NAME in str(error.value)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("freeze_thaw", "int16"), ("surface_flag", "uint32"), ("retrieval_qual_flag", "float32")],
)
def test_another_type_is_refused(tmp_path: Path, name: str, dtype: str) -> None:
    fields = arrays()
    fields[name] = fields[name].astype(dtype)
    attributes: dict[str, dict[str, Any]] = {name: {}}
    with pytest.raises(FormatMismatch, match=f"{name}: expected uint.*found {dtype}") as error:
        SOURCE.read(written(tmp_path, fields, attributes))
    assert NAME in str(error.value)


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({"_FillValue": np.uint8(0)}, "no meanings, fill 0"),
        ({"flag_meanings": "frozen thawed"}, "frozen thawed, fill 254"),
    ],
)
def test_other_codes_are_refused(tmp_path: Path, attributes: dict[str, Any], found: str) -> None:
    path = written(tmp_path, arrays(), {"freeze_thaw": attributes})
    with pytest.raises(FormatMismatch, match=f"0 thawed, 1 frozen, fill 254, found {found}"):
        SOURCE.read(path)


def test_an_older_release_is_a_granule_that_is_refused(tmp_path: Path) -> None:
    name = "SMAP_L3_FT_P_20160115_R13080_001.h5"
    granule = SOURCE.granule(name)
    assert granule is not None
    assert granule.days == (DAY,)
    path = written(tmp_path, arrays(), name=name)
    with pytest.raises(FormatMismatch, match="R16000 or later, found R13080") as error:
        SOURCE.read(path)
    assert name in str(error.value)


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ({"CompositeReleaseID": "R13080"}, "CompositeReleaseID: expected R19240, found R13080"),
        ({"shortName": "SPL3SMP"}, "shortName: expected SPL3FTP, found SPL3SMP"),
    ],
)
def test_a_renamed_file_gives_itself_away(
    tmp_path: Path, identity: dict[str, str], words: str
) -> None:
    with pytest.raises(FormatMismatch, match=words):
        SOURCE.read(written(tmp_path, arrays(), identity=identity))


def test_a_file_that_says_the_same_as_its_name_is_read(tmp_path: Path) -> None:
    identity = {"CompositeReleaseID": "R19240", "shortName": "SPL3FTP"}
    with SOURCE.read(written(tmp_path, arrays(), identity=identity)) as dataset:
        assert set(dataset.data_vars) == {"freeze_thaw", "surface_flag", "retrieval_qual_flag"}


@pytest.mark.parametrize("keep", [200, -1000])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = written(tmp_path, arrays())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnreadableGranule) as error:
        SOURCE.read(path)
    assert isinstance(error.value, InputError)
    assert NAME in str(error.value)


def test_damaged_data_are_refused_when_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / NAME
    written(tmp_path, one_place(91, 31.5, 0, 1, 0))
    with h5py.File(path) as file:
        chunk = file[f"{GLOBAL}/freeze_thaw"].id
        places = [chunk.get_chunk_info(i) for i in range(chunk.get_num_chunks())]
    content = bytearray(path.read_bytes())
    for place in places:
        content[place.byte_offset : place.byte_offset + place.size] = b"\xff" * place.size
    path.write_bytes(content)
    with pytest.raises(UnreadableGranule) as error:
        placed(path)
    assert NAME in str(error.value)


# Names


@pytest.mark.parametrize(
    "name",
    [
        "SMAP_L3_FT_P_E_20160115_R19240_001.h5",
        "SMAP_L3_SM_P_20160115_R19240_001.h5",
        "SMAP_L3_FT_P_20160230_R19240_001.h5",
        "SMAP_L3_FT_P_20160115_R19240_001.h5.iso.xml",
        "SMAP_L3_FT_P_20160115_R19240_001.qa",
    ],
)
def test_other_names_are_not_granules(name: str) -> None:
    assert SOURCE.granule(name) is None


def test_the_newest_release_and_counter_compare_as_newest() -> None:
    names = ["R16010_002", "R19240_001", "R19240_002"]
    granules = [SOURCE.granule(f"s3://a/SMAP_L3_FT_P_20160115_{name}.h5") for name in names]
    assert [granule.version for granule in granules if granule] == names
    assert len({(granule.days, granule.slot) for granule in granules if granule}) == 1
    assert names == sorted(names)


def test_quality_bits_leave_the_missing_value_free() -> None:
    quality = SOURCE.variables[-1]
    assert quality.name == "label_quality"
    assert sum(quality.attributes["flag_masks"]) == 127
    assert quality.dims == ("time", "overpass", "y", "x")


# Real files: subsets without freeze_thaw


@pytest.fixture
def cut_by_space(samples: Path, tmp_path: Path) -> Path:
    """Give a real subset, latitude and longitude known everywhere, under its granule's name."""
    path = tmp_path / "SMAP_L3_FT_P_20150410_R19240_001_subsetted.nc4"
    shutil.copyfile(samples / "smap_ft" / "SC_SPL3FTP_spatially_subsetted.nc4", path)
    return path


@pytest.fixture
def cut_with_axes(samples: Path, tmp_path: Path) -> Path:
    """Give a real subset of both groups, with y and x, coordinates -9999 where not observed."""
    path = tmp_path / "SMAP_L3_FT_P_20150401_R19240_001_subsetted.nc4"
    shutil.copyfile(samples / "smap_ft" / "SPL3FTP_subsetted.nc4", path)
    return path


@pytest.mark.parametrize(
    ("which", "projection", "shape", "row", "column"),
    [
        ("cut_by_space", "global", (29, 52), 16, 227),
        ("cut_with_axes", "global", (27, 162), 0, 294),
        ("cut_with_axes", "polar", (86, 85), 255, 163),
    ],
)
def test_real_subsets_lie_on_the_declared_grids(
    request: pytest.FixtureRequest,
    which: str,
    projection: str,
    shape: tuple[int, int],
    row: int,
    column: int,
) -> None:
    path = request.getfixturevalue(which)
    grid = GRIDS[projection]
    with xr.open_dataset(path, group=GROUPS[projection], mask_and_scale=False) as dataset:
        window = native_window(dataset, grid, path)
        lat, lon = dataset.latitude.values, dataset.longitude.values
    assert window.shape == shape
    assert window.y[0] == pytest.approx(grid.y[row])
    assert window.x[0] == pytest.approx(grid.x[column])
    seen = lat > -9999
    for stored, computed in ((lon, window.lonlat[0]), (lat, window.lonlat[1])):
        everywhere = np.broadcast_to(computed, stored.shape)
        np.testing.assert_allclose(stored[seen], everywhere[seen], atol=1e-4)


@pytest.mark.parametrize(
    ("which", "projection"),
    [("cut_by_space", "global"), ("cut_with_axes", "global"), ("cut_with_axes", "polar")],
)
def test_real_subsets_are_refused_for_want_of_freeze_thaw(
    request: pytest.FixtureRequest, which: str, projection: Any
) -> None:
    path = request.getfixturevalue(which)
    with pytest.raises(MissingVariable, match=r"expected freeze_thaw, found .*latitude") as error:
        SmapL3Ft(projection=projection).read(path)
    assert path.name in str(error.value)


def test_flags_of_a_real_file_have_the_documented_bits(cut_by_space: Path) -> None:
    with xr.open_dataset(cut_by_space, group=GLOBAL, mask_and_scale=False) as dataset:
        flag = dataset["surface_flag"].load()
    assert surface_bits(flag, cut_by_space) == surface_bits(flag.drop_attrs(), cut_by_space)
    bits = surface_bits(flag, cut_by_space)
    share = {name: float(((flag.values & bit) > 0).mean()) for name, bit in bits.items()}
    # Around Hudson Bay in April: water and snow, no mountains.
    assert share["high_water_fraction"] == pytest.approx(0.574, abs=0.001)
    assert share["snow_or_ice"] == pytest.approx(0.546, abs=0.001)
    assert share["mountains"] == 0


def test_a_real_file_with_states_added_is_read(cut_by_space: Path) -> None:
    """Real coordinates and surface flags; 57 % of the cells are water and have no state."""
    with h5py.File(cut_by_space, "a") as file:
        group = file[GLOBAL]
        flag, lat = group["surface_flag"][...], group["latitude"][...]
        fields = {
            "freeze_thaw": (lat > 56).astype("uint8"),
            "retrieval_qual_flag": np.zeros(flag.shape, "uint16"),
        }
        for name, values in fields.items():
            group[name] = values
            for i in range(3):
                group[name].dims[i].attach_scale(file[f"dim{i}"])
    grid = PRESETS["ease2-global-36km"].window(slice(16, 45), slice(227, 279))
    found = placed(cut_by_space, grid)
    water = (flag & 0b1000011) > 0
    expected = np.where(water, MISSING, np.where(lat > 56, FROZEN, THAWED))
    np.testing.assert_array_equal(found["freeze_thaw"], expected)
    snow = ((flag >> 5) & 1 > 0) & ~water
    assert snow.any()
    np.testing.assert_array_equal((found["label_quality"] & 16 > 0) & ~water, snow)
