"""Which days and which pixel of the cube are drawn."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import zarr

from soilft.days import DaySpan
from soilft.report import cube_states
from soilft.schema import MISSING, OVERPASSES

DAYS = DaySpan(date(2015, 1, 1), date(2015, 1, 8))


def test_of_each_quarter_the_day_with_most_known_pixels_is_drawn() -> None:
    assert cube_states.examples(np.array([0, 3, 5, 5, 1, 0, 2, 9])) == [1, 2, 4, 7]
    assert cube_states.examples(np.array([4, 1])) == [0, 1]


def stores(folder: Path, state: np.ndarray) -> tuple[str, str]:
    cube = zarr.open_group(str(folder / "cube"), mode="w")
    cube.create_array("freeze_thaw_state", data=state)
    percent = np.where(state == MISSING, MISSING, 100 * state).astype("uint8")
    cube.create_array("frozen_probability", data=percent)
    label = zarr.open_group(str(folder / "label"), mode="w")
    label.create_array("overpass", data=np.array([OVERPASSES["AM"], OVERPASSES["PM"]], "uint8"))
    label.create_array("freeze_thaw", data=np.stack([state, 1 - state], axis=1))
    return str(folder / "cube"), str(folder / "label")


def test_the_middle_pixel_is_drawn_beside_the_label_of_the_overpass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = np.random.default_rng(0).integers(0, 2, (8, 3, 4), dtype="uint8")
    state[2, 1, 2] = MISSING
    drawn = {}
    for name in ("example_days", "pixel_decade"):
        monkeypatch.setattr(
            cube_states,
            name,
            lambda *values, name=name, **_: drawn.setdefault(name, values) and name,
        )
    lon, lat = np.meshgrid(np.arange(4.0), np.arange(3.0))
    urls = stores(tmp_path, state)
    found = cube_states.draw(*urls, "PM", DAYS, DAYS.chunks(3), lon, lat, simulated=False)
    assert list(found) == ["example_days", "pixel_decade"]
    assert [day for day, _ in drawn["example_days"][0]] == [
        "2015-01-01",
        "2015-01-04",
        "2015-01-05",
        "2015-01-07",
    ]
    _, probability, states, label, truth, title = drawn["pixel_decade"]
    np.testing.assert_array_equal(states, state[:, 1, 2])
    assert np.isnan(probability[2])
    np.testing.assert_array_equal(label, 1 - state[:, 1, 2])
    assert truth is None
    assert title == "1.00 N, 2.00 E"


def test_of_a_cube_without_states_nothing_is_drawn(tmp_path: Path) -> None:
    urls = stores(tmp_path, np.full((8, 2, 2), MISSING, "uint8"))
    grid = np.zeros((2, 2))
    assert cube_states.draw(*urls, "AM", DAYS, DAYS.chunks(3), grid, grid, simulated=False) == {}
