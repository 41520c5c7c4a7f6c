"""A daily file holds, at each longitude, the pass whose UTC time lies in that UTC day."""

import itertools
from datetime import date, timedelta

import h5py
import numpy as np
import pytest

from soilft.simulate import Archive
from soilft.simulate.overpass import observed, seen_at, track
from soilft.simulate.world import World

DAY = date(2015, 10, 29)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("region", "lon", "sensor", "node", "utc", "local_days_on"),
    [
        ("tibet", 90.125, "amsr2", "descending", 1.5 - 90.125 / 15 + 24, 1),
        ("tibet", 90.125, "amsr2", "ascending", 13.5 - 90.125 / 15, 0),
        ("tibet", 90.125, "amsr-e", "descending", 1.5 - 90.125 / 15 + 24, 1),
        ("tibet", 90.125, "mwri", "descending", 1.6667 - 90.125 / 15 + 24, 1),
        ("tibet", 90.125, "mwri", "ascending", 13.6667 - 90.125 / 15, 0),
        ("tibet", 90.125, "smap", "descending", 6 - 90.125 / 15 + 24, 1),
        ("tibet", 90.125, "smap", "ascending", 18 - 90.125 / 15, 0),
        ("tibet", 89.875, "smos", "ascending", 6 - 89.875 / 15, 0),
        ("tibet", 90.125, "smos", "ascending", 6 - 90.125 / 15 + 24, 1),
        ("tibet", 90.125, "smos", "descending", 18 - 90.125 / 15, 0),
        ("alaska", -150.125, "amsr2", "descending", 1.5 + 150.125 / 15, 0),
        ("alaska", -150.125, "amsr2", "ascending", 13.5 + 150.125 / 15, 0),
        ("alaska", -149.875, "amsr2", "ascending", 13.5 + 149.875 / 15, 0),
        ("alaska", -150.125, "smos", "ascending", 6 + 150.125 / 15, 0),
        ("alaska", -150.125, "smos", "descending", 18 + 150.125 / 15 - 24, -1),
    ],
)
def test_truth_is_taken_when_the_satellite_passes(
    region: str,
    lon: float,
    sensor: str,
    node: str,
    utc: float,
    local_days_on: int,
    request: pytest.FixtureRequest,
) -> None:
    archive: Archive = request.getfixturevalue(region)
    domain = archive.domain
    (col,) = np.flatnonzero(domain.lon == lon)
    path = archive.root / "truth" / f"simulated_truth_{DAY:%Y%m%d}.nc"
    with h5py.File(path) as file:
        hour = file[f"utc_hour_{sensor}_{node}"][:, col]
        soil = file[f"soil_temperature_{sensor}_{node}"][:, col]
        frozen = file[f"frozen_{sensor}_{node}"][:, col]
    np.testing.assert_allclose(hour, utc, atol=1e-5)
    assert 0 <= utc < 24
    # the local date of the pass: the UTC hour plus lon / 15 leaves the UTC day by this many days
    assert np.floor((utc + lon / 15) / 24) == local_days_on
    ground = World.of(domain).at(np.asarray(domain.hours(DAY) + utc))
    np.testing.assert_allclose(soil, ground.top[:, col], atol=1e-3)
    np.testing.assert_array_equal(frozen, soil < np.float32(273.15))


def test_half_past_one_at_90_east_is_half_past_seven_in_the_evening_utc(tibet: Archive) -> None:
    hours = seen_at(tibet.domain, "amsr2", "descending", DAY) - tibet.domain.hours(DAY)
    at_90 = np.interp(90.0, tibet.domain.lon, hours[0])
    assert at_90 == pytest.approx(19.5)


def covered(sensor: str, node: str, south: float, north: float) -> list[np.ndarray]:
    lat, lon = np.meshgrid(np.arange(south, north, 0.25), np.arange(80, 106, 0.25), indexing="ij")
    days = [date(2015, 9, 1) + timedelta(days=n) for n in range(160)]
    return [observed(sensor, node, day, lat, lon) for day in days]


@pytest.mark.parametrize(
    ("sensor", "share"),
    [("amsr-e", 0.64), ("amsr2", 0.64), ("mwri", 0.61), ("smos", 0.44), ("smap", 0.44)],
)
@pytest.mark.parametrize("node", ["ascending", "descending"])
def test_swaths_cover_the_stated_share_of_25_to_40_north(
    sensor: str, share: float, node: str
) -> None:
    masks = covered(sensor, node, 25, 40)
    assert np.mean(masks) == pytest.approx(share, abs=0.02)
    assert np.mean(masks, axis=0).min() > share - 0.12
    assert any((one != two).any() for one, two in itertools.pairwise(masks))
    seen_within = [np.any(masks[n : n + 5], axis=0).all() for n in range(len(masks) - 4)]
    assert all(seen_within)


@pytest.mark.parametrize(("sensor", "least"), [("amsr2", 0.98), ("mwri", 0.98), ("smos", 0.8)])
def test_swaths_cover_more_in_the_north(sensor: str, least: float) -> None:
    assert least < np.mean(covered(sensor, "ascending", 62, 68)) <= 1.0


def test_swaths_lean_with_the_direction_of_flight() -> None:
    """An ascending track of a retrograde orbit runs north-west, a descending one south-west."""
    lat = np.array([30.0, 40.0])
    west = {
        node: np.diff(track("amsr2", node, DAY, lat))[0] for node in ("ascending", "descending")
    }
    assert west["ascending"] == pytest.approx(-west["descending"])
    assert -4.0 < west["ascending"] < -1.5
