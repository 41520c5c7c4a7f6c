"""Usable days of an input, and the land that a static input tells of."""

from datetime import date

import numpy as np

from soilft.days import DaySpan
from soilft.geo.land import on_land
from soilft.grid import Region
from soilft.ingest.sufficiency import known_cells, usable_days
from soilft.sources import CopernicusGlo90, Dem, SmapL3Ft

COAST = Region("coast", "latlon-1.0", (-12, 37, -4, 43))
OPEN_SEA = Region("sea", "latlon-1.0", (-40, 30, -36, 33))
LAND = COAST.mask & on_land(*COAST.grid.lonlat)


def terrain(region: Region, there: np.ndarray) -> dict[str, np.ndarray]:
    return {v.name: np.where(there, 100.0, np.nan) for v in Dem().variables}


def test_days_count_from_the_first_of_the_mission() -> None:
    days = DaySpan(date(2015, 3, 29), date(2015, 4, 2))
    coverage = np.array([0, 0, 0.5, 0, 0])
    found = usable_days(SmapL3Ft(), days, np.ones(5, bool), np.array([0, 0, 1, 1, 0]), coverage)
    assert found.expected.tolist() == [False, False, True, True, True]
    assert found.share == 1 / 3
    assert found.delivered.tolist() == [False, False, True, True, False]


def test_a_day_that_is_there_could_have_been() -> None:
    days = DaySpan(date(2015, 3, 29), date(2015, 3, 30))
    ones = np.ones(2)
    assert usable_days(SmapL3Ft(), days, ones > 0, ones, ones).expected.all()
    none = usable_days(SmapL3Ft(), days, ones > 0, 0 * ones, 0 * ones)
    assert (none.expected.any(), none.share) == (False, 1)


def test_days_that_were_not_ingested_do_not_count() -> None:
    days = DaySpan(date(2016, 1, 1), date(2016, 1, 4))
    known = np.array([True, True, False, False])
    found = usable_days(SmapL3Ft(), days, known, np.zeros(4), known * 0.5)
    assert found.share == 1


def test_the_sea_does_not_count_against_a_terrain_of_the_land() -> None:
    assert 0 < LAND.sum() < COAST.mask.sum()
    found = known_cells(Dem(), terrain(COAST, LAND), COAST)
    assert (found.known, found.cells, found.land) == (LAND.sum(), LAND.sum(), True)


def test_cells_of_land_without_terrain_count() -> None:
    lon, _ = COAST.grid.lonlat
    west = lon < -7
    found = known_cells(Dem(), terrain(COAST, west), COAST)
    assert found.known == (LAND & west).sum() < found.cells == LAND.sum()


def test_a_cell_that_lacks_one_variable_is_not_known() -> None:
    values = terrain(COAST, LAND)
    values["slope"][:] = np.nan
    assert known_cells(Dem(), values, COAST).share == 0


def test_cells_outside_of_the_outline_do_not_count() -> None:
    outline = "POLYGON ((-7 38, -5 38, -5 42, -7 42, -7 38))"
    region = Region("coast", "latlon-1.0", COAST.bounds, outline)
    found = known_cells(Dem(), terrain(region, region.mask), region)
    assert found.share == 1
    assert found.cells == region.mask.sum() < LAND.sum()


def test_the_sea_in_place_of_absent_tiles_is_no_terrain_of_the_land() -> None:
    lon, _ = COAST.grid.lonlat
    west = lon < -7
    values = {name: np.where(west, field, 0.0) for name, field in terrain(COAST, west).items()}
    assert known_cells(CopernicusGlo90("sea"), values, COAST).known == (LAND & west).sum()
    # What stands in files as level ground does.
    assert known_cells(CopernicusGlo90(), values, COAST).share == 1


def test_where_no_land_is_known_every_cell_counts() -> None:
    sea = {v.name: np.zeros(OPEN_SEA.grid.shape) for v in Dem().variables}
    found = known_cells(CopernicusGlo90("sea"), sea, OPEN_SEA)
    assert (found.share, found.cells, found.land) == (1, OPEN_SEA.mask.sum(), False)
