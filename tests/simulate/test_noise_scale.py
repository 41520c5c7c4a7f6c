"""The scale of the noise: the same draws, larger or smaller, on the same world."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from soilft.errors import UnreadableGranule
from soilft.simulate import Archive, container, history, radiometer, reanalysis, retrieval, truth
from soilft.simulate.domain import Domain
from soilft.simulate.world import World, identity, integrate

pytestmark = pytest.mark.slow

DOMAIN = Domain((88.0, 31.0, 92.0, 35.0), date(2015, 9, 1), date(2015, 11, 10), seed=6)
DAYS = [date(2015, 9, 20) + timedelta(days=n) for n in range(0, 50, 5)]
SCALES = (0.0, 0.5, 1.0, 2.0)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[float, World]:
    folder = integrate(DOMAIN, tmp_path_factory.mktemp("ground"))
    return {
        scale: World.stored(replace(DOMAIN, noise=scale), folder, DAYS[0], DAYS[-1])
        for scale in SCALES
    }


@pytest.mark.parametrize("sensor", radiometer.SENSORS)
def test_radiometers_take_the_same_draws_scaled_and_keep_their_bias(
    worlds: dict[float, World], sensor: str
) -> None:
    def tb(scale: float, node: str) -> np.ndarray:
        seen = radiometer.observe(worlds[scale], sensor, node, DAYS[2])
        return np.stack([seen.tb[key] for key in sorted(seen.tb)])

    for node in radiometer.NODES:
        still, plain = tb(0.0, node), tb(1.0, node)
        drawn = plain - still
        assert 0.05 < drawn.std() < 2.0
        assert abs(drawn.mean()) < 0.02
        for scale in (0.5, 2.0):
            np.testing.assert_allclose(tb(scale, node) - still, scale * drawn, atol=1e-3)


@pytest.mark.parametrize("sensor", retrieval.SENSORS)
def test_the_temperature_that_a_label_feels_errs_in_proportion(
    worlds: dict[float, World], sensor: str
) -> None:
    def felt(scale: float) -> np.ndarray:
        world = worlds[scale]
        hours = truth.at_pass(world, sensor, "ascending", DAYS[4])[0]
        return retrieval.proxy(world.domain, world.at(hours), sensor, "ascending", DAYS[4])

    error = felt(1.0) - felt(0.0)
    assert error.std() > 1.0
    for scale in (0.5, 2.0):
        np.testing.assert_allclose(felt(scale) - felt(0.0), scale * error, atol=2e-4)


def share_wrong(world: World, sensor: str) -> float:
    wrong, known = 0, 0
    for day in DAYS:
        for node in radiometer.NODES:
            state = retrieval.label(world, sensor, node, day).state
            frozen = truth.at_pass(world, sensor, node, day)[2]
            whole = state != retrieval.PARTIAL
            wrong += int(((state == retrieval.FROZEN) != frozen)[whole].sum())
            known += int(whole.sum())
    return wrong / known


@pytest.mark.parametrize("sensor", retrieval.SENSORS)
def test_labels_are_wrong_more_often_the_larger_the_scale(
    worlds: dict[float, World], sensor: str
) -> None:
    wrong = [share_wrong(worlds[scale], sensor) for scale in SCALES]
    assert wrong == sorted(wrong)
    assert wrong[3] > wrong[1] + 0.04
    # Lag, shift and the rule of the air temperature are no noise.
    assert wrong[0] > 0.002


def test_no_more_than_half_of_the_labels_fail_in_patches(worlds: dict[float, World]) -> None:
    huge = World(
        replace(DOMAIN, noise=1000.0), worlds[1.0].air, worlds[1.0].first, worlds[1.0].days
    )
    state = retrieval.label(huge, "smap", "ascending", DAYS[3]).state
    assert 0.2 < (state == retrieval.FROZEN).mean() < 0.8


def test_world_truth_and_reanalysis_have_no_scale(worlds: dict[float, World]) -> None:
    assert len({identity(world.domain) for world in worlds.values()}) == 1
    one, other = worlds[1.0], worlds[2.0]
    for ours, theirs in zip(
        truth.at_pass(one, "smos", "ascending", DAYS[1]),
        truth.at_pass(other, "smos", "ascending", DAYS[1]),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
    means = (reanalysis.daily_means(world, DAYS[1], ["SWE_inst"]) for world in (one, other))
    np.testing.assert_array_equal(*(mean["SWE_inst"] for mean in means))


def test_a_scale_other_than_one_is_written_where_the_seed_is(tmp_path: Path) -> None:
    plain = container.note(tmp_path, DOMAIN).read_text()
    assert plain.endswith("simulation_seed=6\n")
    scaled = container.note(tmp_path, replace(DOMAIN, noise=0.5)).read_text()
    assert scaled == plain + "simulation_noise=0.5\n"


@pytest.mark.parametrize("noise", [-0.1, float("nan"), float("inf")])
def test_a_scale_that_is_none_is_refused(noise: float) -> None:
    with pytest.raises(ValueError, match="a number not below 0"):
        Archive(Path(), DOMAIN.bounds, DOMAIN.start, DOMAIN.end, noise=noise)


def test_archives_of_one_world_share_a_ground_and_others_have_their_own(tmp_path: Path) -> None:
    bounds, start, end = (89.0, 33.0, 91.0, 35.0), date(2015, 9, 1), date(2015, 9, 12)
    shared = tmp_path / "shared"

    def archive(name: str, seed: int, noise: float) -> Archive:
        return Archive(tmp_path / name, bounds, start, end, seed, noise, ground=shared)

    one, noisy, other = archive("a", 0, 1.0), archive("b", 0, 2.0), archive("c", 1, 1.0)
    assert not history.prepared(one)
    folder = history.prepare(one)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert history.prepared(noisy)
    assert not history.prepared(other)
    assert history.prepare(noisy) == folder
    assert history.prepare(other) != folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shared"]
    ours, theirs = (history.world(of, start) for of in (one, noisy))
    np.testing.assert_array_equal(ours.top(np.asarray(30.0)), theirs.top(np.asarray(30.0)))


def test_a_torn_shared_ground_is_no_ground(tmp_path: Path) -> None:
    archive = Archive(tmp_path, (89.0, 33.0, 91.0, 35.0), DAYS[0], DAYS[1], ground=tmp_path / "g")
    folder = history.folder(archive)
    folder.mkdir(parents=True)
    (folder / "ground_-00002.npz").write_bytes(b"torn")
    assert not history.prepared(archive)
    with pytest.raises(UnreadableGranule, match="expected an integration"):
        World.stored(archive.domain, folder, DAYS[0], DAYS[0])
    history.prepare(archive)
    assert history.world(archive, DAYS[0]).first == -2
