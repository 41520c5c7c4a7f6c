"""AMSR2 L3: orientation, missing codes and refusals, against files written here with h5py."""

from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from soilft.errors import (
    ConfigError,
    FormatMismatch,
    GridMismatch,
    InputError,
    MissingVariable,
    UnreadableGranule,
)
from soilft.grid import Grid, Region
from soilft.sources import Amsr2L3

NAME = "GW1AM2_20160101_01D_EQM{node}_L3SGT{band}LA2220220.h5"
DAY = date(2016, 1, 1)
SOURCE = Amsr2L3(("18",))


def written(folder: Path, counts: np.ndarray | None = None, **changes: Any) -> Path:
    """Write a granule as JAXA lays it out."""
    node, band = changes.get("node", "D"), changes.get("band", "18")
    path = folder / str(changes.get("name", NAME.format(node=node, band=band)))
    if counts is None:
        counts = np.full((720, 1440), 25000, "uint16")
    with h5py.File(path, "w") as file:
        file.attrs["PlatformShortName"] = [changes.get("platform", b"GCOM-W1")]
        file.attrs["SensorShortName"] = [changes.get("sensor", b"AMSR2")]
        file.attrs["OrbitDirection"] = [changes.get("direction", b"Unknown")]
        file.attrs["GranuleID"] = [changes.get("identifier", path.stem.encode())]
        for polarization in changes.get("polarizations", "HV"):
            field = file.create_dataset(
                f"Brightness Temperature ({polarization})",
                data=counts
                - (counts > 2000) * (counts < 65534) * (2000 if polarization == "H" else 0),
                dtype=changes.get("dtype", "uint16"),
                compression="gzip",
            )
            field.attrs["SCALE FACTOR"] = np.array([changes.get("scale", 0.01)], "float32")
            if changes.get("unit", b"K") is not None:
                field.attrs["UNIT"] = changes.get("unit", b"K")
    return path


def placed(path: Path, grid: Grid) -> np.ndarray:
    granule = SOURCE.granule(str(path))
    assert granule is not None
    with SOURCE.read(path) as dataset:
        return SOURCE.place(dataset, granule, DAY, grid)["tb"]


def naming_cells() -> np.ndarray:
    """Counts that name their row and column: 2 a row and 20 a column, all in range."""
    return (10_000 + 20 * np.arange(1440)[None] + 2 * np.arange(720)[:, None]).astype("uint16")


@pytest.mark.parametrize(
    ("bounds", "first_column"),
    [
        ((0, 80, 2, 81), 0),
        ((90, 30, 92, 31), 360),
        ((-2, 10, 0, 11), 1432),
        ((-150, 60, -148, 61), 840),
    ],
)
def test_row_0_is_north_and_column_0_at_greenwich(
    tmp_path: Path, bounds: tuple[float, float, float, float], first_column: int
) -> None:
    grid = Region("window", "latlon-0.25", bounds).grid
    found = placed(written(tmp_path, naming_cells()), grid)
    row = round((90 - bounds[3]) * 4)
    expected = naming_cells()[row : row + 4, first_column : first_column + 8] * 0.01
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)
    np.testing.assert_allclose(found[1], expected - 20, rtol=1e-6)


def test_a_region_across_greenwich_has_no_seam(tmp_path: Path) -> None:
    grid = Region("window", "latlon-0.25", (-1, 10, 1, 11)).grid
    found = placed(written(tmp_path, naming_cells()), grid)[0]
    row = naming_cells()[316] * 0.01
    np.testing.assert_allclose(found[0], [*row[1436:], *row[:4]], rtol=1e-6)


WINDOW = Region("window", "latlon-0.25", (90, 30, 92, 31)).grid


def test_what_is_no_temperature_is_missing(tmp_path: Path) -> None:
    counts = np.full((720, 1440), 25000, "uint16")
    counts[236, 360:368] = [65534, 65535, 65533, 1, 0, 40000, 40001, 25000]
    path = written(tmp_path, counts)
    with SOURCE.read(path) as dataset:
        assert dataset.V[236, 360:362].isnull().all()
    found = placed(path, WINDOW)[0, 0]
    np.testing.assert_allclose(
        found, [np.nan, np.nan, np.nan, 0.01, np.nan, 400, np.nan, 250], rtol=1e-6
    )


