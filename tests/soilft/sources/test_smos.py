"""SMOS L3 freeze/thaw: both versions and both codings, against files written here with h5py."""

from datetime import date
from pathlib import Path

import h5py
import numpy as np
import pyproj
import pytest

from soilft.errors import (
    FormatMismatch,
    GridMismatch,
    InputError,
    MissingVariable,
    UnreadableGranule,
)
from soilft.grid import Grid, Region
from soilft.schema import FROZEN, MISSING, PARTIAL, THAWED
from soilft.sources import SmosL3Ft

V3 = "W_XX-ESA,SMOS,NH_25KM_EASE2_20160101_o_v301_01_l3soilft.nc"
V2 = "W_XX-ESA,SMOS,NH_25KM_EASE2_20160101_o_v201_01_l3soilft.nc"
DAY = date(2016, 1, 1)
SOURCE = SmosL3Ft()
ALASKA = Region("alaska", "ease2-north-25km", (-156, 62, -148, 66)).grid
X = -8_987_500 + 25_000.0 * np.arange(720)
FROM_ONE = {"values": [1, 2, 3], "meanings": "Thaw Partial Frozen"}
FROM_ZERO = {"values": [0, 1, 2], "meanings": "thaw partial_frozen frozen"}


def written(
    path: Path, layers: dict[str, np.ndarray], flags: dict | None = None, **axes: np.ndarray
) -> Path:
    """Write a file; other keys of the flags than values and meanings are further attributes."""
    flags = flags or FROM_ONE
    further = {key: value for key, value in flags.items() if key not in ("values", "meanings")}
    with h5py.File(path, "w") as file:
        for name, axis in (("x", axes.get("x", X)), ("y", axes.get("y", X[::-1]))):
            file[name] = axis
            file[name].make_scale(name)
            file[name].attrs["units"] = "m"
        for name, codes in layers.items():
            file[name] = codes
            if "values" in flags:
                text = isinstance(flags["values"], str)
                file[name].attrs["flag_values"] = (
                    flags["values"] if text else np.array(flags["values"], codes.dtype)
                )
            if "meanings" in flags:
                file[name].attrs["flag_meanings"] = flags["meanings"]
            file[name].attrs.update(further)
            for i, dim in enumerate(("y", "x")):
                file[name].dims[i].attach_scale(file[dim])
    return path


def placed(path: Path, grid: Grid = ALASKA) -> dict[str, np.ndarray]:
    granule = SOURCE.granule(str(path))
    assert granule is not None
    assert granule.days == (DAY,)
    with SOURCE.read(path) as dataset:
        return SOURCE.combine([(granule, SOURCE.place(dataset, granule, DAY, grid))], DAY, grid)


