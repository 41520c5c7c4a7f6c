"""The cut of the published cube: few requests for a map and for a series, whatever the grid."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soilft.release.layout import (
    CHUNK_DAYS,
    LEAST_DAYS,
    MOST_DAYS,
    MOST_TILES,
    SERIES_FROM_CELLS,
    Layout,
    requests_of_series,
)

SIZES = st.integers(1, 2000)


@given(SIZES, SIZES, st.integers(1, 20_000))
def test_a_map_takes_two_requests_a_tile_and_a_series_two_a_shard(
    rows: int, columns: int, days: int
) -> None:
    layout = Layout.of((rows, columns), days)
    tiles = math.ceil(rows / layout.rows) * math.ceil(columns / layout.columns)
    assert 2 * tiles <= 12
    assert tiles <= MOST_TILES
    assert layout.chunk_days == CHUNK_DAYS <= 16
    assert LEAST_DAYS <= layout.shard_days <= MOST_DAYS
    if 3600 <= days <= 3700:
        assert requests_of_series(days, layout.shard_days) <= 24
    cells = layout.series**2 if layout.series else layout.rows * layout.columns
    assert cells <= SERIES_FROM_CELLS


def test_small_grids_are_one_tile() -> None:
    assert Layout.of((12, 16), 12) == Layout(15, 240, 12, 16)


def test_the_copy_for_series_can_be_asked_for_or_refused() -> None:
    assert Layout.of((720, 720), 3653).series
    assert not Layout.of((720, 720), 3653, series=False).series
    assert Layout.of((12, 16), 12, series=True).series == 12


def test_a_layout_survives_json() -> None:
    layout = Layout.of((720, 720), 3653)
    assert Layout.parse(layout.as_json()) == layout


def test_releases_of_one_method_are_cut_as_the_first_was() -> None:
    shape, layout = (12, 16), Layout(15, 480, 6, 8)
    before = {"method": {"model": "a"}, "layout": layout.as_json()}
    assert Layout.following(before, {"model": "a"}, shape, 12) == layout
    for other in (before, None):
        fresh = Layout.following(other, {"model": "b"}, shape, 12, series=True)
        assert fresh == Layout.of(shape, 12, series=True)


@pytest.mark.parametrize(
    "wrong", [{"shard_days": 16}, {"series": 7}], ids=["shard of broken chunks", "broken series"]
)
def test_lengths_that_do_not_divide_are_refused(wrong: dict[str, int]) -> None:
    right = {"chunk_days": 15, "shard_days": 30, "rows": 24, "columns": 24, "series": 0}
    with pytest.raises(ValueError, match=r"24 x 24|16 days"):
        Layout(**{**right, **wrong})