@pytest.mark.parametrize("code", [0, 65534, 65535])
def test_a_file_without_any_observation_is_missing(tmp_path: Path, code: int) -> None:
    path = written(tmp_path, np.full((720, 1440), code, "uint16"))
    granule = SOURCE.granule(str(path))
    assert granule is not None
    with SOURCE.read(path) as dataset:
        part = SOURCE.place(dataset, granule, DAY, WINDOW)
    found = SOURCE.combine([(granule, part)], DAY, WINDOW)
    assert np.isnan(found["tb"]).all()
    assert np.isnan(found["observation_time"]).all()


def test_signed_numbers_that_say_their_unit_give_the_same_temperatures(tmp_path: Path) -> None:
    counts = np.full((720, 1440), 25000, "int16")
    counts[236, 360:364] = [-32768, -2, -1, 32767]
    found = placed(written(tmp_path, counts, dtype="int16"), WINDOW)[0, 0]
    np.testing.assert_allclose(
        found, [np.nan, np.nan, np.nan, 327.67, 250, 250, 250, 250], rtol=1e-6
    )


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_unsigned_numbers_need_no_unit_and_may_be_stored_in_either_byte_order(
    tmp_path: Path, dtype: str
) -> None:
    path = written(tmp_path, naming_cells(), dtype=dtype, unit=None)
    expected = naming_cells()[236, 360:368] * 0.01
    np.testing.assert_allclose(placed(path, WINDOW)[0, 0], expected, rtol=1e-6)


def test_nodes_and_channels_are_stacked_with_their_nominal_time(tmp_path: Path) -> None:
    source = Amsr2L3(("36", "18"))
    grid = Region("window", "latlon-0.25", (90, 30, 91, 31)).grid
    parts = []
    for node, band, value in (("D", "18", 240), ("A", "18", 250), ("D", "36", 260)):
        path = written(tmp_path, np.full((720, 1440), value * 100, "uint16"), node=node, band=band)
        granule = source.granule(str(path))
        assert granule is not None
        assert granule.days == (DAY,)
        with source.read(path) as dataset:
            parts.append((granule, source.place(dataset, granule, DAY, grid)))
    assert source.channels == ("18.7V", "18.7H", "36.5V", "36.5H")
    assert source.overpasses == ("AM", "PM")
    for order in (parts, parts[::-1]):
        found = source.combine(order, DAY, grid)
        np.testing.assert_allclose(
            found["tb"][:, :, 0, 0], [[240, 220, 260, 240], [250, 230, np.nan, np.nan]]
        )
    # 01:30 and 13:30 local solar time at 90.125 degrees east.
    np.testing.assert_allclose(
        found["observation_time"][:, 0, 0], [19.5 - 0.125 / 15, 7.5 - 0.125 / 15], rtol=1e-6
    )


def test_a_node_that_was_not_observed_has_no_time(tmp_path: Path) -> None:
    grid = Region("window", "latlon-0.25", (90, 30, 91, 31)).grid
    path = written(tmp_path)
    granule = SOURCE.granule(str(path))
    assert granule is not None
    with SOURCE.read(path) as dataset:
        part = SOURCE.place(dataset, granule, DAY, grid)
    found = SOURCE.combine([(granule, part)], DAY, grid)
    assert np.isfinite(found["observation_time"][0]).all()
    assert np.isnan(found["observation_time"][1]).all()


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"sensor": b"AMSR-E"}, FormatMismatch, "expected AMSR2, found AMSR-E"),
        ({"sensor": b"none"}, FormatMismatch, "SensorShortName: expected AMSR2, found none"),
        ({"platform": b"Aqua"}, FormatMismatch, "expected GCOM-W1, found Aqua"),
        ({"direction": b"Ascending"}, FormatMismatch, "OrbitDirection: expected D, found A"),
        (
            {"identifier": NAME.format(node="A", band="18").removesuffix(".h5").encode()},
            FormatMismatch,
            "GranuleID: expected .*EQMD_.*, found .*EQMA_",
        ),
        (
            {"identifier": b"GW1AM2_20160102_01D_EQMD_L3SGT18LA2220220"},
            FormatMismatch,
            "expected GW1AM2_20160101.*found GW1AM2_20160102",
        ),
        ({"scale": 0.1}, FormatMismatch, r"SCALE FACTOR 0\.01.*found uint16 with .* 0\.1 "),
        ({"scale": -0.01}, FormatMismatch, r"SCALE FACTOR 0\.01.*found uint16 with .* -0\.01 "),
        ({"unit": b"degC"}, FormatMismatch, "UNIT K.*found .* UNIT degC"),
        ({"dtype": "int16", "unit": None}, FormatMismatch, "UNIT K.*found int16 .* UNIT none"),
        ({"dtype": "float32"}, FormatMismatch, "expected uint16.*found float32"),
        ({"dtype": "int32"}, FormatMismatch, "expected uint16.*int16.*found int32"),
        ({"polarizations": "V"}, MissingVariable, r"expected Brightness Temperature \(H\)"),
    ],
)
def test_files_of_another_kind_are_refused(
    tmp_path: Path, changes: dict[str, Any], kind: type[InputError], words: str
) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(kind, match=words) as error, SOURCE.read(path):
        pass
    assert path.name in str(error.value)


