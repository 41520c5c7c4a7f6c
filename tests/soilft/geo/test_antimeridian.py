"""Cells beside and across 180 degrees: of their own ground alone, and of all of it."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse

from soilft.errors import GridMismatch
from soilft.geo.regrid import Overlap, Part, overlap, overlap_of_parts
from soilft.geo.tiles import tiles
from soilft.grid import PRESETS, Grid, Region

GLOBAL = ("ease2-global-25km", "ease2-global-36km")
BELT = (61.0, 63.0)
LAYOUTS = {
    "edge at 180": Grid("EPSG:4326", -180.0, 90.0, 0.25, 0.25, (720, 1440)),
    "centre at 180": Grid("EPSG:4326", -180.125, 90.0, 0.25, 0.25, (720, 1441)),
    "from Greenwich": Grid("EPSG:4326", 0.0, 90.0, 0.5, 0.5, (360, 720)),
    "from 20 degrees, seven digits": Grid(
        "EPSG:4326", 20.0, 90.0, 0.3333333, 0.3333333, (540, 1081)
    ),
    "fine": Grid("EPSG:4326", -180.0, 90.0, 1 / 120, 1 / 120, (21600, 43200)),
}


def sums(weights: Overlap) -> np.ndarray:
    return np.asarray(weights.matrix.sum(axis=1)).reshape(weights.target_shape)


def sums_by_tiles(source: Grid, target: Grid) -> np.ndarray:
    found = np.zeros(target.shape)
    for around, part in tiles(source, target, 2**18, lambda _: True):
        found[np.ix_(part.rows, part.columns)] = sums(overlap_of_parts(around, part))
    return found


@settings(deadline=None, max_examples=12, derandomize=True)
@given(
    layout=st.sampled_from(sorted(LAYOUTS)),
    preset=st.sampled_from(sorted(PRESETS)),
    west=st.floats(-180, 179),
    south=st.floats(-60, 78),
)
@example(layout="centre at 180", preset="ease2-global-25km", west=179.0, south=62.0)
@example(layout="centre at 180", preset="ease2-global-36km", west=-180.0, south=62.0)
@example(layout="from 20 degrees, seven digits", preset="ease2-global-25km", west=179.0, south=62.0)
def test_a_raster_around_the_globe_gives_every_cell_all_of_its_area(
    layout: str, preset: str, west: float, south: float
) -> None:
    south = abs(south) if preset == "ease2-north-25km" else south
    target = Region("r", preset, (west, south, west + 1, south + 1)).grid
    assert sums_by_tiles(LAYOUTS[layout], target) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("west", [-180.0, 178.0])
@pytest.mark.parametrize("native", sorted(PRESETS))
@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_any_preset_gives_cells_beside_180_degrees_all_of_their_area(
    native: str, preset: str, west: float
) -> None:
    source = PRESETS[native]
    target = Region("r", preset, (west, BELT[0], west + 2, BELT[1])).grid
    part = source.window(*source.overlapping(target))
    assert sums(overlap(part, target)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("layout", ["centre at 180", "from 20 degrees, seven digits"])
@pytest.mark.parametrize("preset", GLOBAL)
@pytest.mark.parametrize("west", [-180.0, 172.0])
def test_a_cell_across_180_degrees_is_blended_with_its_own_ground_alone(
    layout: str, preset: str, west: float
) -> None:
    source = LAYOUTS[layout]
    target = Region("r", preset, (west, BELT[0], west + 8, BELT[1])).grid
    away = np.abs((target.lonlat[0] + 360) % 360 - 180) > 2
    for around, part in tiles(source, target, 2**18, lambda _: True):
        beside = np.abs((around.x + 360) % 360 - 180) < 0.8
        field = np.broadcast_to(np.where(beside, 4000.0, 100.0), around.shape)
        mean = overlap_of_parts(around, part).mean(field)
        far = away[np.ix_(part.rows, part.columns)]
        assert mean[far] == pytest.approx(100)
        assert np.nanmax(mean) == pytest.approx(4000)


def test_of_whole_rows_only_what_is_near_is_cut_and_nothing_that_counts_is_left_out() -> None:
    target = Region("r", "ease2-north-25km", (179.0, BELT[0], -179.0, BELT[1])).grid
    source = PRESETS["ease2-global-36km"]
    row = source.window(*source.overlapping(target))
    assert row.shape[1] == source.shape[1]
    near = overlap(row, target)
    every = overlap_of_parts(Part.whole(row), Part.whole(target))
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(near.matrix, name), getattr(every.matrix, name))


@pytest.mark.parametrize("native", sorted(PRESETS))
def test_a_grid_across_180_degrees_gets_of_any_preset_what_its_halves_get(native: str) -> None:
    source = PRESETS[native]
    field = np.random.default_rng(0).random(source.shape)

    def mean(west: float, east: float) -> np.ndarray:
        target = Region("r", "latlon-0.25", (west, BELT[0], east, BELT[1])).grid
        rows, columns = source.overlapping(target)
        return overlap(source.window(rows, columns), target).mean(field[rows, columns])

    halves = np.concatenate([mean(179.0, 180.0), mean(-180.0, -178.5)], axis=1)
    assert np.isfinite(halves).all()
    np.testing.assert_allclose(mean(179.0, -178.5), halves, rtol=1e-6)


def test_a_cell_that_others_cover_twice_is_refused() -> None:
    twice = sparse.csr_array(np.array([[0.5, 0.5], [1.0, 0.01]]))
    with pytest.raises(GridMismatch, match=r"sum to 1 at most, found 1\.01"):
        Overlap(twice, (1, 2))


@pytest.mark.parametrize("cell", [0.05, 0.047])
@pytest.mark.parametrize("preset", ["latlon-0.25", "ease2-north-25km"])
def test_a_raster_that_runs_on_past_180_degrees_is_met_on_both_sides(
    preset: str, cell: float
) -> None:
    # Cells that divide the circle, and some that do not.
    source = Grid("EPSG:4326", 168.0, 72.0, cell, cell, (round(12 / cell), round(24 / cell)))
    region = Region("r", preset, (172.0, 62.0, -172.0, 70.0))
    found = sums_by_tiles(source, region.grid)
    assert found[region.mask] == pytest.approx(1, abs=1e-3)
