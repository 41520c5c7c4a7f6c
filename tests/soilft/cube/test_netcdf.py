"""Days of a cube as NetCDF: the same values as stored, in the same encoding."""

from datetime import date
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from soilft.cube import netcdf
from soilft.days import DaySpan
from soilft.errors import ConfigError, StoreError
from tests.support.command import soilft
from tests.support.cubes import SMALL, WEEK, make

DAYS = DaySpan(date(2015, 1, 30), date(2015, 1, 31))


@pytest.mark.parametrize("kind", SMALL)
def test_exported_days_hold_the_stored_values_types_and_fills(kind: str, tmp_path: Path) -> None:
    cube = make(tmp_path / "cube.zarr", kind)
    assert netcdf.export(cube.url, tmp_path / "out.nc", DAYS) == DAYS
    with netCDF4.Dataset(tmp_path / "out.nc") as file:
        file.set_auto_maskandscale(False)
        assert file.data_model == "NETCDF4"
        for name, values in cube.values.items():
            variable = file[name]
            dtype = np.dtype("uint16" if name == "quality_flag" else "uint8")
            assert variable.dtype == variable._FillValue.dtype == dtype
            assert variable._FillValue == np.iinfo(dtype).max
            np.testing.assert_array_equal(variable[...], values[2:4])
            for key in ("flag_values", "flag_masks", "valid_range"):
                assert getattr(variable, key, dtype.type(0)).dtype == dtype, (name, key)
        assert file["time"].dtype == file["time_bnds"].dtype == np.int32
        assert not hasattr(file["time"], "_FillValue")
        np.testing.assert_array_equal(file["time_bnds"][:, 1] - file["time"][:], 1)
        assert (file.time_coverage_start, file.time_coverage_end) == ("2015-01-30", "2015-01-31")
        assert file.time_coverage_duration == "P2D"
        assert file.history.splitlines()[-1] == f"exported as NetCDF: days {DAYS}"
        # Attributes of the Zarr conventions say nothing to a reader of NetCDF.
        assert not any(":" in name or name.startswith("zarr") for name in file.ncattrs())


@pytest.mark.parametrize("kind", SMALL)
def test_xarray_reads_the_same_from_both_formats(kind: str, tmp_path: Path) -> None:
    cube = make(tmp_path / "cube.zarr", kind)
    assert netcdf.export(cube.url, tmp_path / "out.nc") == WEEK
    stored = xr.open_zarr(cube.url, decode_coords="all").load()
    exported = xr.open_dataset(tmp_path / "out.nc", decode_coords="all").load()
    xr.testing.assert_equal(exported, stored)
    assert set(exported.coords) == set(stored.coords)
    assert {"lat", "lon"} <= set(exported.coords) or kind == "latlon"


def test_a_damaged_cube_is_refused_by_its_name(tmp_path: Path) -> None:
    cube = make(tmp_path / "cube.zarr", "latlon")
    chunk = Path(cube.url, "frozen_probability/c/0/0/0")
    chunk.write_bytes(bytes([chunk.read_bytes()[0] ^ 1]) + chunk.read_bytes()[1:])
    with pytest.raises(StoreError, match=r"cube\.zarr: .*a chunk whose checksum does not fit"):
        netcdf.export(cube.url, tmp_path / "out.nc")
    assert not (tmp_path / "out.nc").exists()


def test_days_outside_the_cube_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    cube = make(tmp_path / "cube.zarr", "latlon")
    with pytest.raises(StoreError, match=r"days within 2015-01-28\.\.2015-02-03"):
        netcdf.export(cube.url, tmp_path / "out.nc", DaySpan(date(2015, 1, 1), date(2015, 1, 31)))
    assert list(tmp_path.iterdir()) == [tmp_path / "cube.zarr"]


def test_command_exports_the_days_asked_for(tmp_path: Path) -> None:
    cube = make(tmp_path / "cube.zarr", "latlon")
    done = soilft("export", cube.url, tmp_path / "out.nc", "--days", "2015-01-30..2015-01-31")
    assert "2 days, 2015-01-30..2015-01-31" in done.stdout
    assert xr.open_dataset(tmp_path / "out.nc").sizes["time"] == 2
    soilft("export", cube.url, tmp_path / "no.nc", "--days", "January", code=2)
    soilft("export", tmp_path / "none.zarr", tmp_path / "no.nc", code=4)
    soilft("export", cube.url, tmp_path / "no-folder" / "no.nc", code=4)
    assert not (tmp_path / "no.nc").exists()


def test_a_span_is_read_as_it_is_written() -> None:
    assert DaySpan.of(str(DAYS)) == DAYS
    assert DaySpan.of("2015-01-30") == DaySpan(date(2015, 1, 30), date(2015, 1, 30))


@pytest.mark.parametrize("text", ["", "2015-02-02..2015-01-30", "2015-01-30..soon", "January"])
def test_a_text_that_names_no_days_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"2015-01-30\.\.2015-01-31"):
        DaySpan.of(text)
