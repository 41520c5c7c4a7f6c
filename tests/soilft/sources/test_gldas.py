"""GLDAS: against real granules, and against small files written here."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from soilft.days import DaySpan
from soilft.errors import (
    ConfigError,
    FormatMismatch,
    GridMismatch,
    InputError,
    MissingVariable,
    UnreadableGranule,
)
from soilft.grid import Grid, Region
from soilft.ingest.archive import discover
from soilft.ingest.granules import ChunkOfDays, ingest_days, template_for
from soilft.sources import GldasNoah3h
from soilft.sources.gldas import LIMITS
from soilft.store import objects
from soilft.store import zarr as store

PLATEAU = Region("plateau", "latlon-0.25", (73, 26, 105, 40)).grid
NAME = "GLDAS_NOAH025_3H.A{day}.{stamp}.021.nc4"
SOIL = "SoilMoi0_10cm_inst"
DAY = date(2016, 1, 1)


def value_at(path: Path, name: str, lat: float, lon: float) -> float:
    """Read a cell by its own coordinates, without the package."""
    with h5py.File(path) as file:
        row = int(np.argmin(np.abs(file["lat"][:] - lat)))
        column = int(np.argmin(np.abs(file["lon"][:] - lon)))
        assert abs(file["lat"][row] - lat) < 1e-3
        assert abs(file["lon"][column] - lon) < 1e-3
        value = float(file[name][0, row, column])
    return np.nan if value == -9999 else value


def cell_of(grid: Grid, lat: float, lon: float) -> tuple[int, int]:
    return int(np.argmin(np.abs(grid.y - lat))), int(np.argmin(np.abs(grid.x - lon)))


@pytest.mark.parametrize(
    ("source", "counts", "most"),
    [
        (GldasNoah3h(), ([7, 7, 6], [7, 7, 6]), 7),
        (GldasNoah3h(), ([8, 8, 8], [7, 0, 5]), 7),
        (GldasNoah3h((SOIL,)), ([6, 6, 2], [8, 8, 8]), 6),
        (GldasNoah3h((SOIL,), min_granules=6), ([6, 6, 2], [8, 8, 8]), None),
        (GldasNoah3h(), ([8, 7, 7], [8, 7, 7]), None),
    ],
)
def test_days_with_too_few_granules_are_told_by_the_best_of_them(
    source: GldasNoah3h, counts: tuple[list[int], list[int]], most: int | None
) -> None:
    names = ("instant_count", "interval_count")
    said = source.shortfall({n: np.array(c, "uint8") for n, c in zip(names, counts, strict=True)})
    expected = f"at most {most} of the 8 granules a day that min_granules asks for"
    assert said == ("" if most is None else expected)


PLACES = [(30.125, 91.125), (35.875, 80.375), (26.125, 73.125), (39.875, 104.875), (33.375, 97.625)]


@pytest.fixture
def granules(samples: Path) -> list[Path]:
    """Give the seven real granules of 2016-01-01, in order of time."""
    found = sorted((samples / "gldas").glob("GLDAS_NOAH025_3H.A20160101.*.nc4"))
    assert len(found) == 7
    return found


@pytest.mark.samples
@pytest.mark.parametrize(("lat", "lon"), PLACES)
def test_cells_lie_where_the_granule_says(granules: list[Path], lat: float, lon: float) -> None:
    source = GldasNoah3h((SOIL,))
    granule = source.granule(str(granules[0]))
    assert granule is not None
    with source.read(granules[0]) as dataset:
        placed = source.place(dataset, granule, DAY, PLATEAU)[SOIL]
    expected = np.float32(value_at(granules[0], SOIL, lat, lon))
    np.testing.assert_array_equal(placed[cell_of(PLATEAU, lat, lon)], expected)


@pytest.mark.samples
def test_whole_window_is_the_granules_turned_north_up(granules: list[Path]) -> None:
    source = GldasNoah3h((SOIL,))
    granule = source.granule(str(granules[2]))
    assert granule is not None
    with source.read(granules[2]) as dataset:
        placed = source.place(dataset, granule, DAY, PLATEAU)[SOIL]
    with h5py.File(granules[2]) as file:
        lat, lon = file["lat"][:], file["lon"][:]
        rows = np.flatnonzero((lat > 26) & (lat < 40))
        columns = np.flatnonzero((lon > 73) & (lon < 105))
        stored = file[SOIL][0, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    expected = np.where(stored == -9999, np.nan, stored)[::-1]
    np.testing.assert_array_equal(placed, expected)
    assert lat[0] < lat[-1]


def ingested(folder: Path, source: GldasNoah3h, pattern: str, span: DaySpan) -> xr.Dataset:
    url = str(folder / "gldas.zarr")
    store.create(url, template_for(source, PLATEAU, span, len(span)))
    found = tuple(discover(source, [pattern]))
    ingest_days(ChunkOfDays(url, source, PLATEAU, span, span, found))
    return store.open_cube(url)


@pytest.mark.samples
def test_daily_mean_and_range_of_seven_granules(granules: list[Path], tmp_path: Path) -> None:
    source = GldasNoah3h((SOIL,), ("mean", "range"), min_granules=7)
    pattern = str(granules[0].parent / "*.nc4")
    found = ingested(tmp_path, source, pattern, DaySpan(DAY, DAY))
    for lat, lon in PLACES:
        stack = np.array([value_at(path, SOIL, lat, lon) for path in granules])
        cell = (0, *cell_of(PLATEAU, lat, lon))
        np.testing.assert_allclose(found[f"{SOIL}_mean"].values[cell], stack.mean(), rtol=1e-6)
        np.testing.assert_allclose(found[f"{SOIL}_range"].values[cell], np.ptp(stack), atol=1e-5)
    assert found.instant_count.values.tolist() == [7]


@pytest.mark.samples
def test_seven_granules_where_eight_are_asked_for_leave_the_day_missing(
    granules: list[Path], tmp_path: Path
) -> None:
    source = GldasNoah3h((SOIL,), min_granules=8)
    pattern = str(granules[0].parent / "*.nc4")
    found = ingested(tmp_path, source, pattern, DaySpan(DAY, DAY))
    assert np.isnan(found[f"{SOIL}_mean"].values).all()
    assert found.instant_count.values.tolist() == [7]


@pytest.mark.samples
def test_every_declared_variable_has_its_unit_in_the_real_granule(samples: Path) -> None:
    from soilft.sources.gldas import UNITS

    path = samples / "gldas" / "cropped" / NAME.format(day="20150101", stamp="0000")
    source = GldasNoah3h(tuple(UNITS))
    with source.read(path) as dataset:
        assert set(dataset.data_vars) == set(UNITS)


@pytest.mark.samples
def test_midnight_granule_ends_the_day_before_for_means_and_begins_its_own_for_instants(
    samples: Path,
) -> None:
    path = samples / "gldas" / "cropped" / NAME.format(day="20150101", stamp="0000")
    source = GldasNoah3h(("Tair_f_inst", "Rainf_f_tavg", "Qs_acc"))
    granule = source.granule(str(path))
    assert granule is not None
    new_year, eve = date(2015, 1, 1), date(2014, 12, 31)
    assert granule.days == (eve, new_year)
    with source.read(path) as dataset:
        on_the_day = source.place(dataset, granule, new_year, PLATEAU)
        before = source.place(dataset, granule, eve, PLATEAU)
    assert set(on_the_day) == {"Tair_f_inst"}
    assert set(before) == {"Rainf_f_tavg", "Qs_acc"}
    expected = value_at(path, "Tair_f_inst", 30.125, 91.125)
    cell = cell_of(PLATEAU, 30.125, 91.125)
    assert on_the_day["Tair_f_inst"][cell] == np.float32(expected)


@pytest.mark.parametrize("stamp", ["0300", "0600", "2100"])
def test_other_granules_belong_to_their_own_day(stamp: str) -> None:
    granule = GldasNoah3h(("Tair_f_inst", "Rainf_tavg")).granule(
        NAME.format(day="20160229", stamp=stamp)
    )
    assert granule is not None
    assert granule.days == (date(2016, 2, 29),)


@pytest.mark.parametrize(
    "name",
    [
        "GLDAS_NOAH025_3H.A20160101.0130.021.nc4",
        "GLDAS_NOAH10_3H.A20160101.0300.021.nc4",
        "GLDAS_NOAH025_3H.A20160101.0300.021.nc4.tmp",
        "readme.txt",
    ],
)
def test_other_files_are_not_granules(name: str) -> None:
    assert GldasNoah3h().granule(name) is None


LAT = np.arange(-59.875, 90, 0.25, dtype="float32")
LON = np.arange(-179.875, 180, 0.25, dtype="float32")


def written(path: Path, name: str = SOIL, units: str = "kg m-2", **other: np.ndarray) -> Path:
    """Write a granule with h5py and xarray alone; every cell names its latitude and longitude."""
    lat, lon = other.get("lat", LAT), other.get("lon", LON)
    values = (lat[:, None] * 1000 + lon[None, :]).astype("float32")
    values = other.get("values", values[None])
    dims = ("time", "lat", "lon")[3 - values.ndim :]
    dataset = xr.Dataset({name: (dims, values, {"units": units})}, {"lat": lat, "lon": lon})
    encoding = {name: {"_FillValue": np.float32(-9999)}}
    dataset.to_netcdf(path, engine="netcdf4", encoding=encoding)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Give the path of a granule to be written."""
    return tmp_path / NAME.format(day="20160101", stamp="0300")


