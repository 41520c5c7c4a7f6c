"""Days since 1970-01-01 and spans of them."""

from datetime import date, timedelta

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from soilft.days import UNITS, DaySpan, day_of, number

DAYS = st.dates(date(1978, 1, 1), date(2100, 1, 1))


def span_of(first: date, length: int) -> DaySpan:
    return DaySpan(first, first + timedelta(days=length - 1))


def test_numbers_are_what_cf_decodes() -> None:
    span = DaySpan(date(2011, 1, 1), date(2020, 12, 31))
    raw = xr.Dataset({"time": ("time", span.numbers, {"units": UNITS})})
    decoded = xr.decode_cf(raw).time.values.astype("datetime64[D]")
    assert decoded[0] == np.datetime64("2011-01-01")
    assert decoded[-1] == np.datetime64("2020-12-31")
    assert len(decoded) == len(span) == 3653
    assert span.numbers.dtype == np.int32


@given(DAYS)
def test_a_day_comes_back_from_its_number(day: date) -> None:
    assert day_of(number(day)) == day


@given(DAYS, st.integers(1, 500), st.integers(1, 100))
def test_chunks_join_to_the_span(first: date, length: int, days: int) -> None:
    span = span_of(first, length)
    parts = span.chunks(days)
    assert [day for part in parts for day in part] == list(span)
    assert {len(part) for part in parts[:-1]} <= {days}
    assert [part.within(span).start for part in parts] == list(range(0, length, days))


@given(DAYS, st.integers(1, 60), st.integers(0, 5))
def test_widening_stops_at_the_limit(first: date, length: int, halo: int) -> None:
    whole = span_of(first, length)
    for part in whole.chunks(7):
        wide = part.widened(halo, whole)
        expected = [day for day in whole if _gap(day, part) <= halo]
        assert list(wide) == expected


def _gap(day: date, span: DaySpan) -> int:
    return max((span.first - day).days, (day - span.last).days, 0)


def test_membership_includes_both_ends() -> None:
    span = DaySpan(date(2016, 2, 28), date(2016, 3, 1))
    assert [day.isoformat() for day in span] == ["2016-02-28", "2016-02-29", "2016-03-01"]
    assert date(2016, 3, 1) in span
    assert date(2016, 3, 2) not in span
    assert "2016-02-28" not in span
    assert str(span) == "2016-02-28..2016-03-01"


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="ends 2016-01-01 before it starts 2016-01-02"):
        DaySpan(date(2016, 1, 2), date(2016, 1, 1))


def test_a_span_outside_the_axis_is_refused() -> None:
    whole = DaySpan(date(2016, 1, 1), date(2016, 1, 31))
    with pytest.raises(ValueError, match="does not lie within"):
        DaySpan(date(2016, 1, 31), date(2016, 2, 1)).within(whole)