@pytest.mark.parametrize("version", ["1110110", "3300300"])
def test_another_version_is_a_granule_but_is_refused(tmp_path: Path, version: str) -> None:
    name = NAME.format(node="D", band="18").replace("2220220", version)
    granule, right = SOURCE.granule(name), SOURCE.granule(NAME.format(node="D", band="18"))
    assert granule is not None
    assert right is not None
    assert granule.version == version
    # A slot of its own: were it the newest of one slot, the day would be lost with it.
    assert granule.slot != right.slot
    path = written(tmp_path, name=name)
    with pytest.raises(FormatMismatch, match="version: expected 2 as its first digit") as error:
        SOURCE.read(path)
    assert path.name in str(error.value)
    assert error.value.found == version


def test_the_letter_of_a_tenth_of_a_degree_is_refused(tmp_path: Path) -> None:
    name = NAME.format(node="D", band="18").replace("LA222", "HA222")
    granule, right = SOURCE.granule(name), SOURCE.granule(NAME.format(node="D", band="18"))
    assert granule is not None
    assert right is not None
    assert granule.slot != right.slot
    path = written(tmp_path, name=name)
    with pytest.raises(GridMismatch, match=r"letter L.*found letter H") as error:
        SOURCE.read(path)
    assert path.name in str(error.value)


def test_a_file_without_a_name_of_the_product_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatMismatch, match=r"other\.h5: expected a name of amsr2-l3-25km"):
        SOURCE.read(written(tmp_path, name="other.h5"))


@pytest.mark.parametrize("shape", [(1800, 3600), (720, 1439), (1440, 720)])
def test_cells_of_a_tenth_of_a_degree_are_refused(tmp_path: Path, shape: tuple[int, int]) -> None:
    path = written(tmp_path, np.full(shape, 25000, "uint16"))
    with pytest.raises(GridMismatch, match=r"\(720, 1440\).*letter L.*letter H") as error:
        SOURCE.read(path)
    assert path.name in str(error.value)
    assert error.value.found == str(shape)


@pytest.mark.parametrize("keep", [100, 2000, -500])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnreadableGranule, match=r"EQMD_L3SGT18LA2220220\.h5.*a whole"):
        SOURCE.read(path)


def test_names_tell_band_node_and_day() -> None:
    granule = SOURCE.granule("s3://archive/2016/" + NAME.format(node="A", band="18"))
    assert granule is not None
    assert (granule.slot, granule.version, granule.days) == ("A18", "2220220", (DAY,))
    assert SOURCE.granule(NAME.format(node="A", band="36")) is None
    assert SOURCE.granule("GW1AM2_20160100_01M_EQMA_L3SGT18LA2220220.h5") is None
    assert SOURCE.granule("GW1AM2_20160230_01D_EQMA_L3SGT18LA2220220.h5") is None
    assert SOURCE.granule("AQAME_20160101_01D_EQMA_L3SGT18LA2220220.h5") is None


@pytest.mark.parametrize("bands", [(), ("19",)])
def test_unknown_bands_are_refused(bands: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="some of 06, 07, 10"):
        Amsr2L3(bands)