def refusal(source: GldasNoah3h, path: Path, kind: type[InputError]) -> str:
    with pytest.raises(kind) as error, source.read(path):
        pass
    message = str(error.value)
    assert path.name in message
    assert error.value.expected
    assert error.value.found
    return message


def test_a_good_file_is_placed(path: Path) -> None:
    source = GldasNoah3h((SOIL,))
    granule = source.granule(str(written(path)))
    assert granule is not None
    with source.read(path) as dataset:
        placed = source.place(dataset, granule, DAY, PLATEAU)[SOIL]
    np.testing.assert_allclose(placed, PLATEAU.y[:, None] * 1000 + PLATEAU.x[None], rtol=1e-6)


def test_latitude_flipped_is_refused(path: Path) -> None:
    written(path, lat=LAT[::-1])
    message = refusal(GldasNoah3h((SOIL,)), path, GridMismatch)
    assert "south first" in message
    assert "found latitude 89.875..-59.875" in message
    assert "re-gridded" in message


def test_longitude_from_greenwich_is_refused(path: Path) -> None:
    written(path, lon=LON + 180)
    assert "longitude 0.125..359.875" in refusal(GldasNoah3h((SOIL,)), path, GridMismatch)


def test_another_grid_is_refused(path: Path) -> None:
    lat, lon = np.arange(-59.5, 90, 1.0, "float32"), np.arange(-179.5, 180, 1.0, "float32")
    written(path, lat=lat, lon=lon)
    assert "every 0.25 degrees" in refusal(GldasNoah3h((SOIL,)), path, GridMismatch)


