"""ESA CCI flag: against the real granule, and against small files written here."""

from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from soilft.errors import (
    FormatMismatch,
    GridMismatch,
    InputError,
    MissingVariable,
    UnreadableGranule,
)
from soilft.grid import Region
from soilft.schema import FROZEN, MISSING, THAWED
from soilft.sources import EsaCciFlag

NAME = "ESACCI-SOILMOISTURE-L3S-SSMV-COMBINED-20160101000000-fv03.3.nc"
DAY = date(2016, 1, 1)
SOURCE = EsaCciFlag()
PLATEAU = Region("plateau", "latlon-0.25", (73, 26, 105, 40)).grid
TIME = "days since 1970-01-01 00:00:00 UTC"
MEANINGS = "no_data_inconsistency_detected snow_coverage_or_temperature_below_zero dense_vegetation"


def placed(path: Path, grid=PLATEAU) -> dict[str, np.ndarray]:
    granule = SOURCE.granule(str(path))
    assert granule is not None
    with SOURCE.read(path) as dataset:
        return SOURCE.combine([(granule, SOURCE.place(dataset, granule, DAY, grid))], DAY, grid)


@pytest.mark.samples
def test_label_of_the_real_day_has_the_known_counts(samples: Path) -> None:
    label = placed(samples / "esa_cci_sm" / NAME)["freeze_thaw"]
    assert label.shape == (1, 56, 128)
    assert int((label == THAWED).sum()) == 1489
    assert int((label == FROZEN).sum()) == 4903
    assert int((label == MISSING).sum()) == 56 * 128 - 1489 - 4903


@pytest.mark.samples
def test_every_cell_is_bit_0_of_the_files_own_flag(samples: Path) -> None:
    path = samples / "esa_cci_sm" / NAME
    with h5py.File(path) as file:
        lat, lon = file["lat"][:], file["lon"][:]
        flag = file["flag"][0][np.ix_((lat > 26) & (lat < 40), (lon > 73) & (lon < 105))]
        t0 = file["t0"][0][np.ix_((lat > 26) & (lat < 40), (lon > 73) & (lon < 105))]
    assert lat[0] > lat[-1]
    expected = np.where(flag == 127, MISSING, flag.astype("uint8") & 1)
    found = placed(path)
    np.testing.assert_array_equal(found["freeze_thaw"][0], expected)
    # Most flags, as of snow, are of no retrieval and of no time.
    assert (t0[flag != 127] <= 0).mean() > 0.5
    hours = np.where(t0 > 0, (t0 - 16801) * 24, 12.0)
    hours = np.where(flag == 127, np.nan, hours)
    np.testing.assert_allclose(found["observation_time"][0], hours, atol=0.01)


def written(path: Path, **changes: object) -> Path:
    lat = np.asarray(changes.get("lat", np.arange(39.875, 26, -0.25)), "float32")
    lon = np.asarray(changes.get("lon", np.arange(73.125, 105, 0.25)), "float32")
    flag = np.zeros((1, len(lat), len(lon)), "int8")
    flag[0, 0, :4] = [1, 127, 5, 4]
    flag[...] = changes.get("everywhere", flag)
    attributes = {
        "flag_values": np.array([0, 1, 2], "int8"),
        "flag_meanings": changes.get("meanings", MEANINGS),
    }
    units = changes.get("units", TIME)
    dims = ("time", "lat", "lon")
    with h5py.File(path, "w") as file:
        time = np.array([changes.get("time", 16801.0)])
        for name, axis in (("time", time), ("lat", lat), ("lon", lon)):
            file[name] = axis
            file[name].make_scale(name)
        file["time"].attrs["units"] = changes.get("time_units", TIME)
        fields = {
            "flag": flag.astype(changes.get("dtype", "int8")),
            "t0": np.full(flag.shape, 16801.25),
        }
        for name in changes.get("fields", ("flag", "t0")):
            file[name] = fields[name]
            for i, dim in enumerate(dims):
                file[name].dims[i].attach_scale(file[dim])
        if "flag" in file:
            for key, value in attributes.items():
                file["flag"].attrs[key] = value
        if "t0" in file:
            file["t0"].attrs["units"] = units
    return path


