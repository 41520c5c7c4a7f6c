"""Normals: means over the year, what lies between them, and how much of an anomaly is carried."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from soilft.days import DaySpan
from soilft.grid import Region
from soilft.predictors.stores import InputRefs
from soilft.radiometers import normals_store, pairs
from soilft.radiometers.normals import CARRIED, PARTS, YEAR_DAYS, Normals, part_of
from soilft.radiometers.normals_fit import NormalsBand, fit_band, joined
from soilft.radiometers.opened import GapRefs
from soilft.rows import RowSpan
from tests.support import radiometers

WHOLE = DaySpan(date(2012, 1, 1), date(2013, 12, 31))
REGION = Region("here", "latlon-0.25", (90.0, 30.0, 92.0, 31.5))
COVERAGE = 0.8


def prepared(folder: Path, truth: np.ndarray, chunk: int = 50) -> InputRefs:
    url = radiometers.write(
        folder,
        "amsr2",
        REGION.grid,
        WHOLE,
        truth,
        radiometers.no_error,
        flown=np.arange(len(WHOLE)),
        noise=0.0,
        coverage=COVERAGE,
        chunk=chunk,
    )
    gaps = GapRefs((), ((0, 0),))
    return InputRefs(REGION, WHOLE, tb=(url,), gaps=gaps)


def fitted(inputs: InputRefs, cells: tuple[tuple[int, int], ...]) -> Normals:
    parts = [fit_band(NormalsBand(inputs, WHOLE, RowSpan(*band))) for band in cells]
    return joined(parts, inputs.open())


def weather(share: float, seed: int = 0) -> np.ndarray:
    """Anomalies of 4 K that a day shares with the day before, and the nodes with each other."""
    rng = np.random.default_rng(seed)
    shape = (len(WHOLE), 1, 4, *REGION.grid.shape)
    found = rng.normal(size=shape)
    for day in range(1, len(WHOLE)):
        found[day] = share * found[day - 1] + np.sqrt(1 - share**2) * found[day]
    common = 0.5**0.5 * found + 0.5**0.5 * rng.normal(size=shape)
    return np.asarray(255 + 4 * np.concatenate([found, common], axis=1))


def test_normals_are_means_of_what_was_seen_and_anomalies_are_carried_as_they_are_shared(
    tmp_path: Path,
) -> None:
    truth = weather(0.8)
    inputs = prepared(tmp_path, truth)
    found = fitted(inputs, ((0, 3), (3, 6)))
    tb = inputs.open().tb[0]["tb"].values
    part = part_of(WHOLE.numbers)
    for p in (0, 11, PARTS - 1):
        np.testing.assert_allclose(
            found.mean[:, :, p], np.nanmean(tb[part == p], axis=0), rtol=1e-5
        )
    share = dict(zip(CARRIED, found.carried, strict=True))
    # A morning tells of half the variance of an afternoon; 0.8 a day, averaged over both sides.
    assert share["other_node"] == pytest.approx(0.5**0.5, abs=0.08)
    assert 0.8 < share["one_day"][0].mean() < 1
    assert (share["two_days"] < share["one_day"]).all()
    np.testing.assert_allclose(found.hour, radiometers.HOURS, atol=1e-3)


def test_neither_bands_nor_chunks_change_a_bit(tmp_path: Path) -> None:
    truth = weather(0.5)
    inputs = prepared(tmp_path / "a", truth)
    finely = prepared(tmp_path / "b", truth, chunk=7)
    cells = tuple(pairs.bands(REGION.grid))
    one, other = fitted(inputs, cells), fitted(finely, cells)
    assert one.mean.tobytes() == other.mean.tobytes()
    assert one.carried.tobytes() == other.carried.tobytes()
    url, content = normals_store.write(str(tmp_path), one, REGION.grid, {"simulated": "true"})
    assert normals_store.write(str(tmp_path), other, REGION.grid, {})[1] == content
    read = normals_store.read(url)
    assert read.mean.tobytes() == one.mean.tobytes()
    assert (read.overpasses, read.channels) == (one.overpasses, one.channels)
    np.testing.assert_array_equal(read.carried, one.carried)


def test_normals_know_only_the_parts_of_the_year_that_were_seen(tmp_path: Path) -> None:
    inputs = prepared(tmp_path, weather(0.5))
    first = WHOLE.first_days(60)
    assert (first.first, len(first)) == (WHOLE.first, 60)
    found = joined([fit_band(NormalsBand(inputs, first, RowSpan(0, 6)))], inputs.open())
    assert np.isfinite(found.mean[:, :, :3]).all()
    assert np.isnan(found.mean[:, :, 5:]).all()
    code, channel = found.overpasses[0], found.channels[0]
    expected = found.expected(code, channel, WHOLE.numbers)
    assert np.isfinite(expected[:45]).all()
    assert np.isnan(expected[75:360]).all()


def test_normal_runs_in_a_straight_line_between_the_middles_of_parts() -> None:
    mean = np.arange(PARTS, dtype="float32")[None, None, :, None, None].copy()
    normals = Normals((0,), (0,), mean, np.ones((3, 1, 1)), np.array([1.5]))
    numbers = DaySpan(date(2011, 1, 1), date(2011, 12, 31)).numbers
    found = normals.expected(0, 0, numbers)[:, 0, 0]
    place = (np.arange(365) + 0.5) / YEAR_DAYS * PARTS - 0.5
    inside = (place > 0) & (place < PARTS - 1)
    np.testing.assert_allclose(found[inside], place[inside], atol=1e-4)
    # From the last part over New Year to the first.
    np.testing.assert_allclose(found[0], (PARTS - 1) * -place[0], atol=1e-4)
