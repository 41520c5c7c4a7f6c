"""Filled gaps in the features: nothing seen is changed, nothing is better than its flag says."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from soilft.days import DaySpan
from soilft.grid import Region
from soilft.predictors.features import QUALITY, FeatureSet, Predictors, compute
from soilft.predictors.stores import InputRefs
from soilft.predictors.window import Inputs, Target
from soilft.radiometers.gaps import FILLS, LEVELS, Gaps, Hidden
from soilft.radiometers.normals import CARRIED, PARTS, Normals
from soilft.schema import MISSING
from tests.support import radiometers

WHOLE = DaySpan(date(2012, 1, 1), date(2012, 2, 9))
REGION = Region("here", "latlon-0.25", (90.0, 30.0, 92.0, 32.0))
FEATURES = FeatureSet(
    ("brightness", "polarization_ratio", "diurnal_difference", "neighbouring_days"),
    (Target("AM", 6.0), Target("PM", 18.0)),
    max_missing=0.99,
)
OTHER_K = 900.0


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Two radiometers; whatever the second sees is 900 K."""
    folder = tmp_path_factory.mktemp("inputs")
    truth = radiometers.scene(REGION.grid, WHOLE, 4)
    urls = [
        radiometers.write(
            folder,
            name,
            REGION.grid,
            WHOLE,
            truth if name == "amsr2" else np.full_like(truth, OTHER_K),
            radiometers.no_error,
            flown=np.arange(len(WHOLE)),
            noise=0.0,
            coverage=coverage,
            seed=seed,
        )
        for seed, (name, coverage) in enumerate((("amsr2", 0.35), ("mwri", 0.4)))
    ]
    opened = InputRefs(REGION, WHOLE, tb=tuple(urls)).open()
    record = opened.tb[0]
    passes, channels = (tuple(record[axis].values.tolist()) for axis in ("overpass", "channel"))
    mean = np.full((2, len(channels), PARTS, *REGION.grid.shape), 255.0, "float32")
    carried = np.full((len(CARRIED), 2, len(channels)), 0.5)
    normals = Normals(passes, channels, mean, carried, np.array(radiometers.HOURS))
    return replace(opened, gaps=Gaps(FILLS, np.zeros(len(WHOLE), "uint8"), normals))


def of(inputs: Inputs, span: DaySpan = WHOLE, **changes: object) -> Predictors:
    assert inputs.gaps is not None
    return compute(replace(inputs, gaps=replace(inputs.gaps, **changes)), FEATURES, span)


def test_every_level_fills_and_says_so(inputs: Inputs) -> None:
    found = of(inputs)
    inner = found.level[3:-3]
    assert set(np.unique(inner)) == set(LEVELS.values())
    flagged = (found.quality & QUALITY["gap_filled"]) > 0
    np.testing.assert_array_equal(flagged, (found.level > 0) & (found.level != MISSING))
    np.testing.assert_array_equal(found.radiometer[found.level == LEVELS["other_sensor"]], 1)
    np.testing.assert_array_equal(found.radiometer[found.level == LEVELS["climatology"]], MISSING)


def test_pixel_days_that_were_seen_are_as_if_nothing_were_filled(inputs: Inputs) -> None:
    filled, unfilled = of(inputs), of(inputs, levels=())
    seen = unfilled.level == 0
    np.testing.assert_array_equal(filled.level == 0, seen)
    assert filled.values[seen].tobytes() == unfilled.values[seen].tobytes()
    np.testing.assert_array_equal(unfilled.usable, seen)


@pytest.mark.parametrize("highest", range(5))
def test_no_predictor_comes_from_a_level_beyond_the_declared_one(
    inputs: Inputs, highest: int
) -> None:
    # What levels beyond may not be used by pixel-days of this one: forbidding them changes nothing.
    allowed = tuple(name for name in FILLS if LEVELS[name] <= highest)
    found, cut = of(inputs), of(inputs, levels=allowed)
    mine = found.level <= highest
    assert mine.any()
    np.testing.assert_array_equal(cut.level[mine], found.level[mine])
    assert cut.values[mine].tobytes() == found.values[mine].tobytes()
    assert (cut.level[~mine] == MISSING).all()
    assert not cut.usable[~mine].any()


def test_what_another_radiometer_saw_reaches_only_its_own_level_and_the_last(
    inputs: Inputs,
) -> None:
    found = of(inputs)
    tb = [i for i, name in enumerate(found.names) if name.startswith("tb_")]
    theirs = (found.values[..., tb] == OTHER_K).any(axis=-1)
    np.testing.assert_array_equal(np.unique(found.level[theirs]) >= LEVELS["other_sensor"], True)
    assert theirs[found.level == LEVELS["other_sensor"]].all()


def test_chunks_of_days_change_no_bit(inputs: Inputs) -> None:
    whole = of(inputs)
    for days in WHOLE.chunks(7):
        part, at = of(inputs, days), days.within(WHOLE)
        for name in ("values", "level", "radiometer", "quality"):
            one, other = getattr(part, name), getattr(whole, name)[at]
            assert one.tobytes() == np.ascontiguousarray(other).tobytes(), name


def test_inputs_near_some_days_describe_them_as_all_inputs_do(inputs: Inputs) -> None:
    span = DaySpan(date(2012, 1, 20), date(2012, 1, 21))
    near = compute(inputs.near(span), FEATURES, span)
    assert near.values.tobytes() == of(inputs, span).values.tobytes()


@pytest.mark.parametrize("level", FILLS)
def test_what_is_hidden_is_filled_by_the_level_asked_for_or_a_later_one(
    inputs: Inputs, level: str
) -> None:
    day = DaySpan(date(2012, 1, 20), date(2012, 1, 20))
    for target in FEATURES.targets:
        features = replace(FEATURES, targets=(target,))
        assert inputs.gaps is not None
        as_seen = compute(inputs, features, day)
        hidden = Hidden(level, int(day.numbers[0]))
        gaps = replace(inputs.gaps, hidden=hidden)
        found = compute(replace(inputs, gaps=gaps), features, day)
        seen = as_seen.level == 0
        assert seen.any()
        assert (found.level[seen] >= LEVELS[level]).all()
        assert (found.level[seen] == LEVELS[level]).any()
        # Its own pass is gone: the own node's brightness temperature is another one now.
        own = found.names.index(f"tb_36.5V_{target.name}")
        mine = seen & (found.level == LEVELS[level])
        assert (found.values[mine][:, own] != as_seen.values[mine][:, own]).all()


def test_hiding_needs_no_other_pixel_and_no_other_day(inputs: Inputs) -> None:
    """A withheld day is described the same by all inputs and by those near it."""
    day = DaySpan(date(2012, 1, 25), date(2012, 1, 25))
    assert inputs.gaps is not None
    gaps = replace(inputs.gaps, hidden=Hidden("other_sensor", int(day.numbers[0])))
    hidden = replace(inputs, gaps=gaps)
    features = replace(FEATURES, targets=FEATURES.targets[:1])
    one, other = compute(hidden, features, day), compute(hidden.near(day), features, day)
    assert one.values.tobytes() == other.values.tobytes()
    window = slice(1, 3), slice(0, 2)
    part = compute(hidden.window(*window), features, day)
    assert part.values.tobytes() == np.ascontiguousarray(one.values[:, :, 1:3, 0:2]).tobytes()
