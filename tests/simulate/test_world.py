"""The ground is the same however it is come by: whole, in chunks, one day, in any process."""

import json
import os
import subprocess
import sys
from dataclasses import fields
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from soilft.errors import FormatMismatch, UnreadableGranule
from soilft.simulate import radiometer, reanalysis, retrieval, stations, texture
from soilft.simulate.domain import Domain
from soilft.simulate.eras import operating
from soilft.simulate.world import World, integrate

DOMAIN = Domain((89.0, 33.0, 92.0, 36.0), date(2015, 9, 1), date(2015, 12, 20), seed=4)
DAY = date(2015, 10, 17)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return integrate(DOMAIN, tmp_path_factory.mktemp("ground"), chunk_days=20)


def one_day(world: World) -> dict[str, str]:
    """Digest of everything a world says of one day."""
    seen = radiometer.observe(world, "mwri", "descending", DAY)
    parts = {f"tb {key}": field for key, field in seen.tb.items()}
    label = retrieval.label(world, "smos", "ascending", DAY)
    parts |= {"label": label.state, "trust": label.trust}
    parts |= reanalysis.daily_means(world, DAY)
    place = stations.stations(DOMAIN)[0]
    hours = DOMAIN.hours(DAY) + np.arange(24.0)
    parts["station"] = stations.soil_temperature(world, place, hours)
    digests = {key: sha256(np.ascontiguousarray(part).tobytes()) for key, part in parts.items()}
    return {key: digest.hexdigest() for key, digest in digests.items()}


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (DOMAIN.start, DOMAIN.start),
        (DAY, DAY),
        (date(2015, 9, 18), date(2015, 11, 2)),
        (DOMAIN.end, DOMAIN.end),
    ],
)
def test_stored_days_equal_the_whole_period_bit_for_bit(
    folder: Path, first: date, last: date
) -> None:
    whole, part = World.of(DOMAIN), World.stored(DOMAIN, folder, first, last)
    assert len(part.days) == (last - first).days + 5
    for hours in (
        np.asarray(DOMAIN.hours(first) - 20.0),
        DOMAIN.hours(last) + np.mod(1.5 - DOMAIN.mesh[1] / 15.0, 24.0),
        np.asarray(DOMAIN.hours(last) + 30.0),
    ):
        ours, theirs = part.at(hours), whole.at(hours)
        for field in fields(ours):
            one, other = getattr(ours, field.name), getattr(theirs, field.name)
            assert np.array_equal(one, other), field.name


def test_a_day_from_a_folder_gives_the_same_products(folder: Path) -> None:
    assert one_day(World.stored(DOMAIN, folder, DAY, DAY)) == one_day(World.of(DOMAIN))