def test_wrong_units_are_refused(path: Path) -> None:
    written(path, units="m3 m-3")
    message = refusal(GldasNoah3h((SOIL,)), path, FormatMismatch)
    assert "expected 'kg m-2', found 'm3 m-3'" in message


def test_a_missing_variable_is_refused_with_those_that_are_there(path: Path) -> None:
    written(path)
    message = refusal(GldasNoah3h(("Tair_f_inst",)), path, MissingVariable)
    assert "expected Tair_f_inst" in message
    assert SOIL in message


def test_more_than_one_time_is_refused(path: Path) -> None:
    written(path, values=np.zeros((2, len(LAT), len(LON)), "float32"))
    assert "2" in refusal(GldasNoah3h((SOIL,)), path, FormatMismatch)


def test_no_time_is_refused(path: Path) -> None:
    written(path, values=np.zeros((len(LAT), len(LON)), "float32"))
    refusal(GldasNoah3h((SOIL,)), path, FormatMismatch)


@pytest.mark.parametrize("keep", [0, 1000, 0.5, 0.99])
def test_a_truncated_file_is_refused(path: Path, keep: float) -> None:
    content = written(path).read_bytes()
    path.write_bytes(content[: int(keep if keep > 1 else keep * len(content))])
    refusal(GldasNoah3h((SOIL,)), path, UnreadableGranule)


def test_damaged_data_are_named_when_they_are_read(path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(1, len(LAT), len(LON))).astype("float32")
    dataset = xr.Dataset(
        {SOIL: (("time", "lat", "lon"), values, {"units": "kg m-2"})}, {"lat": LAT, "lon": LON}
    )
    encoding = {SOIL: {"zlib": True, "chunksizes": (1, len(LAT), len(LON))}}
    dataset.to_netcdf(path, engine="netcdf4", encoding=encoding)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 5000] = bytes(5000)
    path.write_bytes(content)
    source = GldasNoah3h((SOIL,))
    granule = source.granule(str(path))
    assert granule is not None
    with (
        source.read(path) as opened,
        pytest.raises(UnreadableGranule, match=r"0300\.021\.nc4.*readable data"),
    ):
        source.place(opened, granule, DAY, PLATEAU)


