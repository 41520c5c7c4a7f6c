"""Radiometers differ as the real ones do, and no simple fit undoes it; labels err in clusters."""

from datetime import date, timedelta

import numpy as np
import pytest

from soilft.simulate import radiometer, retrieval, truth
from soilft.simulate.domain import Domain
from soilft.simulate.soil import FREEZING
from soilft.simulate.world import World

DOMAIN = Domain((86.0, 30.0, 94.0, 36.0), date(2011, 1, 1), date(2011, 12, 31), seed=2)
DAYS = [date(2011, 1, 5) + timedelta(days=n) for n in range(0, 350, 14)]


@pytest.fixture(scope="module")
def world() -> World:
    return World.of(DOMAIN)


def test_bands_are_those_of_the_instrument(world: World) -> None:
    for sensor in radiometer.SENSORS:
        seen = radiometer.observe(world, sensor, "ascending", DAYS[0])
        letters = {(band, letter) for band in radiometer.bands(sensor) for letter in "HV"}
        assert set(seen.tb) == letters
    assert "06" not in radiometer.bands("mwri")
    with pytest.raises(ValueError, match="mwri has the bands"):
        radiometer.observe(world, "mwri", "ascending", DAYS[0], bands=["06"])


def test_a_band_is_the_same_whichever_others_are_asked_for(world: World) -> None:
    alone = radiometer.observe(world, "amsr2", "descending", DAYS[3], bands=["36"])
    everything = radiometer.observe(world, "amsr2", "descending", DAYS[3])
    assert set(alone.tb) == {("36", "H"), ("36", "V")}
    assert np.array_equal(alone.tb["36", "V"], everything.tb["36", "V"])


def test_raw_differences_between_sensors_reach_five_to_ten_kelvin(world: World) -> None:
    largest = 0.0
    for channel in [(band, letter) for band in ("10", "18", "23", "36", "89") for letter in "HV"]:
        means = []
        for sensor in radiometer.SENSORS:
            fields = [
                radiometer.observe(world, sensor, "descending", day, [channel[0]]).tb[channel]
                for day in DAYS[::8]
            ]
            means.append(float(np.mean(fields)))
        largest = max(largest, max(means) - min(means))
        assert max(means) - min(means) < 11
    assert 5 < largest < 11


def test_no_sensor_is_without_bias() -> None:
    tb = np.full((2, *DOMAIN.mesh[0].shape), 250.0)
    for sensor in radiometer.SENSORS:
        for band in radiometer.bands(sensor):
            off = radiometer.bias(DOMAIN, sensor, "ascending", DAYS[0], band, tb)
            assert np.abs(off.mean(axis=(1, 2))).max() > 0.1, (sensor, band)


def test_bias_varies_with_season_temperature_and_cover() -> None:
    warm = np.full((2, *DOMAIN.mesh[0].shape), 285.0)
    cold = np.full_like(warm, 235.0)

    def off(day: date, tb: np.ndarray, node: str = "ascending") -> np.ndarray:
        return radiometer.bias(DOMAIN, "mwri", node, day, "36", tb)[1]

    january, july = off(DAYS[0], cold), off(DAYS[13], cold)
    assert abs(float((july - january).mean())) > 0.4
    assert abs(float((off(DAYS[0], warm) - january).mean())) > 1
    assert january.std() > 0.3
    assert abs(float((off(DAYS[0], cold, "descending") - january).mean())) > 0.5


def test_a_line_for_each_channel_leaves_a_residual(world: World) -> None:
    """Slope and intercept between two sensors, fitted to all, leave more than the noise."""
    one, other = (
        np.stack(
            [radiometer.observe(world, s, "descending", day, ["36"]).tb["36", "V"] for day in DAYS]
        )
        for s in ("amsr-e", "mwri")
    )
    slope, intercept = np.polyfit(other.ravel(), one.ravel(), 1)
    left = one - (slope * other + intercept)
    by_day = left.mean(axis=(1, 2))
    assert np.std(by_day) > 0.3
    assert left.mean(axis=0).std() > 0.5


