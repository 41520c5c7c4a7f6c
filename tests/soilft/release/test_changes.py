"""What a new cube says otherwise, by year."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from soilft.cube import structure as cube
from soilft.days import DaySpan
from soilft.grid import Region
from soilft.release.changes import compared, text
from soilft.schema import MISSING
from soilft.store import zarr as store
from tests.support.staged import GRID


def written(url: Path, days: DaySpan, state: np.ndarray, grid=GRID) -> str:
    store.create(str(url), cube.template(grid, days, ["AM"], 5, {}))
    store.write_region(str(url), {"freeze_thaw_state": state.astype("uint8")}, {})
    return str(url)


def test_changes_are_counted_by_year_over_days_that_both_have(tmp_path: Path) -> None:
    before = DaySpan(date(2015, 12, 30), date(2016, 1, 3))
    after = DaySpan(before.first, date(2016, 1, 5))
    old, new = np.zeros((5, *GRID.shape)), np.zeros((7, *GRID.shape))
    old[:, 0] = new[:, 0] = MISSING  # never known: no pixel-day of either
    new[1, 1, :3] = 1  # 2015: three states
    new[3, 2, 0] = MISSING  # 2016: one no longer known
    new[6] = 1  # a day that only the new one has
    found = compared(
        written(tmp_path / "a", before, old), written(tmp_path / "b", after, new), [after]
    )
    known = GRID.shape[0] * GRID.shape[1] - GRID.shape[1]
    assert found["days_added"] == 2
    assert (found["pixel_days"], found["changed"]) == (5 * known, 4)
    assert found["share"] == 4 / (5 * known)
    assert [(y["year"], y["changed"], y["pixel_days"]) for y in found["by_year"]] == [
        (2015, 3, 2 * known),
        (2016, 1, 3 * known),
    ]
    lines = text({"since": "v1.0", **found})
    assert "2 days added, 4 of 120 pixel-days" in lines[0]
    assert len(lines) == 3


def test_only_the_days_asked_for_are_looked_at(tmp_path: Path) -> None:
    days = DaySpan(date(2016, 1, 1), date(2016, 1, 10))
    old = written(tmp_path / "a", days, np.zeros((10, *GRID.shape)))
    new = written(tmp_path / "b", days, np.ones((10, *GRID.shape)))
    cells = int(np.prod(GRID.shape))
    assert compared(old, new, days.chunks(5)[:1])["changed"] == 5 * cells
    assert compared(old, new, [])["changed"] == 0


def test_another_grid_is_not_compared(tmp_path: Path) -> None:
    days = DaySpan(date(2016, 1, 1), date(2016, 1, 5))
    other = Region("other", "latlon-0.25", (80, 30, 82, 31)).grid
    old = written(tmp_path / "a", days, np.zeros((5, *GRID.shape)))
    new = written(tmp_path / "b", days, np.zeros((5, *other.shape)), other)
    found = compared(old, new, [days])
    assert found == {"reason": "the cube before has another grid"}
    assert text({"since": "v1.0", **found})


@pytest.mark.parametrize(
    ("name", "how"),
    [
        *[(name, "flipped") for name in ("freeze_thaw_state/c/0/0/0", "x/c/0", "zarr.json")],
        *[(name, "cut") for name in ("time/c/0", "zarr.json")],
        *[(name, "lost") for name in ("time/c/0", "x/c/0", "zarr.json")],
    ],
)
def test_an_earlier_cube_that_is_damaged_is_not_compared(
    tmp_path: Path, name: str, how: str
) -> None:
    days = DaySpan(date(2016, 1, 1), date(2016, 1, 5))
    state = np.zeros((5, *GRID.shape))
    old = str(tmp_path / "old")
    store.create(old, replace(cube.template(GRID, days, ["AM"], 5, {}), checked=True))
    store.write_region(old, {"freeze_thaw_state": state.astype("uint8")}, {})
    path = Path(old, name)
    content = path.read_bytes()
    path.unlink()
    if how != "lost":
        flipped = bytes([content[0] ^ 1]) + content[1:]
        path.write_bytes(flipped if how == "flipped" else content[: len(content) // 2])
    found = compared(old, written(tmp_path / "new", days, state), [days])
    assert found == {"reason": "the cube before is damaged: soilft verify names the objects"}