def test_a_file_beside_the_region_is_refused(path: Path) -> None:
    written(path, lat=LAT[:80], lon=LON[:80])
    source = GldasNoah3h((SOIL,))
    granule = source.granule(str(path))
    assert granule is not None
    with source.read(path) as opened, pytest.raises(GridMismatch, match="covers some"):
        source.place(opened, granule, DAY, PLATEAU)


def test_one_bad_granule_is_set_aside_and_its_day_is_missing(tmp_path: Path) -> None:
    source = GldasNoah3h((SOIL,), min_granules=2)
    archive = tmp_path / "archive"
    archive.mkdir()
    for day in ("20160101", "20160102"):
        for stamp in ("0300", "0600"):
            written(archive / NAME.format(day=day, stamp=stamp))
    bad = archive / NAME.format(day="20160102", stamp="0600")
    bad.write_bytes(bad.read_bytes()[:2000])
    span = DaySpan(date(2016, 1, 1), date(2016, 1, 3))
    url = str(tmp_path / "gldas.zarr")
    store.create(url, template_for(source, PLATEAU, span, 3))
    found = tuple(discover(source, [objects.join(str(archive), "*.nc4")]))
    outcome = ingest_days(ChunkOfDays(url, source, PLATEAU, span, span, found))
    assert [(s.granule, s.code) for s in outcome.set_aside] == [(bad.name, "unreadable-granule")]
    cube = store.open_cube(url)
    known = np.isfinite(cube[f"{SOIL}_mean"].values).all(axis=(1, 2))
    assert known.tolist() == [True, False, False]
    np.testing.assert_array_equal(cube.instant_count.values, [2, 1, np.nan])


@pytest.mark.parametrize(
    "settings",
    [
        {"variables_read": ("Soil",)},
        {"variables_read": ()},
        {"statistics": ("median",)},
        {"min_granules": 9},
    ],
)
def test_settings_that_cannot_be_met_are_refused(settings: dict) -> None:
    with pytest.raises(ConfigError, match="expected"):
        GldasNoah3h(**settings)


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "GLDAS_NOAH025_3H.A20160101.0300.020.nc4")
    assert GldasNoah3h((SOIL,)).granule(str(path)) is not None
    assert "expected 021, found 020" in refusal(GldasNoah3h((SOIL,)), path, FormatMismatch)


@pytest.mark.parametrize(
    ("name", "units", "stored", "limit"),
    [
        ("SWE_inst", "kg m-2", 1.1e5, 2000.0),
        ("SnowDepth_inst", "m", 281.0, 10.0),
        ("Qair_f_inst", "kg kg-1", -2.7e-4, 0.0),
        ("SWE_inst", "kg m-2", 120.0, 120.0),
    ],
)
def test_what_cannot_be_is_clipped_to_what_can(
    path: Path, name: str, units: str, stored: float, limit: float
) -> None:
    values = np.full((1, 600, 1440), stored, "float32")
    source = GldasNoah3h((name,))
    granule = source.granule(str(written(path, name, units, values=values)))
    assert granule is not None
    with source.read(path) as dataset:
        placed = source.place(dataset, granule, DAY, PLATEAU)[name]
    np.testing.assert_array_equal(placed, np.float32(limit))


def test_a_granule_without_a_value_is_missing(path: Path) -> None:
    source = GldasNoah3h((SOIL,), min_granules=1)
    values = np.full((1, 600, 1440), np.nan, "float32")
    granule = source.granule(str(written(path, values=values)))
    assert granule is not None
    with source.read(path) as dataset:
        part = source.place(dataset, granule, DAY, PLATEAU)
    combined = source.combine([(granule, part)], DAY, PLATEAU)
    assert np.isnan(combined[f"{SOIL}_mean"]).all()


def test_the_glacier_cells_of_a_real_granule_stay_within_limits(samples: Path) -> None:
    path = samples / "gldas/cropped/GLDAS_NOAH025_3H.A20150101.0000.021.nc4"
    source = GldasNoah3h(tuple(LIMITS))
    granule = source.granule(str(path))
    assert granule is not None
    instants = [name for name in LIMITS if name.endswith("_inst")]
    with source.read(path) as dataset:
        assert float(dataset["SWE_inst"].max()) > 1e4
        placed = source.place(dataset, granule, date(2015, 1, 1), PLATEAU)
    for name in instants:
        low, high = LIMITS[name]
        assert np.nanmin(placed[name]) >= low, name
        assert np.nanmax(placed[name]) <= high, name
