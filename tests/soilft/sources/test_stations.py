"""Stations: the cell each stands in, its temperature at the overpasses, and its state."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from soilft.days import DaySpan
from soilft.grid import PRESETS, Grid, Region
from soilft.schema import MISSING
from soilft.sources.stations import VARIABLES, Station, at_overpasses, cells, state, template
from soilft.store import zarr as store

WINDOW = Region("window", "latlon-0.25", (88, 32, 90, 34)).grid
DAYS = DaySpan(date(2016, 1, 1), date(2016, 1, 3))
AM_PM = (1.5, 13.5)


def hourly(first: str, hours: int) -> np.ndarray:
    return np.datetime64(first, "m") + np.arange(hours) * np.timedelta64(60, "m")


def test_a_station_on_an_edge_lies_in_the_one_cell_that_owns_its_north_and_west_edges() -> None:
    assert WINDOW.shape == (8, 8)
    lon = [88.0, 88.2499, 88.25, 89.9999, 90.0, 87.9999, 88.1, 88.1, 88.1]
    lat = [34.0, 33.7501, 33.75, 32.0001, 33.0, 33.0, 34.001, 32.0, 31.999]
    row, column = cells(WINDOW, lon, lat)
    assert row.tolist() == [0, 0, 1, 7, -1, -1, -1, -1, -1]
    assert column.tolist() == [0, 0, 1, 7, -1, -1, -1, -1, -1]
    assert row.dtype == column.dtype == np.int32


def test_longitudes_of_either_count_are_the_same_place() -> None:
    grid = PRESETS["latlon-0.25"]
    for lon in (-150.1, 209.9):
        assert [int(v[0]) for v in cells(grid, [lon], [65.1])] == [99, 119]
    assert cells(grid, [180.0, -180.0], [0.0, 0.0])[1].tolist() == [0, 0]


def test_a_grid_across_the_antimeridian_has_stations_on_both_sides() -> None:
    grid = Grid("EPSG:4326", 178.0, 70.0, 1.0, 1.0, (2, 4))
    row, column = cells(grid, [178.5, 179.5, -179.5, -178.5, -177.5], [69.5] * 5)
    assert column.tolist() == [0, 1, 2, 3, -1]
    assert row.tolist() == [0, 0, 0, 0, -1]


@pytest.mark.parametrize("preset", ["ease2-north-25km", "ease2-global-25km"])
def test_a_projected_grid_finds_the_cell_whose_centre_is_nearest(preset: str) -> None:
    grid = Region("naqu", preset, (90, 30, 94, 33)).grid
    lon, lat = grid.lonlat
    row, column = cells(grid, lon.ravel() + 0.01, lat.ravel() - 0.01)
    expected_row, expected_column = np.indices(grid.shape)
    assert row.tolist() == expected_row.ravel().tolist()
    assert column.tolist() == expected_column.ravel().tolist()
    assert [int(v[0]) for v in cells(grid, [-92.0], [31.5])] == [-1, -1]


def test_a_global_projected_grid_has_one_column_for_both_names_of_the_antimeridian() -> None:
    _, column = cells(PRESETS["ease2-global-25km"], [-180.0, 180.0, 179.99], [10.0] * 3)
    assert column.tolist() == [0, 0, 1387]


@pytest.mark.parametrize("lat", [np.nan, np.inf, -90.0])
def test_what_the_grid_cannot_show_is_outside(lat: float) -> None:
    for grid in (WINDOW, PRESETS["ease2-global-25km"]):
        assert [int(v[0]) for v in cells(grid, [89.0], [lat])] == [-1, -1]


def test_temperature_is_interpolated_between_the_readings_around_the_overpass() -> None:
    times = hourly("2016-01-01T00:00", 72)
    found = at_overpasses(times, 250.0 + np.arange(72.0), 0.0, DAYS, AM_PM)
    assert found.tolist() == [[251.5, 263.5], [275.5, 287.5], [299.5, 311.5]]
    assert found.dtype == np.float32


def test_at_90_east_the_night_overpass_of_a_utc_day_is_that_evening() -> None:
    times = hourly("2016-01-01T00:00", 72)
    found = at_overpasses(times, 250.0 + np.arange(72.0), 90.0, DAYS, AM_PM)
    assert found[0].tolist() == [269.5, 257.5]  # 19:30 and 07:30 UTC


def test_an_overpass_just_before_midnight_uses_the_reading_after_it() -> None:
    # 01:30 local is 23:30 UTC at 30 degrees east; the readings stand at 23:00 and 00:00.
    times = hourly("2016-01-01T00:00", 49)
    temperature = 270.0 + np.arange(49) // 24
    found = at_overpasses(times, temperature, 30.0, DAYS, (1.5,))
    assert found[:, 0].tolist()[:2] == [270.5, 271.5]
    assert np.isnan(found[2, 0])


def test_readings_further_apart_than_three_hours_are_not_connected() -> None:
    day = DaySpan(date(2016, 1, 1), date(2016, 1, 1))
    temperature = np.array([270.0, 273.0])
    near = np.array(["2016-01-01T00:00", "2016-01-01T03:00"], "datetime64[m]")
    far = np.array(["2016-01-01T00:00", "2016-01-01T03:01"], "datetime64[m]")
    assert at_overpasses(near, temperature, 0.0, day, (1.5,)).tolist() == [[271.5]]
    assert np.isnan(at_overpasses(far, temperature, 0.0, day, (1.5,))).all()
    wider = at_overpasses(far, temperature, 0.0, day, (1.5,), max_gap_hours=4)
    assert wider[0, 0] == pytest.approx(270 + 3 * 90 / 181)


def test_missing_readings_are_bridged_only_by_valid_ones_close_enough() -> None:
    day = DaySpan(date(2016, 1, 1), date(2016, 1, 1))
    times = hourly("2016-01-01T00:00", 5)
    one_missing = np.array([270.0, np.nan, 274.0, 275.0, 276.0])
    three_missing = np.array([270.0, np.nan, np.nan, np.nan, 274.0])
    assert at_overpasses(times, one_missing, 0.0, day, (1.5,)).tolist() == [[273.0]]
    assert np.isnan(at_overpasses(times, three_missing, 0.0, day, (1.5,))).all()


def test_a_lone_reading_at_the_time_of_the_overpass_counts() -> None:
    times = np.array(["2016-01-01T01:30"], "datetime64[m]")
    found = at_overpasses(times, np.array([272.0]), 0.0, DAYS, AM_PM)
    assert found[0, 0] == 272.0
    assert np.isfinite(found).sum() == 1


def test_a_reading_before_or_after_is_never_carried_over() -> None:
    day = DaySpan(date(2016, 1, 1), date(2016, 1, 1))
    for hour in ("01:00", "02:00"):
        times = np.array([f"2016-01-01T{hour}"], "datetime64[m]")
        assert np.isnan(at_overpasses(times, np.array([272.0]), 0.0, day, (1.5,))).all()


@pytest.mark.parametrize("count", [0, 3])
def test_no_valid_reading_gives_no_temperature(count: int) -> None:
    times = hourly("2016-01-01T00:00", count)
    found = at_overpasses(times, np.full(count, np.nan), 0.0, DAYS, AM_PM)
    assert found.shape == (3, 2)
    assert np.isnan(found).all()


def test_readings_out_of_order_or_twice_are_refused() -> None:
    times = hourly("2016-01-01T00:00", 3)
    for order in ([1, 0, 2], [0, 1, 1]):
        with pytest.raises(ValueError, match="order of time"):
            at_overpasses(times[order], np.full(3, 270.0), 0.0, DAYS, AM_PM)


def test_soil_is_frozen_below_zero_celsius_and_missing_where_nothing_was_measured() -> None:
    kelvin = np.array([-0.01, 0.0, 0.01, np.nan]) + 273.15
    for dtype in ("float32", "float64"):
        found = state(kelvin.astype(dtype))
        assert found.tolist() == [1, 0, 0, MISSING]
        assert found.dtype == np.uint8


def test_the_threshold_moves_by_half_a_degree_for_sensitivity() -> None:
    kelvin = np.array([-0.7, -0.3, 0.3, 0.7]) + 273.15
    assert state(kelvin, 272.65).tolist() == [1, 0, 0, 0]
    assert state(kelvin, np.float64(273.65)).tolist() == [1, 1, 1, 0]


def test_the_store_of_stations_reads_back_what_was_written(tmp_path: Path) -> None:
    stations = (
        Station("CTP", "N1", 88.1, 33.9, 4600.0),
        Station("CTP", "N2", 89.9, 32.1, float("nan")),
    )
    made = template(stations, WINDOW, DAYS, {"AM": 1.5, "PM": 13.5}, attributes={"product": "x"})
    url = str(tmp_path / "stations.zarr")
    temperature = np.arange(12, dtype="float32").reshape(3, 2, 2) + 268
    temperature[1, 1, 1] = np.nan
    for _ in range(2):  # a second run over an unchanged archive changes nothing
        store.create(url, made)
        store.write_region(
            url,
            {
                "soil_temperature": temperature,
                "freeze_thaw": state(temperature),
                "elevation": np.array([4600.0, np.nan], "float32"),
            },
            {},
        )
    with store.open_cube(url) as cube:
        assert cube.soil_temperature.dims == ("time", "overpass", "station")
        assert cube.soil_temperature.sizes == {"time": 3, "overpass": 2, "station": 2}
        assert str(cube.time.values[0])[:10] == "2016-01-01"
        np.testing.assert_array_equal(cube.soil_temperature.values, temperature)
        assert np.isnan(cube.freeze_thaw.values[1, 1, 1])
        assert cube.lon.values.tolist() == [88.1, 89.9]
        assert cube.row.values.tolist() == [0, 7]
        assert cube.column.values.tolist() == [0, 7]
        assert cube.attrs["station_ids"] == ["CTP/N1", "CTP/N2"]
        assert cube.attrs["local_solar_hours"] == {"AM": 1.5, "PM": 13.5}
        assert cube.attrs["product"] == "x"
    assert set(store.open_raw(url)) >= {variable.name for variable in VARIABLES}


def test_the_period_may_grow_at_its_end(tmp_path: Path) -> None:
    url = str(tmp_path / "stations.zarr")
    stations = (Station("CTP", "N1", 88.1, 33.9, 4600.0),)
    store.create(url, template(stations, WINDOW, DAYS, {"AM": 1.5}))
    longer = DaySpan(DAYS.first, date(2016, 1, 9))
    store.create(url, template(stations, WINDOW, longer, {"AM": 1.5}))
    with store.open_cube(url) as cube:
        assert cube.soil_temperature.shape == (9, 1, 1)