def at(field: np.ndarray, lon: float, lat: float) -> int:
    """Value of the cell of a region that holds a place."""
    x, y = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:6931", always_xy=True).transform(lon, lat)
    return int(field[int((ALASKA.top - y) // 25_000), int((x - ALASKA.left) // 25_000)])


def marked(lon: float, lat: float, code: int, rest: int) -> np.ndarray:
    """Codes of a whole file in which one place differs."""
    x, y = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:6931", always_xy=True).transform(lon, lat)
    codes = np.full((720, 720), rest, "uint8")
    codes[int((9e6 - y) // 25_000), int((x + 9e6) // 25_000)] = code
    return codes


def test_version_3_has_the_morning_from_ascending_and_the_evening_from_descending(
    tmp_path: Path,
) -> None:
    layers = {"L3FT_asc": marked(-150, 64, 3, 1), "L3FT_dsc": marked(-152, 64, 2, 3)}
    found = placed(written(tmp_path / V3, layers))["freeze_thaw"]
    assert SOURCE.overpasses == ("AM", "PM")
    assert at(found[0], -150, 64) == FROZEN
    assert (found[0] == FROZEN).sum() == 1
    assert (found[0] == THAWED).sum() == found[0].size - 1
    assert at(found[1], -152, 64) == PARTIAL
    assert (found[1] == FROZEN).sum() == found[1].size - 1


def test_version_2_has_the_evening_only(tmp_path: Path) -> None:
    found = placed(written(tmp_path / V2, {"L3FT": marked(-150, 64, 1, 3)}))
    assert (found["freeze_thaw"][0] == MISSING).all()
    assert np.isnan(found["observation_time"][0]).all()
    assert at(found["freeze_thaw"][1], -150, 64) == THAWED
    assert np.isfinite(found["observation_time"][1]).all()


@pytest.mark.parametrize("flags", [FROM_ONE, FROM_ZERO], ids=["from-1", "from-0"])
def test_the_files_own_flags_decide_what_a_code_means(tmp_path: Path, flags: dict) -> None:
    rows, columns = slice(None), slice(None)
    first = flags["values"][0]
    codes = np.full((720, 720), 255, "uint8")
    region = np.arange(ALASKA.shape[0] * ALASKA.shape[1]).reshape(ALASKA.shape) % 4
    row, column = int((9e6 - ALASKA.top) / 25e3), int((ALASKA.left + 9e6) / 25e3)
    codes[row : row + ALASKA.shape[0], column : column + ALASKA.shape[1]] = np.where(
        region == 3, 255, region + first
    )
    found = placed(written(tmp_path / V3, {"L3FT_dsc": codes}, flags))["freeze_thaw"][1]
    expected = np.array([THAWED, PARTIAL, FROZEN, MISSING], "uint8")[region]
    np.testing.assert_array_equal(found[rows, columns], expected)


def test_a_code_without_a_meaning_is_missing(tmp_path: Path) -> None:
    found = placed(written(tmp_path / V3, {"L3FT_dsc": marked(-150, 64, 0, 1)}))["freeze_thaw"][1]
    assert at(found, -150, 64) == MISSING


@pytest.mark.parametrize(
    ("flags", "dtype", "missing"),
    [
        (FROM_ONE | {"valid_range": np.array([1, 3], "uint8")}, "uint8", 255),
        (FROM_ONE | {"_FillValue": np.uint8(0)}, "uint8", 0),
        (FROM_ONE | {"_FillValue": np.int8(-1)}, "int8", -1),
        (FROM_ZERO | {"_FillValue": np.uint8(255)}, "uint8", 255),
        (FROM_ZERO | {"missing_value": np.int16(-9999)}, "int16", -9999),
        ({"values": "0b, 1b, 2b", "meanings": "thaw, partial, frozen"}, "int16", 257),
        ({"values": [0, 1, 2, 255], "meanings": "thaw partial frozen no_data"}, "uint8", 255),
    ],
)
def test_integers_of_any_kind_are_read_with_their_fill(
    tmp_path: Path, flags: dict, dtype: str, missing: int
) -> None:
    first = 1 if flags["meanings"] == FROM_ONE["meanings"] else 0
    codes = np.full((720, 720), missing, dtype)
    row, column = int((9e6 - ALASKA.top) / 25e3), int((ALASKA.left + 9e6) / 25e3)
    codes[row, column : column + 3] = np.arange(first, first + 3)
    found = placed(written(tmp_path / V3, {"L3FT_asc": codes}, flags))["freeze_thaw"][0]
    np.testing.assert_array_equal(found[0, :3], [THAWED, PARTIAL, FROZEN])
    assert (found != MISSING).sum() == 3


@pytest.mark.parametrize("flags", [FROM_ONE, FROM_ZERO], ids=["from-1", "from-0"])
@pytest.mark.parametrize(("name", "layer"), [(V2, "L3FT"), (V3, "L3FT_dsc")])
def test_a_file_without_any_state_is_missing(
    tmp_path: Path, flags: dict, name: str, layer: str
) -> None:
    found = placed(written(tmp_path / name, {layer: np.full((720, 720), 255, "uint8")}, flags))
    assert (found["freeze_thaw"] == MISSING).all()
    assert np.isnan(found["observation_time"]).all()


@pytest.mark.parametrize("word", ["not_frozen", "unfrozen", "non-frozen", "THAWED"])
def test_soil_that_is_not_frozen_is_thawed(tmp_path: Path, word: str) -> None:
    flags = {"values": [1, 3], "meanings": f"{word} frozen"}
    codes = marked(-150, 64, 3, 1)
    found = placed(written(tmp_path / V3, {"L3FT_asc": codes}, flags))["freeze_thaw"][0]
    assert (found == THAWED).sum() == found.size - 1
    assert at(found, -150, 64) == FROZEN


def test_time_is_the_nominal_one_of_the_overpass(tmp_path: Path) -> None:
    codes = np.full((720, 720), 1, "uint8")
    found = placed(written(tmp_path / V3, {"L3FT_asc": codes, "L3FT_dsc": codes}))
    longitude = ALASKA.lonlat[0]
    for overpass, hour in enumerate((6.0, 18.0)):
        expected = (hour - longitude / 15) % 24
        np.testing.assert_allclose(found["observation_time"][overpass], expected, atol=1e-4)


def test_onto_a_geographic_grid_by_majority(tmp_path: Path) -> None:
    grid = Region("window", "latlon-0.25", (88, 32, 90, 34)).grid
    _lon, lat = Region("all", "ease2-north-25km", (-180, 0, 180, 90)).grid.lonlat
    codes = np.where(lat > 33, 3, 1).astype("uint8")
    assert codes.shape == (720, 720)
    found = placed(written(tmp_path / V3, {"L3FT_asc": codes}), grid)["freeze_thaw"][0]
    far = np.abs(grid.lonlat[1] - 33) > 0.3
    expected = np.where(grid.lonlat[1] > 33, FROZEN, THAWED)
    np.testing.assert_array_equal(found[far], expected[far])


GOOD = np.ones((720, 720), "uint8")


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        ({"values": [1, 2, 3], "meanings": "one two three"}, "one"),
        ({"values": [1, 2], "meanings": "Thaw Partial"}, "partial"),
        ({"values": [1], "meanings": ""}, r"\[1\]"),
        ({"meanings": "Thaw Partial Frozen"}, r"\[\] \['thaw'"),
        ({"valid_range": np.array([1, 3], "uint8")}, r"\[\] \[\], valid \[1, 3\]"),
        ({"values": [0, 1, 2], "meanings": "thaw frozen"}, r"\[0, 1, 2\] \['thaw', 'frozen'\]"),
        (FROM_ZERO | {"valid_range": np.array([1, 3], "uint8")}, r"valid \[1, 3\]"),
        (FROM_ZERO | {"_FillValue": np.uint8(0)}, r"fill \[0\]"),
    ],
)
def test_unknown_flags_are_refused(tmp_path: Path, flags: dict, found: str) -> None:
    path = written(tmp_path / V3, {"L3FT_asc": GOOD}, flags)
    with pytest.raises(
        FormatMismatch, match=f"flags of L3FT_asc.*name thaw and frozen.*{found}"
    ) as error:
        SOURCE.read(path)
    assert V3 in str(error.value)


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"y": X}, r"expected y 8\.9875e\+06.*found -8\.9875e\+06"),
        ({"x": X + 12_500}, r"expected x -8\.9875e\+06"),
        ({"x": X[::-1]}, "expected x"),
    ],
)
def test_another_grid_or_orientation_is_refused(
    tmp_path: Path, axes: dict[str, np.ndarray], words: str
) -> None:
    path = written(tmp_path / V3, {"L3FT_asc": GOOD}, **axes)
    with pytest.raises(GridMismatch, match=words) as error:
        SOURCE.read(path)
    assert V3 in str(error.value)


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / V3, {"L3FT_asc": GOOD[:500]}, y=X[::-1][:500])
    with pytest.raises(GridMismatch, match="500 cells"):
        SOURCE.read(path)


