"""Area-weighted regridding, held against areas computed another way and another library."""

import numpy as np
import pyproj
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from soilft.geo.regrid import overlap
from soilft.grid import PRESETS, Grid, Region

SOURCE = PRESETS["latlon-0.25"]
PLATEAU = (85.0, 30.0, 91.0, 34.0)
NORTH = (-156.0, 64.0, -146.0, 68.0)
PAIRS = [("ease2-global-25km", PLATEAU), ("ease2-north-25km", PLATEAU), ("ease2-north-25km", NORTH)]


def coast(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Random 0 and 1, with NaN beyond a ragged coast."""
    rng = np.random.default_rng(seed)
    field = rng.integers(0, 2, shape).astype("float64")
    columns = np.arange(shape[1])[None, :]
    shore = shape[1] * 0.7 + rng.integers(-3, 4, (shape[0], 1))
    return np.where(columns > shore, np.nan, field)


def source_around(grid: Grid) -> Grid:
    return SOURCE.window(*SOURCE.overlapping(grid))


def cell_in(grid: Grid, row: int, column: int, crs: str, points: int = 100) -> shapely.Polygon:
    """A cell in another CRS, each edge followed through many points, by pyproj alone."""
    along = np.linspace(0.0, 1.0, points, endpoint=False)
    x0, y1 = grid.left + column * grid.width, grid.top - row * grid.height
    x = np.concatenate([along, np.ones(points), 1 - along, np.zeros(points)]) * grid.width + x0
    y = y1 - grid.height * np.concatenate([np.zeros(points), along, np.ones(points), 1 - along])
    if grid.crs != crs:
        x, y = pyproj.Transformer.from_crs(grid.crs, crs, always_xy=True).transform(x, y)
    return shapely.Polygon(np.column_stack([x, y]))


def reference_mean(
    source: Grid, target: Grid, field: np.ndarray, row: int, column: int
) -> tuple[float, float]:
    """Mean over a target cell and its valid share, from finely followed polygons.

    Areas are taken in a Lambert azimuthal projection about the cell, not in the target's CRS.
    """
    lon, lat = target.lonlat
    crs = (
        f"+proj=laea +lat_0={lat[row, column]:.6f} +lon_0={lon[row, column]:.6f} "
        "+datum=WGS84 +units=m"
    )
    cell = cell_in(target, row, column, crs)
    dlon = 25_000 * 1.5 / (111_000 * np.cos(np.radians(lat[row, column]))) + source.width
    rows = np.flatnonzero(np.abs(source.y - lat[row, column]) < 0.5 + source.height)
    columns = np.flatnonzero(np.abs(source.x - lon[row, column]) < dlon)
    total = covered = 0.0
    for r in rows:
        for c in columns:
            if np.isfinite(field[r, c]):
                area = cell.intersection(cell_in(source, r, c, crs)).area
                covered += area
                total += area * field[r, c]
    return total / covered if covered else np.nan, covered / cell.area


@pytest.mark.parametrize(("preset", "bounds"), PAIRS)
def test_each_cell_is_the_mean_of_what_it_overlaps(
    preset: str, bounds: tuple[float, float, float, float]
) -> None:
    target = Region("window", preset, bounds).grid
    source = source_around(target)
    field = coast(source.shape)
    found = overlap(source, target).mean(field, min_valid=0.3)
    rng = np.random.default_rng(1)
    cells = rng.choice(target.shape[0] * target.shape[1], 8, replace=False)
    compared = 0
    for row, column in zip(*np.unravel_index(cells, target.shape), strict=True):
        expected, share = reference_mean(source, target, field, row, column)
        if abs(share - 0.3) < 1e-3:
            continue
        if share < 0.3:
            assert np.isnan(found[row, column])
        else:
            assert found[row, column] == pytest.approx(expected, abs=1e-4)
            compared += 1
    assert compared >= 4


@pytest.mark.parametrize(("preset", "bounds"), PAIRS)
def test_overlap_weighted_integral_is_conserved(
    preset: str, bounds: tuple[float, float, float, float]
) -> None:
    target = Region("window", preset, bounds).grid
    source = source_around(target)
    field = coast(source.shape)
    weights = overlap(source, target)
    mean = weights.mean(field, min_valid=0.0).astype("float64").ravel()
    valid = np.isfinite(field).ravel()
    area = target.width * target.height
    covered = weights.matrix @ valid.astype("float64") * area
    # What each source cell gives away in all, from its side of the matrix.
    given_away = np.asarray(weights.matrix.sum(axis=0)).ravel() * area
    expected = np.nansum(np.where(valid, field.ravel(), 0.0) * given_away)
    assert np.nansum(mean * covered) == pytest.approx(expected, rel=1e-6)
    assert expected > 1e9


@pytest.mark.parametrize(("preset", "bounds"), PAIRS)
def test_integral_of_a_01_field_with_a_coast_is_that_of_its_polygons(
    preset: str, bounds: tuple[float, float, float, float]
) -> None:
    target = Region("window", preset, bounds).grid
    source = source_around(target)
    field = coast(source.shape)
    weights = overlap(source, target)
    mean = weights.mean(field, min_valid=0.0).astype("float64").ravel()
    covered = weights.matrix @ np.isfinite(field).ravel().astype("float64")
    found = np.nansum(mean * covered) * target.width * target.height
    rows, columns = target.shape
    frame = shapely.box(
        target.left,
        target.top - rows * target.height,
        target.left + columns * target.width,
        target.top,
    )
    expected = sum(
        cell_in(source, r, c, target.crs).intersection(frame).area
        for r, c in zip(*np.nonzero(field == 1), strict=True)
    )
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("preset", "bounds"), PAIRS)
def test_cells_inside_give_all_of_their_area(
    preset: str, bounds: tuple[float, float, float, float]
) -> None:
    target = Region("window", preset, bounds).grid
    source = source_around(target)
    matrix = overlap(source, target).matrix
    np.testing.assert_allclose(np.asarray(matrix.sum(axis=1)).ravel(), 1.0, atol=1e-5)
    given_away = np.asarray(matrix.sum(axis=0)).reshape(source.shape) * target.width * target.height
    geod = pyproj.Geod(ellps="WGS84")
    lon, lat = np.meshgrid(source.x, source.y)
    x, y = pyproj.Transformer.from_crs("EPSG:4326", target.crs, always_xy=True).transform(lon, lat)
    far = 60_000
    inside = (
        (np.asarray(x) > target.x[0] + far)
        & (np.asarray(x) < target.x[-1] - far)
        & (np.asarray(y) > target.y[-1] + far)
        & (np.asarray(y) < target.y[0] - far)
    )
    checked = 0
    for r, c in zip(*np.nonzero(inside), strict=True):
        west, south = lon[r, c] - 0.125, lat[r, c] - 0.125
        # Parallels are not geodesics: follow them.
        along = np.linspace(west, west + 0.25, 50)
        ring_lon = np.concatenate([along, along[::-1]])
        ring_lat = np.concatenate([np.full(50, south), np.full(50, south + 0.25)])
        area, _ = geod.polygon_area_perimeter(ring_lon, ring_lat)
        assert given_away[r, c] == pytest.approx(abs(area), rel=1e-4)
        checked += 1
        if checked == 25:
            break
    assert checked == 25


def test_constant_stays_constant_up_to_the_pole() -> None:
    target = Region("pole", "ease2-north-25km", (-180, 86, 180, 90)).grid
    source = source_around(target)
    mean = overlap(source, target).mean(np.full(source.shape, 7.0))
    np.testing.assert_array_equal(mean, np.float32(7.0))


def test_whole_circle_to_the_global_grid_leaves_no_seam() -> None:
    target = Region("belt", "ease2-global-25km", (-180, 40, 180, 41)).grid
    source = source_around(target)
    weights = overlap(source, target)
    np.testing.assert_allclose(np.asarray(weights.matrix.sum(axis=1)).ravel(), 1.0, atol=1e-4)


def test_projected_to_geographic_agrees_with_geographic_to_projected() -> None:
    geographic = Region("window", "latlon-0.25", (86, 31, 88, 33)).grid
    projected = PRESETS["ease2-north-25km"].window(
        *PRESETS["ease2-north-25km"].overlapping(geographic)
    )
    there = overlap(projected, geographic).matrix.toarray()
    back = overlap(geographic, projected).matrix.toarray()
    geod = pyproj.Geod(ellps="WGS84")
    lon, lat = geographic.lonlat
    corners = [
        np.concatenate(
            [np.linspace(x - 0.125, x + 0.125, 50), np.linspace(x + 0.125, x - 0.125, 50)]
        )
        for x in lon.ravel()
    ]
    area = np.array(
        [
            abs(geod.polygon_area_perimeter(ring, np.repeat([y - 0.125, y + 0.125], 50))[0])
            for ring, y in zip(corners, lat.ravel(), strict=True)
        ]
    )
    np.testing.assert_allclose(there * area[:, None], back.T * 25_000.0**2, atol=1e-4 * 25_000**2)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.slow
def test_geographic_pair_agrees_with_xarray_regrid() -> None:
    import xarray_regrid  # noqa: F401

    source = Region("window", "latlon-0.25", (70, 20, 90, 50)).grid
    target = Grid("EPSG:4326", 72.0, 48.0, 0.7, 0.6, (40, 20))
    field = np.random.default_rng(3).normal(260, 20, source.shape)
    given_ = xr.DataArray(field, dims=("latitude", "longitude"))
    given_ = given_.assign_coords(latitude=source.y, longitude=source.x)
    onto = xr.Dataset(coords={"latitude": target.y, "longitude": target.x})
    # Their areas are of zones on a sphere, as ours.
    expected = given_.regrid.conservative(onto, latitude_coord="latitude")
    expected = expected.transpose("latitude", "longitude").sel(latitude=target.y)
    expected = expected.data.todense()
    found = overlap(source, target).mean(field)
    # They weigh parts of a row by its middle: a thousandth of the spread of the field apart.
    np.testing.assert_allclose(found, expected, atol=2e-2)


def test_aligned_grids_are_copied_exactly() -> None:
    for preset in PRESETS:
        whole = PRESETS[preset]
        source = whole.window(slice(60, 90), slice(100, 150))
        target = whole.window(slice(63, 80), slice(101, 149))
        field = np.random.default_rng(2).normal(0, 1e6, source.shape).astype("float32")
        field[5, 7] = np.nan
        weights = overlap(source, target)
        assert set(weights.matrix.data) == {1.0}
        np.testing.assert_array_equal(weights.mean(field), field[3:20, 1:49])


COARSE = Grid("EPSG:6933", 0.0, 200.0, 100.0, 100.0, (2, 2))
FINE = Grid("EPSG:6933", 0.0, 200.0, 50.0, 50.0, (4, 4))


def test_largest_class_wins_and_of_equal_ones_the_lower_code() -> None:
    field = np.array(
        [[2, 2, 1, 1], [0, 1, 0, 0], [255, 255, 255, 255], [2, 1, 255, 1]], dtype="uint8"
    )
    found = overlap(FINE, COARSE).majority(field, missing=255)
    assert found.tolist() == [[2, 0], [1, 255]]
    assert found.dtype == np.uint8


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_majority_is_the_class_of_largest_area(seed: int) -> None:
    rng = np.random.default_rng(seed)
    field = rng.choice(np.array([0, 1, 2, 255], "uint8"), FINE.shape)
    found = overlap(FINE, COARSE).majority(field, missing=255)
    for r in range(2):
        for c in range(2):
            part = field[2 * r : 2 * r + 2, 2 * c : 2 * c + 2].ravel()
            counts = [(part == code).sum() for code in range(3)]
            expected = int(np.argmax(counts)) if sum(counts) >= 2 else 255
            assert found[r, c] == expected


@pytest.mark.parametrize(("missing", "known"), [(0, True), (2, True), (3, False), (4, False)])
def test_mean_needs_half_of_a_cell(missing: int, known: bool) -> None:
    field = np.full(FINE.shape, 5.0)
    field[:2, :2].flat[:missing] = np.nan
    cell = overlap(FINE, COARSE).mean(field)[0, 0]
    assert (cell == 5.0) if known else np.isnan(cell)


def test_outside_the_source_is_missing() -> None:
    target = Grid("EPSG:6933", 100.0, 200.0, 100.0, 100.0, (2, 3))
    found = overlap(FINE, target).mean(np.ones(FINE.shape))
    np.testing.assert_array_equal(found, [[1, np.nan, np.nan]] * 2)


def test_leading_axes_are_kept() -> None:
    field = np.random.default_rng(5).normal(size=(3, 2, *FINE.shape))
    weights = overlap(FINE, COARSE)
    found = weights.mean(field)
    assert found.shape == (3, 2, 2, 2)
    np.testing.assert_array_equal(found[2, 1], weights.mean(field[2, 1]))
    np.testing.assert_allclose(
        found[0, 0], field[0, 0].reshape(2, 2, 2, 2).mean(axis=(1, 3)), rtol=1e-6
    )


@pytest.mark.parametrize("preset", ["ease2-global-25km", "ease2-north-25km"])
def test_fine_source_by_centre_is_near_the_mean_over_the_cell(preset: str) -> None:
    target = Region("window", preset, (86.0, 31.0, 87.0, 32.0)).grid
    fine = Grid("EPSG:4326", 85.0, 33.0, 1 / 120, 1 / 120, (360, 360))
    lon, lat = fine.lonlat
    # A smooth field, whose mean over a cell is close to a plane's: its value at the centre.
    field = 4000 + 300 * (lon - 86) + 200 * (lat - 31)
    clon, clat = target.lonlat
    inside = (clon > 85.3) & (clon < 87.7) & (clat > 30.3) & (clat < 32.7)
    expected = 4000 + 300 * (clon - 86) + 200 * (clat - 31)
    found = overlap(fine, target).mean(field)
    assert inside.sum() > 10
    np.testing.assert_allclose(found[inside], expected[inside], atol=1.5)


def test_fine_source_by_centre_is_near_the_polygon_result() -> None:
    target = Region("window", "ease2-north-25km", (86.0, 31.0, 86.5, 31.4)).grid
    fine = Grid("EPSG:4326", 85.0, 33.0, 1 / 100, 1 / 100, (300, 300))
    field = np.random.default_rng(0).integers(0, 2, fine.shape).astype("float64")
    row, column = target.shape[0] // 2, target.shape[1] // 2
    cell = cell_in(target, row, column, "EPSG:4326")
    west, south, east, north = cell.bounds
    total = covered = 0.0
    for r in np.flatnonzero((fine.y > south - 0.01) & (fine.y < north + 0.01)):
        for c in np.flatnonzero((fine.x > west - 0.01) & (fine.x < east + 0.01)):
            box = shapely.box(
                fine.x[c] - 0.005, fine.y[r] - 0.005, fine.x[c] + 0.005, fine.y[r] + 0.005
            )
            area = cell.intersection(box).area * np.cos(np.radians(fine.y[r]))
            covered += area
            total += area * field[r, c]
    found = overlap(fine, target).mean(field)[row, column]
    # The docstring's promise: within 1 % of the spread of the field, which is 1.
    assert found == pytest.approx(total / covered, abs=0.015)


@pytest.mark.slow
def test_fine_projected_source_covers_cells_of_every_latitude() -> None:
    # Cells of a geographic target shrink poleward; a full one must count as full at any latitude.
    target = Grid("EPSG:4326", 0.0, 80.0, 0.25, 0.25, (40, 4))
    box = PRESETS["ease2-north-25km"].overlapping(target, margin=1)
    coarse = PRESETS["ease2-north-25km"].window(*box)
    shape = (coarse.shape[0] * 50, coarse.shape[1] * 50)
    fine = Grid(coarse.crs, coarse.left, coarse.top, 500.0, 500.0, shape)
    weights = overlap(fine, target)
    covered = np.asarray(weights.matrix.sum(axis=1)).reshape(target.shape)
    assert covered.min() > 0.8
    assert covered.max() <= 1.0 + 1e-9