def test_what_is_seen_moves_from_day_to_day(world: World) -> None:
    one, other = (radiometer.observe(world, "amsr2", "ascending", d, ["36"]).seen for d in DAYS[:2])
    assert 0.2 < one.mean() < 1
    assert (one != other).any()


def test_vertical_exceeds_horizontal_and_ground_is_colder_when_frozen(world: World) -> None:
    frozen, thawed, quasi = [], [], ([], [])
    for day in DAYS:
        seen = radiometer.observe(world, "amsr2", "descending", day, ["18", "36"]).tb
        soil = truth.at_pass(world, "amsr2", "descending", day)[1]
        assert np.mean(seen["36", "V"] - seen["36", "H"]) > 3
        cold = soil < FREEZING - 1
        warm = soil > FREEZING + 1
        frozen.append(seen["36", "V"][cold])
        thawed.append(seen["36", "V"][warm])
        ratio = seen["18", "H"] / seen["36", "V"]
        for part, here in zip(quasi, (cold, warm), strict=True):
            part.append(ratio[here])
    assert np.concatenate(frozen).mean() < np.concatenate(thawed).mean() - 8
    assert np.concatenate(quasi[0]).mean() > np.concatenate(quasi[1]).mean() + 0.03


@pytest.fixture(scope="module")
def wrong(world: World) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Give, by satellite, which labels are wrong and the true temperature, (day, lat, lon)."""
    out = {}
    days = [date(2011, 10, 1) + timedelta(days=n) for n in range(60)]
    for sensor in retrieval.SENSORS:
        errors, soil = [], []
        for day in days:
            state = retrieval.label(world, sensor, "ascending", day).state
            top = truth.at_pass(world, sensor, "ascending", day)[1]
            errors.append(
                (state != retrieval.PARTIAL) & ((state == retrieval.FROZEN) != (top < FREEZING))
            )
            soil.append(top)
        out[sensor] = np.stack(errors), np.stack(soil)
    return out


@pytest.mark.parametrize("sensor", retrieval.SENSORS)
def test_labels_err_most_near_the_melting_point(
    sensor: str, wrong: dict[str, tuple[np.ndarray, np.ndarray]]
) -> None:
    errors, soil = wrong[sensor]
    near = np.abs(soil - FREEZING) < 1.5
    far = np.abs(soil - FREEZING) > 6
    assert errors[near].mean() > 0.15
    assert 0.005 < errors[far].mean() < 0.5 * errors[near].mean()


@pytest.mark.parametrize("sensor", retrieval.SENSORS)
def test_label_errors_cluster_in_space_and_last(
    sensor: str, wrong: dict[str, tuple[np.ndarray, np.ndarray]]
) -> None:
    errors, _ = wrong[sensor]
    rate = errors.mean()
    beside = errors[:, :, 1:][errors[:, :, :-1]].mean()
    after = errors[1:][errors[:-1]].mean()
    assert beside > 2 * rate
    assert after > 1.5 * rate


def test_only_smos_knows_partially_frozen_ground(world: World) -> None:
    day = date(2011, 10, 25)
    smos, smap = (retrieval.label(world, s, "ascending", day).state for s in retrieval.SENSORS)
    assert set(np.unique(smap).tolist()) <= {retrieval.THAWED, retrieval.FROZEN}
    assert 0 < np.mean(smos == retrieval.PARTIAL) < 0.3


def test_the_two_satellites_do_not_err_together(
    wrong: dict[str, tuple[np.ndarray, np.ndarray]],
) -> None:
    one, other = (wrong[sensor][0] for sensor in retrieval.SENSORS)
    both = np.mean(one & other)
    assert both < 0.6 * min(one.mean(), other.mean())