def test_a_transposed_layer_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / V3, {"L3FT_asc": GOOD})
    with h5py.File(path, "a") as file:
        for i, (old, new) in enumerate((("y", "x"), ("x", "y"))):
            file["L3FT_asc"].dims[i].detach_scale(file[old])
            file["L3FT_asc"].dims[i].attach_scale(file[new])
    with pytest.raises(FormatMismatch, match=r"dimensions \(y, x\), found uint8 .*\(x, y\)"):
        SOURCE.read(path)


def test_classes_that_are_no_integers_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / V3, {"L3FT_asc": GOOD.astype("float32")})
    with pytest.raises(FormatMismatch, match=r"L3FT_asc: expected integers.*float32") as error:
        SOURCE.read(path)
    assert V3 in str(error.value)


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({"grid_mapping_name": "polar_stereographic"}, "polar_stereographic"),
        ({"latitude_of_projection_origin": -90.0}, "-90"),
        ({"latitude_of_projection_origin": 90.0}, None),
    ],
)
def test_another_projection_is_refused(tmp_path: Path, attributes: dict, found: str | None) -> None:
    path = written(tmp_path / V3, {"L3FT_asc": GOOD})
    with h5py.File(path, "a") as file:
        file["crs"] = 0
        file["crs"].attrs.update(attributes)
    if found is None:
        SOURCE.read(path).close()
        return
    with pytest.raises(
        GridMismatch, match=f"crs: expected lambert_azimuthal_equal_area, 90.0, found {found}"
    ) as error:
        SOURCE.read(path)
    assert V3 in str(error.value)