def test_bits_are_kept_apart_and_127_is_missing(tmp_path: Path) -> None:
    found = placed(written(tmp_path / NAME))
    assert found["freeze_thaw"][0, 0, :5].tolist() == [FROZEN, MISSING, FROZEN, THAWED, THAWED]
    np.testing.assert_allclose(found["observation_time"][0, 5, 5], 6.0)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"lat": np.arange(26.125, 40, 0.25)}, GridMismatch, "north first"),
        ({"lat": np.arange(39.5, 26, -1.0)}, GridMismatch, "every 0.25 degrees"),
        ({"meanings": "none frost dense"}, FormatMismatch, "value 1 means frost"),
        ({"dtype": "uint8"}, FormatMismatch, "found uint8"),
        ({"units": "K"}, FormatMismatch, "units of t0: .*found 'K'"),
        ({"time_units": "days"}, FormatMismatch, "units of time: .*found 'days'"),
        ({"time_units": "days since 2000-01-01"}, FormatMismatch, "as named, found 2045-12-31"),
        ({"time": 16806.0}, FormatMismatch, "2016-01-01 00:00 UTC, as named, found 2016-01-06"),
        ({"time": np.nan}, FormatMismatch, "2016-01-01 00:00 UTC, as named, found no time"),
        ({"fields": ("t0",)}, MissingVariable, "expected flag"),
    ],
)
def test_files_of_another_kind_are_refused(
    tmp_path: Path, changes: dict[str, object], kind: type[InputError], words: str
) -> None:
    path = written(tmp_path / NAME, **changes)
    with pytest.raises(kind, match=words) as error, SOURCE.read(path):
        pass
    assert NAME in str(error.value)
    assert error.value.expected
    assert error.value.found


def test_observations_of_another_year_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / NAME, units="days since 2000-01-01")
    with pytest.raises(FormatMismatch, match="t0: expected times within 48 hours of 2016-01-01"):
        placed(path)


# Where nothing was retrieved the file has -3440586 days, before the calendar's reform.
@pytest.mark.filterwarnings("ignore:this date/calendar/year zero:Warning")
@pytest.mark.filterwarnings("ignore:Unable to decode time axis into full:Warning")
@pytest.mark.samples
@pytest.mark.parametrize("form", ["as opened", "no encoding", "squeezed", "flags alone"])
def test_a_cut_by_xarray_gives_the_same_values(samples: Path, tmp_path: Path, form: str) -> None:
    real = samples / "esa_cci_sm" / NAME
    path = tmp_path / NAME
    with xr.open_dataset(real) as dataset:
        cut = dataset.sel(lat=slice(45, 20), lon=slice(70, 110)).load()
    if form == "no encoding":
        cut.time.encoding.clear()
    if form == "squeezed":
        cut = cut.isel(time=0)
        cut.encoding.clear()
    if form == "flags alone":
        cut = cut[["flag"]]
    cut.to_netcdf(path)
    with xr.open_dataset(path, decode_times=False) as dataset:
        assert dataset.time.units != TIME
    found, expected = placed(path), placed(real)
    np.testing.assert_array_equal(found["freeze_thaw"], expected["freeze_thaw"])
    if form == "flags alone":
        known = expected["freeze_thaw"] != MISSING
        np.testing.assert_array_equal(found["observation_time"][known], 12.0)
    else:
        # Times are stored to the nanosecond, those of the file to a part of it.
        np.testing.assert_allclose(
            found["observation_time"], expected["observation_time"], atol=1e-5
        )


@pytest.mark.parametrize("version", ["02.2", "10.0"])
def test_another_version_is_refused(tmp_path: Path, version: str) -> None:
    path = written(tmp_path / NAME.replace("fv03.3", f"fv{version}"))
    assert SOURCE.granule(str(path)) is not None
    with (
        pytest.raises(FormatMismatch, match=rf"version: expected 3 to 9, found {version}") as error,
        SOURCE.read(path),
    ):
        pass
    assert path.name in str(error.value)


def test_a_file_without_a_value_is_missing(tmp_path: Path) -> None:
    found = placed(written(tmp_path / NAME, everywhere=127))
    assert (found["freeze_thaw"] == MISSING).all()


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / NAME)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(UnreadableGranule, match=NAME), SOURCE.read(path):
        pass


def test_a_projected_region_gets_the_majority(tmp_path: Path) -> None:
    grid = Region("window", "ease2-north-25km", (88, 32, 90, 34)).grid
    found = placed(written(tmp_path / NAME), grid)
    assert set(np.unique(found["freeze_thaw"])) == {THAWED}


@pytest.mark.parametrize("sensors", ["combined", "active", "passive"])
def test_only_the_record_that_was_asked_for_is_read_where_all_three_lie(sensors: Any) -> None:
    source = EsaCciFlag(sensors)
    found = {
        kind: source.granule(f"ESACCI-SOILMOISTURE-L3S-{kind}-20151231000000-fv08.1.nc")
        for kind in ("SSMV-COMBINED", "SSMS-ACTIVE", "SSMV-PASSIVE")
    }
    (granule,) = (g for kind, g in found.items() if kind.endswith(sensors.upper()))
    assert granule is not None
    assert (granule.days, granule.version) == ((date(2015, 12, 31),), "08.1")
    assert sum(g is not None for g in found.values()) == 1


def test_a_name_without_a_day_is_of_another_product() -> None:
    assert SOURCE.granule("ESACCI-SOILMOISTURE-L3S-SSMV-COMBINED-2015-fv08.1.nc") is None


def test_dataset_is_not_masked_to_floats(tmp_path: Path) -> None:
    with SOURCE.read(written(tmp_path / NAME)) as dataset:
        assert isinstance(dataset, xr.Dataset)
        assert dataset.flag.dtype == np.int8
