"""The cube beside stations, around the melting point."""

from datetime import date
from pathlib import Path

import numpy as np
import zarr

from soilft.days import DaySpan
from soilft.schema import FROZEN, MISSING, OVERPASSES, THAWED
from soilft.scores.at_stations import AtStations, cells, clusters, experiments, state, temperatures
from soilft.scores.held_out_scores import Draws

DAYS = DaySpan(date(2015, 12, 30), date(2016, 1, 2))


def test_a_state_is_frozen_below_the_threshold_and_missing_where_nothing_was_measured() -> None:
    kelvin = np.array([273.0, 273.15, 273.3, np.nan], "float32")
    assert state(kelvin, 273.15).tolist() == [FROZEN, THAWED, THAWED, MISSING]


def test_half_a_kelvin_of_doubt_gives_two_further_experiments() -> None:
    kelvin = np.full((4, 1, 3), 272.9)
    kelvin[0] = 273.4
    kelvin[1] = 270.0
    predicted = np.full((4, 1, 3), FROZEN, "uint8")
    predicted[0] = THAWED
    found = experiments(AtStations(kelvin, predicted), DAYS, Draws(1, 100))
    assert list(found) == ["stations", "stations_colder", "stations_warmer"]
    right = {key: entry["scores"]["overall_accuracy"] for key, entry in found.items()}
    # Below -0.5 degC three days of the four are right no more; below +0.5 degC the thawed one.
    assert right == {"stations": 1.0, "stations_colder": 0.5, "stations_warmer": 0.75}
    assert {entry["against"] for entry in found.values()} == {"stations"}


def test_intervals_resample_years_and_stations() -> None:
    found = clusters(DAYS, (4, 2, 3))
    assert found.shape == (4, 2, 3)
    assert len(np.unique(found)) == 2 * 3
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.isin(found[1], found[2]).any()


def test_cells_of_stations_are_in_the_order_of_their_store(tmp_path: Path) -> None:
    assert cells(str(tmp_path)) == ((), ())
    group = zarr.open_group(str(tmp_path), mode="w")
    group.create_array("row", data=np.array([4, 1]))
    group.create_array("column", data=np.array([0, 7]))
    assert cells(str(tmp_path)) == ((4, 1), (0, 7))


def test_temperatures_are_those_of_the_overpasses_in_their_order(tmp_path: Path) -> None:
    group = zarr.open_group(str(tmp_path), mode="w")
    group.create_array("overpass", data=np.array([OVERPASSES["AM"], OVERPASSES["PM"]], "uint8"))
    kelvin = np.arange(12, dtype="float32").reshape(3, 2, 2)
    group.create_array("soil_temperature", data=kelvin)
    found = temperatures(str(tmp_path), ("PM", "AM"))
    assert found is not None
    np.testing.assert_array_equal(found, kelvin[:, ::-1])
    assert temperatures(str(tmp_path), ("daily",)) is None