OPERATIONAL = "W_XX-ESA,SMOS,NH_25KM_EASE2_20160101_o_01_l3soilft.nc"


@pytest.mark.parametrize(
    ("name", "layers", "found"),
    [
        (V2, ["L3FT", "L3FT_asc"], "201 with L3FT, L3FT_asc"),
        (V3, ["L3FT", "L3FT_dsc"], "301 with L3FT, L3FT_dsc"),
        (V2, ["L3FT_asc", "L3FT_dsc"], "201 with L3FT_asc, L3FT_dsc"),
        (V3, ["L3FT"], "301 with L3FT"),
        (V2.replace("v201", "v101"), ["L3FT"], "101 with L3FT"),
        (V3.replace("v301", "v400"), ["L3FT_asc", "L3FT_dsc"], "400 with L3FT_asc, L3FT_dsc"),
        (OPERATIONAL, ["L3FT", "L3FT_asc"], "none with L3FT, L3FT_asc"),
    ],
)
def test_a_layout_that_is_not_its_versions_is_a_granule_that_is_refused(
    tmp_path: Path, name: str, layers: list[str], found: str
) -> None:
    granule = SOURCE.granule(name)
    assert granule is not None
    assert granule.days == (DAY,)
    path = written(tmp_path / name, dict.fromkeys(layers, GOOD))
    with pytest.raises(FormatMismatch, match=f"L3FT and v2xx.* and v3xx.*found {found}$") as error:
        SOURCE.read(path)
    assert name in str(error.value)


def test_the_layers_tell_the_version_of_an_operational_file(tmp_path: Path) -> None:
    layers = {"L3FT_asc": marked(-150, 64, 3, 1), "L3FT_dsc": marked(-150, 64, 1, 3)}
    both = placed(written(tmp_path / OPERATIONAL, layers))["freeze_thaw"]
    assert (at(both[0], -150, 64), at(both[1], -150, 64)) == (FROZEN, THAWED)
    evening = placed(written(tmp_path / OPERATIONAL, {"L3FT": GOOD}))["freeze_thaw"]
    assert (evening[0] == MISSING).all()
    assert (evening[1] != MISSING).all()


def test_the_newest_version_compares_as_newest() -> None:
    names = [OPERATIONAL, V2, V2.replace("_01_l3", "_02_l3"), V2.replace("v201", "v300"), V3]
    versions = [granule.version for granule in map(SOURCE.granule, names) if granule]
    assert versions == ["000_01", "201_01", "201_02", "300_01", "301_01"]
    assert versions == sorted(versions)


def test_quality_and_processing_mask_of_the_file_change_nothing(tmp_path: Path) -> None:
    """What their values mean could not be confirmed: a label is not dropped on a guess."""
    path = written(tmp_path / V2, {"L3FT": marked(-150, 64, 3, 1)})
    plain = placed(path)
    with h5py.File(path, "a") as file:
        for name, value in (("quality_flag", 255), ("uncertainty", 100), ("PM", 8)):
            file[name] = np.full((720, 720), value, "uint8")
            for i, dim in enumerate(("y", "x")):
                file[name].dims[i].attach_scale(file[dim])
    for name, values in placed(path).items():
        np.testing.assert_array_equal(values, plain[name])


def test_no_known_layer_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / V3, {"soil_state": GOOD})
    with pytest.raises(MissingVariable, match=r"L3FT_asc, L3FT_dsc or L3FT, found .*soil_state"):
        SOURCE.read(path)


@pytest.mark.parametrize("keep", [200, -1000])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = written(tmp_path / V3, {"L3FT_asc": GOOD})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnreadableGranule) as error:
        SOURCE.read(path)
    assert isinstance(error.value, InputError)
    assert V3 in str(error.value)


def test_other_names_are_not_granules() -> None:
    assert SOURCE.granule("W_XX-ESA,SMOS,NH_25KM_EASE2_20160101_o_v301_01_l3sm.nc") is None
