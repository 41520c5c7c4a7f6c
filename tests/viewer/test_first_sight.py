"""What the page shows first, and what it says where there is nothing to show."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soilft.annual import store as annual_store
from soilft.release import page as viewer
from soilft.schema import MISSING
from soilft.store import zarr as store
from tests.support import decade
from tests.support.browser import Seen
from tests.support.cubes import make
from tests.support.seaweed import S3Server
from tests.viewer.conftest import put

pytestmark = [pytest.mark.s3, pytest.mark.slow]

Look = Callable[..., Seen]


@pytest.mark.parametrize(
    ("known", "day"),
    [
        # Of the cells: on the last three days, of a week whose others all know all.
        ((1.0, 0.93, 0.5), "2015-02-02"),
        ((1.0, 0.85, 0.5), "2015-02-01"),
        ((1.0, 0.85, 0.92), "2015-02-03"),
    ],
)
def test_the_newest_day_that_is_nearly_whole_is_shown_first(
    s3: S3Server, tmp_path: Path, look: Look, known: tuple[float, ...], day: str
) -> None:
    cube = make(tmp_path / "cube.zarr", "latlon")
    state: np.ndarray[Any, Any] = cube.values["freeze_thaw_state"].copy()
    state[state == MISSING] = 0
    for at, share in zip((-3, -2, -1), known, strict=True):
        cells = state[at].reshape(-1)
        cells[round(share * cells.size) :] = MISSING
    store.write_region(cube.url, {"freeze_thaw_state": state}, {})
    address = f"{put(s3, tmp_path, f'first-{day}')}/{viewer.PAGE}"
    assert look(address).shown() == f"{day} state"
    # An address that names a day is obeyed, and the last day is there all the same.
    seen = look(f"{address}#day=2015-02-03")
    assert seen.shown() == "2015-02-03 state"
    assert not seen.said


def test_frozen_days_of_which_none_is_known_say_what_they_need(
    s3: S3Server, tmp_path: Path, look: Look
) -> None:
    cube = decade.make(tmp_path, decade.regular())
    for name in ("frozen_days", "frozen_days_mean"):
        shape = store.array(store.open_raw(f"{cube.url}/annual"), name).shape
        nothing = np.full(shape, annual_store.MISSING, "int16")
        store.write_region(f"{cube.url}/annual", {name: nothing}, {})
    release = put(s3, tmp_path, "nothing-known")
    seen = look(f"{release}/{viewer.PAGE}#day=2011-02-01&layer=frozen-days")
    mean = "Frozen days, mean of 9 freezing years: not known, a mean needs 8 freezing years of 9"
    assert seen.text("#what") == mean
    seen.page.fill("#date", "2015-10-30")
    seen.until_shown("2015-10-30 frozen-days")
    year = "Frozen days, freezing year 2015/16: not known, a freezing year needs 50 % of its days"
    assert seen.text("#what") == year