@pytest.mark.process
def test_another_process_gives_the_same_products(folder: Path) -> None:
    code = """
import json, sys
from pathlib import Path
from soilft.simulate.world import World
from tests.simulate.test_world import DAY, DOMAIN, one_day
print(json.dumps(one_day(World.stored(DOMAIN, Path(sys.argv[1]), DAY, DAY))))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])},
    )
    assert json.loads(done.stdout) == one_day(World.of(DOMAIN))


def test_integrating_again_changes_nothing(folder: Path, tmp_path: Path) -> None:
    def digests(where: Path) -> dict[str, str]:
        return {p.name: sha256(p.read_bytes()).hexdigest() for p in sorted(where.iterdir())}

    before = digests(folder)
    integrate(DOMAIN, folder, chunk_days=20)
    assert digests(folder) == before
    assert digests(integrate(DOMAIN, tmp_path / "other", chunk_days=20)) == before


def test_a_killed_integration_is_no_integration_and_is_done_again(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "ground_-00002.npz").write_bytes(b"torn")
    with pytest.raises(UnreadableGranule, match=r"index.json: expected an integration"):
        World.stored(DOMAIN, tmp_path, DAY, DAY)
    integrate(DOMAIN, tmp_path, chunk_days=20)
    name = "ground_-00002.npz"
    assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_the_folder_of_another_world_is_refused(folder: Path) -> None:
    other = Domain(DOMAIN.bounds, DOMAIN.start, DOMAIN.end, seed=5)
    with pytest.raises(FormatMismatch, match=r"expected the world .*, found"):
        World.stored(other, folder, DAY, DAY)


def test_days_outside_the_period_are_refused(folder: Path) -> None:
    with pytest.raises(UnreadableGranule, match="expected days 0 to 110"):
        World.stored(DOMAIN, folder, DAY, DOMAIN.end + timedelta(days=1))
    part = World.stored(DOMAIN, folder, DAY, DAY)
    with pytest.raises(ValueError, match="the world knows days 44 to 48, not 50"):
        part.at(np.asarray(DOMAIN.hours(DAY) + 4 * 24.0))


def test_daily_means_are_those_of_the_eight_stamps_of_the_day() -> None:
    world = World.of(DOMAIN)
    means = reanalysis.daily_means(world, DAY)
    stamps = [reanalysis.fields(world, DAY, hour) for hour in range(0, 27, 3)]
    for name, mean in means.items():
        own = stamps[:8] if name.endswith("_inst") else stamps[1:]
        expected = np.mean([stamp[name] for stamp in own], axis=0)
        np.testing.assert_allclose(mean, expected, rtol=2e-5, atol=1e-6, err_msg=name)
    tomorrow = reanalysis.fields(world, DAY + timedelta(days=1), 0)
    for name, field in stamps[8].items():
        assert np.array_equal(field, tomorrow[name]), name


def test_a_variable_is_the_same_whichever_others_are_asked_for() -> None:
    world = World.of(DOMAIN)
    alone = reanalysis.fields(world, DAY, 6, ["SoilTMP0_10cm_inst"])
    assert list(alone) == ["SoilTMP0_10cm_inst"]
    everything = reanalysis.fields(world, DAY, 6)
    assert np.array_equal(alone["SoilTMP0_10cm_inst"], everything["SoilTMP0_10cm_inst"])


def test_reanalysis_values_are_of_the_units_of_the_product() -> None:
    made = reanalysis.daily_means(World.of(DOMAIN), DAY)
    ranges = {
        "Tair_f_inst": (240, 300),
        "AvgSurfT_inst": (240, 310),
        "SoilTMP0_10cm_inst": (245, 300),
        "SoilTMP10_40cm_inst": (245, 300),
        "SoilMoi0_10cm_inst": (2, 50),
        "SoilMoi10_40cm_inst": (20, 120),
        "SWE_inst": (0, 100),
        "SnowDepth_inst": (0, 0.5),
        "Albedo_inst": (10, 70),
        "Wind_f_inst": (0.5, 20),
        "Psurf_f_inst": (45_000, 75_000),
        "Qair_f_inst": (0.0002, 0.02),
        "SWdown_f_tavg": (50, 400),
        "LWdown_f_tavg": (120, 400),
        "Rainf_f_tavg": (0, 5e-4),
        "Rainf_tavg": (0, 5e-4),
        "Snowf_tavg": (0, 5e-4),
        "Swnet_tavg": (30, 350),
        "Lwnet_tavg": (-250, 20),
    }
    assert set(ranges) == set(made)
    for name, (low, high) in ranges.items():
        assert low <= made[name].min() <= made[name].max() <= high, name
    np.testing.assert_allclose(
        made["Rainf_tavg"] + made["Snowf_tavg"], made["Rainf_f_tavg"], atol=1e-9
    )


def test_texture_sums_to_a_hundred_and_clay_holds_water() -> None:
    domain = Domain((80.0, 28.0, 100.0, 38.0), date(2015, 1, 1), date(2015, 1, 2))
    soil = texture.cell_soil(domain)
    np.testing.assert_allclose(soil["sand"] + soil["silt"] + soil["clay"], 100.0)
    assert all(np.all(soil[part] > 0) for part in ("sand", "silt", "clay"))
    assert 0.6 <= soil["bulk_density"].min() <= soil["bulk_density"].max() <= 1.75
    assert 1 <= soil["organic_carbon"].min() <= soil["organic_carbon"].max() <= 150
    assert np.corrcoef(soil["clay"].ravel(), texture.held_water(domain).ravel())[0, 1] > 0.4


def test_texture_at_a_point_does_not_depend_on_the_other_points() -> None:
    lat, lon = np.array([33.5, 34.5, 35.1]), np.array([89.2, 90.7, 91.9])
    together, alone = texture.soil(DOMAIN, lat, lon), texture.soil(DOMAIN, lat[1:2], lon[1:2])
    for name, value in alone.items():
        assert value[0] == together[name][1]


def test_there_is_one_station_for_each_box_inside_the_bounds() -> None:
    domain = Domain((80.0, 28.0, 100.0, 38.0), date(2015, 1, 1), date(2015, 1, 2))
    made = stations.stations(domain)
    assert len(made) == 8 * 4
    assert len({station.name for station in made}) == len(made)
    for station in made:
        assert 80 < station.lon < 100
        assert 28 < station.lat < 38
        row, col, inside = domain.cell(np.array(station.lat), np.array(station.lon))
        assert (int(row), int(col), bool(inside)) == (station.row, station.col, True)


def test_a_station_follows_its_cell_but_is_not_its_cell() -> None:
    world = World.of(DOMAIN)
    hours = np.arange(0.0, 24.0 * 100, 3.0)
    for station in stations.stations(DOMAIN):
        measured = stations.soil_temperature(world, station, hours)
        cell = world.series(station.row, station.col, hours)[0] - 273.15
        assert np.corrcoef(measured, cell)[0, 1] > 0.98
        assert 0.05 < np.sqrt(np.mean((measured - cell) ** 2)) < 3.5
        again = stations.soil_temperature(world, station, hours[100:110])
        np.testing.assert_array_equal(again, measured[100:110])


@pytest.mark.parametrize(
    ("sensor", "day", "works"),
    [
        ("amsr-e", date(2011, 10, 4), True),
        ("amsr-e", date(2011, 10, 5), False),
        ("mwri", date(2010, 11, 17), False),
        ("mwri", date(2010, 11, 18), True),
        ("amsr2", date(2012, 7, 2), False),
        ("amsr2", date(2012, 7, 3), True),
        ("smos", date(2010, 6, 30), False),
        ("smos", date(2010, 7, 1), True),
        ("smap", date(2015, 3, 30), False),
        ("smap", date(2015, 3, 31), True),
        ("smap", date(2019, 6, 18), True),
        ("smap", date(2019, 6, 19), False),
        ("smap", date(2019, 7, 23), False),
        ("smap", date(2019, 7, 24), True),
    ],
)
def test_instruments_work_in_their_time(sensor: str, day: date, works: bool) -> None:
    assert operating(sensor, day) is works


def test_the_cell_of_a_point_is_the_one_it_lies_in() -> None:
    row, col, inside = DOMAIN.cell(
        np.array([31.5, 31.76, 33.0, 30.0]), np.array([87.5, 87.74, 90.0 - 360.0, 90.0])
    )
    np.testing.assert_array_equal(row, [0, 1, 6, 0])
    np.testing.assert_array_equal(col, [0, 0, 10, 10])
    np.testing.assert_array_equal(inside, [True, True, True, False])
