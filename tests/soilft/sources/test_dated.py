"""Times of files: the same moments in any unit, and those that a name belies."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from soilft.errors import FormatMismatch
from soilft.sources import dated

PATH = Path("archive/granule.nc")
#: 2016-01-01 03:00 UTC.
MOMENT = 16801.125


def time(values: Any, units: str | None, **attributes: Any) -> xr.DataArray:
    said = {} if units is None else {"units": units}
    return xr.DataArray(np.asarray(values), dims="time", name="time", attrs=said | attributes)


@pytest.mark.parametrize(
    ("value", "units"),
    [
        (16801.125, "days since 1970-01-01 00:00:00 UTC"),
        (16801.125, "days since 1970-01-01"),
        (8415360, " minutes since 2000-01-01 03:00:00"),
        (8415360, "minutes since 2000-1-1 03:00:00.0"),
        (3.0, "hours since 2016-01-01T00:00:00Z"),
        (np.int64(10_800_000_000_000), "nanoseconds since 2016-01-01 00:00:00"),
        (10800, "seconds since 2016-01-01 00:00:00 +00:00"),
        (16071.125, "days since 1972-01-01 00:00:00"),
        (0, "Days since 2016-01-01 03:00"),
    ],
)
def test_one_moment_is_the_same_in_any_unit(value: Any, units: str) -> None:
    found = dated.days_since_1970(time([value], units), PATH)
    np.testing.assert_allclose(found, [MOMENT], rtol=0, atol=1e-9)


def test_days_since_1970_stay_the_numbers_that_they_are() -> None:
    stored = np.array([16801.1234567, 16800.5, -9999.0])
    array = time(stored, "days since 1970-01-01 00:00:00 UTC", _FillValue=-9999.0)
    found = dated.days_since_1970(array, PATH)
    np.testing.assert_array_equal(found, [16801.1234567, 16800.5, np.nan])


def test_a_time_without_a_dimension_is_one_time() -> None:
    alone = xr.DataArray(16801.125, name="time", attrs={"units": "days since 1970-01-01"})
    for array in (alone, alone.assign_attrs(_FillValue=np.nan)):
        dated.require_time(xr.Dataset(coords={"time": array}), MOMENT, PATH, slack=0.01)


@pytest.mark.parametrize(
    ("units", "attributes"),
    [
        (None, {}),
        ("hours", {}),
        ("months since 1970-01-01", {}),
        ("days since the launch", {}),
        ("days since 1970-02-30", {}),
        ("hours since 1-1-1 00:00:00", {}),
        ("days since 1970-01-01 00:00:00 +08:00", {}),
        ("days since 1970-01-01", {"calendar": "noleap"}),
    ],
)
def test_what_is_no_time_of_this_calendar_is_refused(
    units: str | None, attributes: dict[str, Any]
) -> None:
    with pytest.raises(FormatMismatch, match=r"granule\.nc: units of time: expected a unit of"):
        dated.days_since_1970(time([1.0], units, **attributes), PATH)


def held(*values: float) -> None:
    dataset = xr.Dataset({"time": time(values, "days since 1970-01-01")})
    dated.require_time(dataset, MOMENT, PATH, slack=0.0625)


def test_a_time_is_held_against_the_name() -> None:
    held(MOMENT + 0.0624)
    dated.require_time(xr.Dataset(), MOMENT, PATH, slack=0.0625)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ((MOMENT + 2,), "2016-01-03 03:00"),
        ((MOMENT - 0.125,), "2016-01-01 00:00"),
        ((np.nan,), "no time"),
        ((1e300,), r"day 1e\+300 since 1970-01-01"),
        ((), "none"),
        ((MOMENT, MOMENT), "2016-01-01 03:00, 2016-01-01 03:00"),
    ],
)
def test_another_time_is_named(values: tuple[float, ...], found: str) -> None:
    words = rf"granule\.nc: time: expected 2016-01-01 03:00 UTC, as named, found {found}.*renamed"
    with pytest.raises(FormatMismatch, match=words):
        held(*values)
