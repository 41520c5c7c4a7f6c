"""What is refused before it is published, and what the report of a release says was found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from soilft.cube import structure as cube
from soilft.errors import ReleaseRefused
from soilft.release.checks import TEMPERATURE, Limits, check
from soilft.schema import MISSING, measured
from soilft.store import zarr as store
from tests.support.staged import GRID, days, stage

COUNT = 40
DAYS = days(COUNT)
LIMITS = Limits(max_age=5, recent_days=10, cold_days=14)


@pytest.fixture
def states(tmp_path: Path):
    """Give a function that stages a cube of these states (day, y, x) and gives its URL."""

    def staged(state: np.ndarray) -> str:
        url = stage(str(tmp_path), COUNT).url
        store.write_region(url, {"freeze_thaw_state": state}, {})
        return url

    return staged


@pytest.fixture
def temperatures(tmp_path: Path):
    """Give a function that stores these temperatures (day, y, x) and gives the store's URL."""

    def stored(kelvin: np.ndarray) -> str:
        url = str(tmp_path / "gldas.zarr")
        template = cube.template(GRID, DAYS, ["AM"], COUNT, {})
        variable = measured(TEMPERATURE, ("time", "y", "x"), "K", "soil temperature")
        store.create(url, replace(template, variables=(variable,), shards={}))
        store.write_region(url, {TEMPERATURE: kelvin.astype("float32")}, {})
        return url

    return stored


def known(value: int = 1) -> np.ndarray:
    return np.full((COUNT, *GRID.shape), value, "uint8")


def test_a_sound_cube_passes_and_says_what_was_found(states) -> None:
    found = check(states(known()), DAYS, [DAYS], None, LIMITS)
    assert found["newest_known_day"] == str(DAYS.last)
    assert found["days_before_end"] == 0
    assert found["known_pixels"] == np.prod(GRID.shape)
    assert found["impossible_pixels"] is None
    assert set(found["missing_of_recent_days"].values()) == {0.0}
    assert len(found["missing_of_recent_days"]) == 10


def test_a_record_that_ends_too_early_is_refused(states) -> None:
    state = known()
    state[-6:] = MISSING
    with pytest.raises(ReleaseRefused, match="newest known day is 2016-02-03"):
        check(states(state), DAYS, [DAYS], None, LIMITS)
    state[-6] = 0
    assert check(states(state), DAYS, [DAYS], None, LIMITS)["days_before_end"] == 5


def test_a_record_of_nothing_is_refused(states) -> None:
    with pytest.raises(ReleaseRefused, match="newest known day is None"):
        check(states(known(MISSING)), DAYS, [DAYS], None, LIMITS)


def test_a_recent_day_that_is_hardly_there_is_refused(states) -> None:
    state = known()
    state[-3] = MISSING  # a day without any observation passes
    assert check(states(state), DAYS, [DAYS], None, LIMITS)
    state[-3, 0, 0] = 1
    with pytest.raises(ReleaseRefused, match=r"missing on 2016-02-07, more than 0.95"):
        check(states(state), DAYS, [DAYS], None, LIMITS)
    assert check(states(state), DAYS, [DAYS], None, replace(LIMITS, max_missing=1.0))


def test_cells_that_are_never_known_do_not_count_as_missing(states) -> None:
    state = known(MISSING)
    state[:, 0, 0] = 0
    assert check(states(state), DAYS, [DAYS], None, LIMITS)["known_pixels"] == 1


@pytest.mark.parametrize(("length", "refused"), [(13, False), (14, True)])
def test_thawed_in_deep_cold_for_weeks_is_refused(
    states, temperatures, length: int, refused: bool
) -> None:
    kelvin = np.full((COUNT, *GRID.shape), 280.0)
    kelvin[8:] = 250.0
    state = known()
    state[10 : 10 + length, 1, 2] = 0
    cube, reanalysis = states(state), temperatures(kelvin)
    # The days that are new need not hold all of it.
    new = [days(COUNT).chunks(20)[1]]
    if refused:
        with pytest.raises(ReleaseRefused, match="1 of 32 pixels are thawed on 14 days"):
            check(cube, DAYS, new, reanalysis, LIMITS)
        allowed = replace(LIMITS, max_impossible=0.04)
        assert check(cube, DAYS, new, reanalysis, allowed)["impossible_pixels"] == 1
    else:
        assert check(cube, DAYS, new, reanalysis, LIMITS)["impossible_pixels"] == 0


def test_an_unknown_temperature_breaks_the_run(states, temperatures) -> None:
    kelvin = np.full((COUNT, *GRID.shape), 250.0)
    kelvin[15] = np.nan
    state = known()
    state[8:22] = 0
    found = check(states(state), DAYS, [DAYS], temperatures(kelvin), LIMITS)
    assert found["impossible_pixels"] == 0
