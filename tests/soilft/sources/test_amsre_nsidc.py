"""NSIDC-0302: flat binary without header, of which only size and values can tell what it is."""

import gzip
import pickle
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from soilft.errors import ConfigError, FormatMismatch, GridMismatch, UnreadableGranule
from soilft.grid import Grid, Region
from soilft.sources.amsr2 import Amsr2L3
from soilft.sources.amsre_nsidc import AmsrENsidc
from soilft.sources.protocol import Arrays, Granule

DAY = date(2009, 9, 1)
SOURCE = AmsrENsidc(("18",))
WINDOW = Region("window", "latlon-0.25", (90, 30, 92, 31)).grid
ROW, COLUMN = 236, 1080  # of the window's first cell
LON = -179.875 + 0.25 * np.arange(1440)


def named(what: str = "18V", node: str = "A", version: str = "03", end: str = ".gz") -> str:
    return f"ID2r1-AMSRE-D.252009244{node}.v{version}.{what}{end}"


def written(folder: Path, values: np.ndarray, name: str) -> Path:
    """Write an array as it is, packed where the name says so."""
    path = folder / name
    content = values.tobytes()
    path.write_bytes(gzip.compress(content, 1) if name.endswith(".gz") else content)
    return path


def counts(value: int = 2500) -> np.ndarray:
    return np.full((720, 1440), value, "<u2")


def naming_cells() -> np.ndarray:
    """Counts that name their row and column, between 50 and 400 K."""
    rows, columns = np.arange(720)[:, None], np.arange(1440)[None]
    return (1000 + (rows * 7 + columns * 3) % 2900).astype("<u2")


def minutes(node: str = "A", off: float = 0.0) -> np.ndarray:
    """Minutes of the UTC day at a node's local solar time, everywhere."""
    hour = ({"A": 13.5, "D": 1.5}[node] + off - LON / 15) % 24
    return np.broadcast_to(np.round(60 * hour), (720, 1440)).astype("<i2")


def granule_of(path: Path, source: AmsrENsidc = SOURCE) -> Granule:
    granule = source.granule(str(path))
    assert granule is not None
    return granule


def placed(path: Path, grid: Grid = WINDOW, source: AmsrENsidc = SOURCE) -> tuple[Granule, Arrays]:
    granule = granule_of(path, source)
    with source.read(path) as dataset:
        return granule, source.place(dataset, granule, DAY, grid)


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize(
    ("bounds", "row", "column"),
    [
        ((-180, 89, -178, 90), 0, 0),
        ((90, 30, 92, 31), ROW, COLUMN),
        ((178, -90, 180, -89), 716, 1432),
    ],
)
def test_row_0_is_north_and_column_0_at_180_degrees_west(
    tmp_path: Path, bounds: tuple[float, float, float, float], row: int, column: int, end: str
) -> None:
    path = written(tmp_path, naming_cells(), named(end=end))
    found = placed(path, Region("window", "latlon-0.25", bounds).grid)[1]["tb"]
    expected = naming_cells()[row : row + 4, column : column + 8] * 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("none", [0, 65535])
def test_either_code_for_no_data_is_missing(tmp_path: Path, none: int) -> None:
    values = counts(none)
    values[ROW, COLUMN : COLUMN + 4] = [2500, 2501, 4000, 2500]
    found = placed(written(tmp_path, values, named()))[1]["tb"]
    np.testing.assert_allclose(found[0], [250, 250.1, 400, 250, *[np.nan] * 4], rtol=1e-6)
    assert np.isnan(found[1:]).all()


def test_a_few_impossible_temperatures_are_missing(tmp_path: Path) -> None:
    values = counts()
    values[ROW, COLUMN : COLUMN + 2] = [4001, 60000]
    found = placed(written(tmp_path, values, named()))[1]["tb"]
    np.testing.assert_allclose(found[0], [np.nan, np.nan, *[250] * 6], rtol=1e-6)


def test_another_code_for_no_data_fits_neither_reading_and_is_refused(tmp_path: Path) -> None:
    values = counts(9999)
    values[:100] = 2500
    path = written(tmp_path, values, named())
    with pytest.raises(FormatMismatch, match="50 to 400 K, found 14% of 1036800 cells") as error:
        SOURCE.read(path)
    assert path.name in str(error.value)


def test_big_endian_temperatures_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, naming_cells().astype(">u2"), named())
    with pytest.raises(
        FormatMismatch, match=r"expected little-endian uint16 in tenths of K.*found big-endian"
    ) as error:
        SOURCE.read(path)
    assert path.name in str(error.value)


