"""Gap filling: the order of the levels, what is forbidden, and that nothing is passed off."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soilft.channels import CODES
from soilft.radiometers.gaps import FILLS, LEVELS, Gaps, filled, usable_levels
from soilft.radiometers.normals import CARRIED, PARTS, Normals
from soilft.radiometers.record import Overpasses
from soilft.schema import MISSING

CHANNELS = (CODES["6.9V"], CODES["36.5V"])
SHAPE = (2, 3)
LONGITUDE = np.broadcast_to(np.float32(90), SHAPE)
FIRST_DAY = 15340
SHARES = {"other_node": 0.5, "one_day": 0.8, "two_days": 0.25}


def normals() -> Normals:
    """A normal of 250 K in the morning and 260 K in the afternoon, the whole year."""
    mean = np.full((2, 2, PARTS, *SHAPE), 250.0, "float32")
    mean[1] += 10
    carried = np.ones((len(CARRIED), 2, 2))
    carried *= np.array([SHARES[way] for way in CARRIED])[:, None, None]
    return Normals((0, 1), CHANNELS, mean, carried, np.array([1.5, 13.5]))


def record(seen: np.ndarray, kelvin: float, number: int) -> Overpasses:
    """Give a record with one brightness temperature wherever it saw anything."""
    days = len(seen)
    tb = np.where(seen[:, :, None], np.float32(kelvin), np.float32(np.nan))
    tb = np.broadcast_to(tb, (days, 2, 2, *SHAPE)).astype("float32")
    return Overpasses(
        (0, 1),
        CHANNELS,
        tb,
        np.where(seen, np.float32(7), np.float32(np.nan)),
        np.where(seen, number, MISSING).astype("uint8"),
        np.where(seen, 0, MISSING).astype("uint8"),
    )


def fill(
    first: Overpasses, others: Overpasses, gaps: Gaps, able: np.ndarray | None = None
) -> Overpasses:
    numbers = FIRST_DAY + np.arange(len(first.tb))
    every = np.ones((2, 2, 2), bool) if able is None else able
    return filled(first, others, gaps, numbers, gaps.operating, every, LONGITUDE)


def everywhere(days: int, *passes: tuple[int, int]) -> np.ndarray:
    """Passes (day, node) that are seen in all pixels."""
    seen = np.zeros((days, 2, *SHAPE), bool)
    for day, node in passes:
        seen[day, node] = True
    return seen


def on(days: int) -> np.ndarray:
    return np.zeros(days, "uint8")


AM, PM = 0, 1
ALL = Gaps(FILLS, on(7), normals())


@pytest.mark.parametrize(
    ("seen", "theirs", "level", "kelvin"),
    [
        ([(3, AM), (3, PM), (2, AM)], [(3, AM)], "observed", 256.0),
        # 256 K is 4 K below the afternoon's normal; half of it counts for the morning's 250 K.
        ([(3, PM), (2, AM)], [(3, AM)], "other_node", 250 + 0.5 * -4),
        ([(2, AM), (1, AM)], [(3, AM)], "neighbouring_days", 250 + 0.8 * 6),
        ([(5, AM)], [(3, AM)], "neighbouring_days", 250 + 0.25 * 6),
        ([(6, AM), (0, AM), (2, PM)], [(3, AM)], "other_sensor", 258.0),
        ([(6, AM), (0, AM), (2, PM)], [(2, AM), (3, PM)], "climatology", 250.0),
    ],
)
def test_the_first_level_that_knows_fills(
    seen: list[tuple[int, int]], theirs: list[tuple[int, int]], level: str, kelvin: float
) -> None:
    found = fill(record(everywhere(7, *seen), 256, 0), record(everywhere(7, *theirs), 258, 1), ALL)
    np.testing.assert_array_equal(found.level[3, AM], LEVELS[level])
    np.testing.assert_allclose(found.tb[3, AM], kelvin, rtol=1e-6)
    source = {"other_sensor": 1, "climatology": MISSING}.get(level, 0)
    np.testing.assert_array_equal(found.radiometer[3, AM], source)
    if level in {"other_node", "neighbouring_days", "climatology"}:
        # Nobody passed: the hour is the usual one, 01:30 of 90 degrees east.
        np.testing.assert_array_equal(found.observed[3, AM], np.float32(19.5))


def test_two_days_around_count_half_each() -> None:
    first = record(everywhere(7, (2, AM), (4, AM)), 256, 0)
    first.tb[4, AM] = 252
    found = fill(first, record(everywhere(7), 0, 1), ALL)
    np.testing.assert_allclose(found.tb[3, AM], 250 + 0.8 * (6 + 2) / 2, rtol=1e-6)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_value_comes_from_a_forbidden_or_undeclared_level(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    allowed = tuple(data.draw(st.sets(st.sampled_from(FILLS))))
    days = 9
    first = record(rng.random((days, 2, *SHAPE)) < rng.random(), 1.0, 0)
    others = record(rng.random((days, 2, *SHAPE)) < rng.random(), 1000.0, 1)
    operating = np.where(rng.random(days) < 0.2, MISSING, 0).astype("uint8")
    first = first.without(
        np.broadcast_to((operating == MISSING)[:, None, None, None], (9, 2, 2, 3))
    )
    found = fill(first, others, Gaps(allowed, operating, normals()))
    assert set(np.unique(found.level)) <= {0, MISSING, *(LEVELS[name] for name in allowed)}
    # What was seen stays as it was, to the bit.
    seen = first.level == 0
    np.testing.assert_array_equal(found.level == 0, seen)
    for name in ("tb", "observed", "radiometer"):
        one, other = (np.moveaxis(getattr(r, name), (-2, -1), (2, 3)) for r in (first, found))
        assert one[seen].tobytes() == other[seen].tobytes()
    # 1000 K are of the other radiometer alone: no other level has a trace of them.
    at_1000 = (found.tb == 1000).all(axis=2)
    np.testing.assert_array_equal(at_1000, found.level == LEVELS["other_sensor"])
    # The normal alone is what the climatology gives.
    normal = np.array([250.0, 260.0])[None, :, None, None, None]
    at_normal = (found.tb == normal).all(axis=2)
    np.testing.assert_array_equal(at_normal, found.level == LEVELS["climatology"])
    assert (found.level[operating == MISSING] == MISSING).all()
    np.testing.assert_array_equal(np.isfinite(found.tb).any(axis=2), found.level != MISSING)
    np.testing.assert_array_equal(np.isfinite(found.observed), found.level != MISSING)


def test_nothing_is_made_up_where_no_radiometer_flew() -> None:
    operating = on(7)
    operating[2:5] = MISSING
    gaps = replace(ALL, operating=operating)
    found = fill(record(everywhere(7, (1, AM), (5, AM)), 256, 0), record(everywhere(7), 0, 1), gaps)
    assert (found.level[2:5] == MISSING).all()
    assert np.isnan(found.tb[2:5]).all()


def test_normal_stands_in_for_no_channel_that_the_radiometer_lacks() -> None:
    able = np.ones((2, 2, 2), bool)
    able[0, :, 0] = False
    found = fill(record(everywhere(7), 0, 0), record(everywhere(7), 0, 1), ALL, able)
    assert (found.level == LEVELS["climatology"]).all()
    assert np.isnan(found.tb[:, :, 0]).all()
    assert np.isfinite(found.tb[:, :, 1]).all()


def test_without_normals_only_another_radiometer_fills() -> None:
    gaps = replace(ALL, normals=None)
    found = fill(
        record(everywhere(7, (3, PM)), 256, 0), record(everywhere(7, (3, AM)), 258, 1), gaps
    )
    assert set(np.unique(found.level)) == {0, LEVELS["other_sensor"], MISSING}


def test_a_level_that_knows_nothing_leaves_the_next_to_fill() -> None:
    known = normals()
    carried = known.carried.copy()
    carried[CARRIED.index("other_node")] = np.nan
    gaps = replace(ALL, normals=replace(known, carried=carried))
    found = fill(record(everywhere(7, (3, PM), (2, AM)), 256, 0), record(everywhere(7), 0, 1), gaps)
    np.testing.assert_array_equal(found.level[3, AM], LEVELS["neighbouring_days"])


def test_levels_keep_their_order_and_those_from_normals_need_them() -> None:
    allowed = ("climatology", "other_sensor", "other_node")
    found = usable_levels(allowed, with_normals=True)
    assert found == ("other_node", "other_sensor", "climatology")
    assert usable_levels(allowed, with_normals=False) == ("other_sensor",)
