"""Parts of lattices: complete, without overlap, and the same whatever the cut."""

import numpy as np
import pyproj
import pytest

from soilft.geo.regrid import Part, overlap, overlap_of_parts
from soilft.geo.tiles import circle, surroundings, tiles
from soilft.grid import PRESETS, Grid, Region

SECONDS_30 = Grid("EPSG:4326", 84.0, 36.0, 1 / 120, 1 / 120, (720, 960))
MINUTES_6 = Grid("EPSG:4326", 84.0, 36.0, 0.1, 0.1, (60, 80))
IGH = Grid("+proj=igh +datum=WGS84 +units=m +no_defs", -20_037_500, 8.6e6, 2000, 2000, (9, 9))
PLATEAU = (86.0, 31.0, 89.0, 33.0)
POLE = Grid("EPSG:6931", -1e5, 1e5, 25e3, 25e3, (8, 8))
BERINGIA = Grid("EPSG:6931", -1e5, 27e5, 25e3, 25e3, (6, 8))
TARGETS = {
    preset: Region("window", preset, PLATEAU).grid for preset in ("latlon-0.25", "ease2-north-25km")
}


def whole(grid: Grid) -> Part:
    return Part(grid, np.arange(grid.shape[0]), np.arange(grid.shape[1]))


def needed(_: Part) -> bool:
    return True


def test_a_circle_is_known_by_its_cells() -> None:
    assert circle(SECONDS_30) == 43_200
    assert circle(Grid("EPSG:4326", 20.0, 90.0, 1 / 3, 1 / 3, (540, 1081))) == 1080
    assert circle(Grid("EPSG:4326", 0.0, 1.0, 0.007, 0.007, (9, 9))) is None
    assert circle(PRESETS["ease2-global-25km"]) is None


@pytest.mark.parametrize("preset", TARGETS)
@pytest.mark.parametrize("cells", [2**22, 30_000, 5000])
def test_tiles_hold_every_target_cell_once_and_few_source_cells(preset: str, cells: int) -> None:
    target = TARGETS[preset]
    count = np.zeros(target.shape, int)
    for around, part in tiles(SECONDS_30, target, cells, needed):
        count[np.ix_(part.rows, part.columns)] += 1
        assert around.size <= cells
    assert (count == 1).all()


def test_a_cell_that_needs_too_many_is_refused() -> None:
    with pytest.raises(ValueError, match="900 cells for one of the grid, at most 899"):
        list(tiles(SECONDS_30, TARGETS["latlon-0.25"], 899, needed))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (SECONDS_30, Region("a", "ease2-north-25km", PLATEAU).grid),
        (MINUTES_6, Region("a", "ease2-north-25km", PLATEAU).grid),
        (Grid("EPSG:4326", -180, 90, 0.25, 0.25, (9, 9)), POLE),
        (Grid("EPSG:4326", 20, 90, 0.1, 0.1, (9, 9)), BERINGIA),
        (IGH, Grid("EPSG:6931", -14e5, -4e5, 25e3, 25e3, (12, 12))),
        (IGH, BERINGIA),
        (IGH, Region("a", "latlon-0.25", (-42, 70, -38, 72)).grid),
    ],
    ids=["30 s", "6 min", "pole", "antimeridian", "Greenland", "Beringia", "Greenland-latlon"],
)  # fmt: skip
def test_surroundings_hold_every_place_of_a_part(source: Grid, target: Grid) -> None:
    """Random places of the target, carried to the source by pyproj alone."""
    rng = np.random.default_rng(0)
    x = target.left + target.width * rng.uniform(0, target.shape[1], 40_000)
    y = target.top - target.height * rng.uniform(0, target.shape[0], 40_000)
    sx, sy = pyproj.Transformer.from_crs(target.crs, source.crs, always_xy=True).transform(x, y)
    around = surroundings(source, whole(target))
    assert around is not None
    column = np.floor((sx - source.left) / source.width).astype(int)
    row = np.floor((source.top - sy) / source.height).astype(int)
    ring = circle(source)
    columns = around.columns if ring is None else around.columns % ring
    assert np.isin(column if ring is None else column % ring, columns).all()
    assert np.isin(row, around.rows).all()
    assert len(np.unique(columns)) == len(columns)


@pytest.mark.parametrize("preset", TARGETS)
def test_a_coarse_overlap_is_that_of_whole_grids(preset: str) -> None:
    target = TARGETS[preset]
    field = np.random.default_rng(0).normal(4000, 500, MINUTES_6.shape)
    expected = overlap(MINUTES_6, target).mean(field)
    found = overlap_of_parts(whole(MINUTES_6), whole(target)).mean(field)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_fine_cells_share_out_a_target_cell() -> None:
    target = TARGETS["ease2-north-25km"]
    lon, lat = SECONDS_30.lonlat
    x, y = pyproj.Transformer.from_crs("EPSG:4326", target.crs, always_xy=True).transform(lon, lat)
    row = np.floor((target.top - y) / target.height).astype(int)
    column = np.floor((x - target.left) / target.width).astype(int)
    field = np.random.default_rng(0).normal(size=SECONDS_30.shape)
    weight = np.cos(np.radians(lat))
    cell = overlap_of_parts(whole(SECONDS_30), whole(target))
    mean, std = cell.mean(field), cell.std(field)
    for r, c in ((0, 0), (4, 7), (8, 3)):
        inside = (row == r) & (column == c)
        expected = np.average(field[inside], weights=weight[inside])
        assert mean[r, c] == pytest.approx(expected, rel=1e-6)
        variance = np.average((field[inside] - expected) ** 2, weights=weight[inside])
        assert std[r, c] == pytest.approx(np.sqrt(variance), rel=1e-6)
    np.testing.assert_allclose(np.asarray(cell.matrix.sum(axis=1)), 1.0, rtol=1e-9)


def test_spread_leaves_out_what_is_missing_and_needs_half_of_a_cell() -> None:
    fine = Grid("EPSG:6933", 0.0, 200.0, 50.0, 50.0, (2, 4))
    coarse = Grid("EPSG:6933", 0.0, 200.0, 100.0, 100.0, (1, 2))
    field = np.array([[10.0, 14.0, np.nan, 3.0], [np.nan, 12.0, np.nan, np.nan]])
    found = overlap(fine, coarse).std(field)
    assert found.dtype == np.float32
    assert found[0, 0] == pytest.approx(np.std([10, 14, 12]))
    assert np.isnan(found[0, 1])
    assert overlap(fine, coarse).std(field, min_valid=0.25)[0, 1] == 0
    assert np.isnan(overlap(fine, coarse).std(np.full((2, 4), np.nan))).all()


def test_places_shown_twice_count_once() -> None:
    # Goode's western lobe repeats the east of Greenland, which belongs to the eastern one.
    lobes = Grid(IGH.crs, -8.5e6, 7.6e6, 250.0, 250.0, (9, 9))
    target = Grid("EPSG:4326", -38.5, 71.0, 0.25, 0.25, (1, 1))
    around = surroundings(lobes, whole(target))
    assert around is not None
    home = overlap_of_parts(around, whole(target), interrupted=True).matrix.nnz
    west = np.arange(0, 12_000)
    everywhere = Part(lobes, around.rows, np.unique(np.concatenate([west, around.columns])))
    twice = overlap_of_parts(everywhere, whole(target), interrupted=False).matrix.nnz
    once = overlap_of_parts(everywhere, whole(target), interrupted=True).matrix.nnz
    assert once == home > 1000
    assert twice > 1.5 * once
