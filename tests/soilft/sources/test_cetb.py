"""CETB: both versions from their listings, and the true structure of real files."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from soilft.errors import ConfigError, FormatMismatch, GridMismatch, InputError, MissingVariable
from soilft.grid import Region
from soilft.sources import Amsr2Cetb, Amsr2L3, AmsrECetb
from soilft.testing import check_reader, check_refusals
from tests.contract import listing
from tests.contract.cetb import SHAPE, axes, cetb, name

DAY = date(2009, 9, 1)
SOURCE = AmsrECetb(("18", "36"))
PRESET = Region("window", "ease2-global-25km", (90, 30, 92, 31)).grid
WINDOW = Region("window", "latlon-0.25", (90, 30, 92, 31)).grid
ROW, COLUMN = (
    round((axes()[0][0] - PRESET.y[0]) / PRESET.height),
    round((PRESET.x[0] - axes()[1][0]) / PRESET.width),
)


def naming_cells() -> np.ndarray:
    """Temperatures that name their row and column, K."""
    return 150 + 0.1 * np.arange(SHAPE[0])[:, None] + 0.05 * np.arange(SHAPE[1])


def placed(path: Path, source: Any = SOURCE, grid: Any = PRESET) -> dict[str, np.ndarray]:
    granule = source.granule(str(path))
    assert granule is not None
    with source.read(path) as dataset:
        found: dict[str, np.ndarray] = source.place(dataset, granule, granule.days[0], grid)
    return found


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("sensor", "source"), [("AMSRE", SOURCE), ("AMSR2", Amsr2Cetb(("36",)))])
def test_a_file_as_listed_gives_its_own_cells(
    tmp_path: Path, version: int, sensor: str, source: Any
) -> None:
    day = date(2015, 9, 1) if sensor == "AMSR2" else DAY
    minutes = np.full(SHAPE, 450)
    path = cetb(
        tmp_path, sensor, day, version=version, kelvin=((0, 0), naming_cells()), minutes=minutes
    )
    assert listing.differences(path, f"cetb_v{version}") == []
    found = placed(path, source)
    rows, columns = PRESET.shape
    expected = naming_cells()[ROW : ROW + rows, COLUMN : COLUMN + columns]
    # Counts of 0.01 K.
    np.testing.assert_allclose(found["tb"], expected, atol=0.005001)
    np.testing.assert_allclose(found["observation_time"], 7.5, atol=1e-4)


def channels(folder: Path, version: int) -> list[Path]:
    """A day of two channels of each node; one cell unseen."""
    made = []
    for channel, node, level in (("18V", "D", 250.0), ("36H", "D", 230.0), ("36V", "A", 270.0)):
        field = np.full((20, 20), level)
        field[3, 4] = np.nan
        minutes = np.full((20, 20), {"D": 1170, "A": 450}[node])
        corner = ((ROW - 2, COLUMN - 2), field)
        made.append(
            cetb(
                folder, "AMSRE", DAY, channel=channel, node=node, version=version,
                kelvin=corner, minutes=minutes,
            )
        )  # fmt: skip
    return made


@pytest.mark.parametrize("version", [1, 2])
def test_the_promises_of_a_reader_are_kept(tmp_path: Path, version: int) -> None:
    paths = channels(tmp_path, version)
    with h5py.File(paths[0]) as file:
        counts = file["TB"][0]
    kelvin = np.where(counts > 0, counts * 0.01, np.nan)
    wrong = wrong_files(tmp_path, version)
    found = check_reader(
        SOURCE, paths, PRESET, day=DAY, stored={"tb": kelvin.astype("float32")}, wrong=wrong
    )
    assert SOURCE.channels == ("18.7V", "18.7H", "36.5V", "36.5H")
    nan = np.nan
    np.testing.assert_allclose(
        found["tb"][:, :, 0, 0], [[250, nan, nan, 230], [nan, nan, 270, nan]], rtol=1e-6
    )
    assert np.isnan(found["tb"][:, :, 1, 2]).all()
    assert np.isnan(found["observation_time"][:, 1, 2]).all()
    np.testing.assert_allclose(found["observation_time"][:, 0, 0], [19.5, 7.5], atol=1e-4)
    assert repr(SOURCE.variables) == repr(Amsr2L3(("18", "36")).variables)


def wrong_files(folder: Path, version: int) -> dict[str, Path]:
    """One file of each thing that can be wrong."""

    def wrong(what: str, edit: Callable[[h5py.File], None]) -> Path:
        path = cetb(folder / what.replace(" ", "-"), "AMSRE", DAY, version=version)
        with h5py.File(path, "r+") as file:
            edit(file)
        return path

    def moved(file: h5py.File) -> None:
        file["x"][...] = file["x"][...] + 1000

    def flipped(file: h5py.File) -> None:
        file["y"][...] = file["y"][...][::-1]

    def attribute(dataset: str, key: str, value: Any) -> Callable[[h5py.File], None]:
        return lambda file: file[dataset].attrs.__setitem__(key, value)

    def without(dataset: str) -> Callable[[h5py.File], None]:
        return lambda file: file.__delitem__(dataset)

    def next_day(file: h5py.File) -> None:
        file["time"][...] = file["time"][...] + 1

    return {
        "columns moved": wrong("columns moved", moved),
        "south first": wrong("south first", flipped),
        "other units": wrong("other units", attribute("TB", "units", np.bytes_("degC"))),
        "other scale": wrong("other scale", attribute("TB", "scale_factor", np.float32(0.1))),
        "an offset": wrong("an offset", attribute("TB", "add_offset", np.float32(100))),
        "other time": wrong("other time", attribute("TB_time", "units", np.bytes_("hours"))),
        "other day": wrong("other day", next_day),
        "other sensor": wrong("other sensor", attribute("/", "instrument", np.bytes_("SSM/I > S"))),
        "other projection": wrong(
            "other projection", attribute("crs", "srid", np.bytes_("urn:ogc:def:crs:EPSG::3410"))
        ),
        "other grid": wrong("other grid", attribute("crs", "long_name", np.bytes_("EASE2_M25km"))),
        "other image": wrong("other image", attribute("TB", "long_name", np.bytes_("SIR TB"))),
        "other version": wrong(
            "other version", attribute("/", "product_version", np.bytes_(f"v{3 - version}.0"))
        ),
        "a scale in words": wrong(
            "a scale in words", attribute("TB", "scale_factor", np.bytes_("0.01"))
        ),
        "no scale": wrong("no scale", lambda file: file["TB"].attrs.__delitem__("scale_factor")),
        "two scales": wrong("two scales", attribute("TB", "scale_factor", np.array([0.01, 0.01]))),
        "no temperature": wrong("no temperature", without("TB")),
        "no time": wrong("no time", without("TB_time")),
    }


@pytest.mark.parametrize(
    ("what", "kind", "words"),
    [
        ("columns moved", GridMismatch, r"y 6744307\.57\.\.-6744307\.57 \(north first\)"),
        ("south first", GridMismatch, r"found y -6744307\.57\.\.6744307\.57"),
        ("other units", FormatMismatch, "expected 'K', found 'degC'"),
        ("other scale", FormatMismatch, r"scale 0\.01 and offset 0, found .* scale 0\.1"),
        (
            "other day",
            FormatMismatch,
            "time: expected 2009-09-01 00:00 UTC, as named, found 2009-09-02",
        ),
        ("other time", FormatMismatch, "minutes since 2009-09-01"),
        ("other sensor", FormatMismatch, "expected AMSR-E > ..., found SSM/I"),
        ("no time", MissingVariable, "expected TB_time"),
        ("other projection", GridMismatch, r"srid of crs: expected 6933, found .*EPSG::3410"),
        ("other grid", GridMismatch, r"long_name of crs: expected EASE2_T25km, found EASE2_M25km"),
        ("other image", FormatMismatch, "long_name of TB: expected GRD, found SIR"),
        ("other version", FormatMismatch, "product_version: expected 2, found 1"),
        ("no scale", FormatMismatch, "found uint16 .* scale nan and offset 0"),
        ("a scale in words", FormatMismatch, "found uint16 .* scale nan"),
    ],
)
def test_a_refusal_says_what_is_wrong(
    tmp_path: Path, what: str, kind: type[InputError], words: str
) -> None:
    path = wrong_files(tmp_path, 2)[what]
    with pytest.raises(kind, match=words):
        SOURCE.read(path)


@pytest.mark.samples
@pytest.mark.parametrize("version", [1, 2])
def test_the_true_structure_is_read_and_its_own_sensor_refused(
    samples: Path, tmp_path: Path, version: int
) -> None:
    pattern = "*v1.5.nc" if version == 1 else "*v2.0.nc"
    [real] = (samples / "cetb").glob(pattern)
    assert [
        line
        for line in listing.differences(real, f"cetb_v{version}")
        # It is of another sensor, and has a variable of its tests.
        if not line.startswith("name ") and "TB_dump" not in line
    ] == []
    day = date(1991, 6, 2)
    path = tmp_path / name("AMSRE", day, "18H", "A", version, "SIR")
    source = AmsrECetb(("18",), "SIR")
    shutil.copyfile(real, path)
    path.chmod(0o644)
    with pytest.raises(FormatMismatch, match=r"expected AMSR-E > \.\.\., found SSM/I"):
        source.read(path)
    with h5py.File(path, "r+") as file:
        file.attrs["instrument"] = np.bytes_("AMSR-E > Advanced Microwave Scanning Radiometer-EOS")
        counts = file["TB"][0]
    with source.read(path) as dataset:
        kelvin = np.where((counts > 0) & (counts < 40001), counts * 0.01, np.nan)
        np.testing.assert_allclose(dataset.tb, kelvin, rtol=1e-6)
        assert np.nanmax(dataset.minutes) == (1490 if version == 1 else 50)
        assert dataset.y[0] > dataset.y[-1]
    gridded = tmp_path / name("AMSRE", day, "18H", "A", version)
    shutil.copyfile(path, gridded)
    with pytest.raises(FormatMismatch, match="long_name of TB: expected GRD, found SIR"):
        SOURCE.read(gridded)
    check_refusals(source, path, {})


def test_what_lies_beyond_67_degrees_is_missing(tmp_path: Path) -> None:
    path = cetb(tmp_path, "AMSRE", DAY, kelvin=((0, 0), naming_cells()), minutes=np.full(SHAPE, 60))
    north = Region("north", "latlon-0.25", (10, 66, 12, 69)).grid
    found = placed(path, grid=north)["tb"]
    assert np.isfinite(found[north.y < 66.9]).all()
    assert np.isnan(found[north.y > 67.2]).all()


def test_other_names_are_no_granules() -> None:
    mine = name("AMSRE", DAY, "36V", "A", 1)
    assert SOURCE.granule(mine) is not None
    for other in (
        name("AMSR2", DAY, "36V", "A", 1),
        name("AMSRE", DAY, "89V", "A", 1),
        name("AMSRE", DAY, "36V", "A", 2, "SIR"),
        mine.replace("2009244", "2009366"),
        mine.replace("-A-", "-B-"),
        mine.replace("_AMSRE", "_SSMI"),
    ):
        assert SOURCE.granule(other) is None, other


def test_other_cells_have_a_slot_of_their_own_and_are_refused(tmp_path: Path) -> None:
    path = cetb(tmp_path, "AMSRE", DAY)
    finer = path.rename(path.with_name(path.name.replace("T25km", "T12.5km")))
    granule = SOURCE.granule(str(finer))
    assert granule is not None
    assert granule.slot == "A36VT12.5km"
    with pytest.raises(FormatMismatch, match=r"grid EASE2_T25km .*found T12\.5km A v1\.3"):
        SOURCE.read(finer)


def test_the_enhanced_image_is_read_where_it_is_asked_for() -> None:
    assert AmsrECetb(("36",), "SIR").granule(name("AMSRE", DAY, "36V", "A", 2, "SIR")) is not None
    with pytest.raises(ConfigError, match="expected GRD or SIR, found 'rSIR'"):
        AmsrECetb(("36",), "rSIR")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="some of 06, 10, 18"):
        AmsrECetb(("07",))