@pytest.mark.parametrize("factor", [0.1, 10])
def test_temperatures_of_another_unit_are_refused(tmp_path: Path, factor: float) -> None:
    path = written(tmp_path, (naming_cells() // 2 * factor + 500).astype("<u2"), named())
    if factor == 0.1:  # kelvins, not tenths of them
        path = written(tmp_path, np.full((720, 1440), 250, "<u2"), named())
    with pytest.raises(FormatMismatch, match=r"in tenths of K.*cells possible") as error:
        SOURCE.read(path)
    assert path.name in str(error.value)


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("cells", [720 * 1440 - 1, 720 * 1440 + 1, 584 * 1388, 1800 * 3600])
def test_a_file_of_another_size_is_refused(tmp_path: Path, cells: int, end: str) -> None:
    path = written(tmp_path, np.full(cells, 2500, "<u2"), named(end=end))
    found = str(2 * cells) if cells < 720 * 1440 else "more than 2073600"
    with pytest.raises(GridMismatch, match="expected 2073600 bytes") as error:
        SOURCE.read(path)
    assert path.name in str(error.value)
    assert error.value.found == found


def test_a_file_that_unpacks_to_far_more_is_refused_without_unpacking_it(tmp_path: Path) -> None:
    path = tmp_path / named()
    with gzip.open(path, "wb", 9) as file:
        for _ in range(64):
            file.write(bytes(2**20))
    # Damage behind what is needed: only a reader that goes on would stumble over it.
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(GridMismatch, match=r"expected 2073600 bytes.*found more"):
        SOURCE.read(path)


@pytest.mark.parametrize("damage", ["cut", "checksum", "middle"])
def test_a_damaged_archive_is_refused(tmp_path: Path, damage: str) -> None:
    path = written(tmp_path, naming_cells(), named())
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[-1000:]
    elif damage == "checksum":
        content[-6] ^= 0xFF
    else:
        content[2000:2100] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(UnreadableGranule, match=r"packed with gzip or not, found .+") as error:
        SOURCE.read(path)
    assert path.name in str(error.value)


def test_a_file_unpacked_on_the_way_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / named(end=".gz")
    path.write_bytes(counts().tobytes())
    np.testing.assert_allclose(placed(path)[1]["tb"], 250, rtol=1e-6)


def test_time_is_that_of_the_time_file(tmp_path: Path) -> None:
    times = minutes("A", off=0.5).copy()
    times[ROW, COLUMN + 1] = -32768
    parts = [
        placed(written(tmp_path, counts(), named("18V"))),
        placed(written(tmp_path, times, named("TIM"))),
    ]
    for order in (parts, parts[::-1]):
        found = SOURCE.combine(order, DAY, WINDOW)
        expected = [times[ROW, COLUMN] / 60, 7.5 - 0.375 / 15, times[ROW, COLUMN + 2] / 60]
        np.testing.assert_allclose(found["observation_time"][1, 0, :3], expected, atol=1e-5)
        assert np.isnan(found["observation_time"][0]).all()


def test_time_is_nominal_without_a_time_file_and_missing_without_data(tmp_path: Path) -> None:
    values = counts()
    values[ROW, COLUMN] = 0
    found = SOURCE.combine([placed(written(tmp_path, values, named("18H", "D")))], DAY, WINDOW)
    np.testing.assert_allclose(
        found["observation_time"][0, 0, :2], [np.nan, 19.5 - 0.375 / 15], rtol=1e-6
    )
    times_only = [placed(written(tmp_path, minutes("D"), named("TIM", "D")))]
    found = SOURCE.combine(times_only, DAY, WINDOW)
    assert np.isnan(found["observation_time"]).all()
    assert np.isnan(found["tb"]).all()


def test_midnight_is_averaged_across_and_its_two_ends_are_told_apart(tmp_path: Path) -> None:
    # 13:30 local solar time is 00:00 UTC at 157.5 degrees west.
    fine = Region("window", "latlon-0.25", (-158, 0, -157, 1)).grid
    coarse = Grid(fine.crs, fine.left, fine.top, 1.0, 1.0, (1, 1))
    path = written(tmp_path, minutes("A"), named("TIM"))
    hour = placed(path, coarse)[1]["observation_time"][0, 0]
    assert min(hour, 24 - hour) < 0.1
    first = 88  # column of the fine window's first cell
    for end, expected in ((0, 0.0), (1440, 24.0)):
        times = minutes("A").copy()
        times[:, first : first + 4] = end
        found = placed(written(tmp_path, times, named("TIM")), fine)[1]["observation_time"]
        np.testing.assert_allclose(found[:, :4], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (minutes("A").astype(">i2"), "0 to 1440, or -32768, found big-endian"),
        (minutes("A") * 60.0, "0 to 1440, or -32768, found .* other values"),
        (np.full((720, 1440), -1), "found 1036800 other values, as -1"),
        (minutes("A") / 6, "within 2 h of local solar time 13.5 h.*found .* h off"),
        (minutes("D"), r"local solar time 13.5 h \(node A\).*found 12.0 h off"),
        (np.roll(minutes("A"), 720, axis=1), "columns from 180 degrees west, found 12.0 h off"),
    ],
    ids=["big-endian", "seconds", "other fill", "tenths of hours", "other node", "rolled"],
)
def test_times_that_cannot_be_are_refused(tmp_path: Path, wrong: np.ndarray, words: str) -> None:
    kind = wrong.dtype if wrong.dtype.kind == "i" and wrong.itemsize == 2 else np.dtype("<i2")
    path = written(tmp_path, wrong.astype("int64").astype(kind), named("TIM"))
    with pytest.raises(FormatMismatch, match=words) as error:
        SOURCE.read(path)
    assert path.name in str(error.value)


@pytest.mark.parametrize("what", ["18V", "TIM"])
def test_a_file_without_any_observation_is_missing(tmp_path: Path, what: str) -> None:
    values = np.full((720, 1440), 0 if what == "18V" else -32768, "<i2")
    part = placed(written(tmp_path, values, named(what)))
    assert all(np.isnan(array).all() for array in part[1].values())
    found = SOURCE.combine([part], DAY, WINDOW)
    assert np.isnan(found["tb"]).all()
    assert np.isnan(found["observation_time"]).all()


def test_a_day_has_the_layout_of_amsr2(tmp_path: Path) -> None:
    source, other = AmsrENsidc(("36", "18")), Amsr2L3(("36", "18"))
    assert source.channels == other.channels
    assert repr(source.variables) == repr(other.variables)
    assert repr(source.coordinates) == repr(other.coordinates)
    parts = [
        placed(written(tmp_path, counts(value), named(what, node)), WINDOW, source)
        for what, node, value in (
            ("36H", "D", 2300),
            ("18V", "A", 2500),
            ("18H", "A", 2400),
            ("18V", "D", 2600),
        )
    ]
    for order in (parts, parts[::-1]):
        found = source.combine(order, DAY, WINDOW)
        nan = np.nan
        np.testing.assert_allclose(
            found["tb"][:, :, 0, 0], [[260, nan, nan, 230], [250, 240, nan, nan]], rtol=1e-6
        )
    assert found["tb"].dtype == found["observation_time"].dtype == np.float32


def test_names_tell_channel_node_and_day() -> None:
    granule = SOURCE.granule("https://host/nsidc-0302/2009/" + named())
    assert granule == Granule((DAY,), "A18V", "03", "https://host/nsidc-0302/2009/" + named())
    times = SOURCE.granule(named("TIM", "D", end=""))
    assert times is not None
    assert (times.slot, times.days) == ("DTIM", (DAY,))
    leap = SOURCE.granule("ID2r1-AMSRE-D.252008366A.v03.18V")
    assert leap is not None
    assert leap.days == (date(2008, 12, 31),)


@pytest.mark.parametrize(
    "name",
    [
        named("36V"),
        named("18X"),
        named().replace("244", "366"),
        named().replace("244", "000"),
        named().replace("2009244", "0000001"),
        "ID2r1-AMSRE-ML2009244A.v03.18V",
        "ID2r3-AMSRE-NL2009244D.v03.TIM",
        "copy-of-" + named(),
        named() + ".part",
    ],
)
def test_other_names_are_no_granules(name: str) -> None:
    assert SOURCE.granule(name) is None


def test_an_unknown_version_is_a_granule_but_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, counts(), named(version="04"))
    granule = granule_of(path)
    assert granule.version == "04"
    # A slot of its own: were it the newest of one slot, the day would be lost with it.
    assert granule.slot != granule_of(tmp_path / named()).slot
    with pytest.raises(FormatMismatch, match="expected v01, v02, v03, found v04") as error:
        SOURCE.read(path)
    assert path.name in str(error.value)


def test_a_file_without_a_name_of_the_product_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatMismatch, match=r"tb\.bin: expected a name of amsre-nsidc-0302-25km"):
        SOURCE.read(written(tmp_path, counts(), "tb.bin"))


@pytest.mark.parametrize("bands", [(), ("07",)])
def test_unknown_bands_are_refused(bands: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="some of 06, 10, 18, 23, 36, 89"):
        AmsrENsidc(bands)


def test_a_source_travels_to_workers() -> None:
    assert pickle.loads(pickle.dumps(SOURCE)) == SOURCE


def test_times_of_0_everywhere_else_mean_no_observation(tmp_path: Path) -> None:
    values = np.zeros((720, 1440), "<i2")
    values[200:300, 1000:1100] = minutes()[200:300, 1000:1100]
    found = placed(written(tmp_path, values, named("TIM")))[1]
    whole = placed(written(tmp_path, minutes(), named("TIM", node="A")))[1]
    [name] = found
    np.testing.assert_array_equal(found[name], whole[name])
    assert np.isfinite(found[name]).all()
