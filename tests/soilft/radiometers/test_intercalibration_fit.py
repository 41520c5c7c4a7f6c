"""Radiometers are fitted to one another: what the fit finds, and what it does not make up."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from soilft.days import DaySpan
from soilft.grid import Region
from soilft.radiometers import intercalibration_fit as harmonize
from soilft.radiometers import pairs
from soilft.radiometers.intercalibration import TERMS, Transfer, seasonal, warmth
from soilft.radiometers.intercalibration_fit import Fitted, PairSums, choose, fit
from soilft.radiometers.pairs import Pairing, SumBand, joined, sum_band
from soilft.rows import RowSpan
from tests.support import radiometers
from tests.support.radiometers import Field

GRID = Region("fitted", "latlon-0.25", (80, 30, 88, 34)).grid
WHOLE = DaySpan(date(2012, 7, 1), date(2013, 9, 30))
TRUTH = radiometers.scene(GRID, WHOLE, 4)
OWN = np.random.default_rng(5).normal(0, 1.0, GRID.shape)
FLOWN = np.arange(len(WHOLE))


def error(kelvin: Field, number: int) -> Field:
    """Of an offset, a slope, a bend, the polarization, a season and a place, K."""
    day = seasonal(np.array([number]))
    t = warmth(kelvin)
    pole = (kelvin[:, 0::2] - kelvin[:, 1::2]).repeat(2, axis=1) / 10
    return np.asarray(-5 + 1.5 * t + 0.4 * t * t + 0.5 * pole + 0.8 * day[1, 0] + OWN)


@pytest.fixture(scope="module")
def pairing(tmp_path_factory: pytest.TempPathFactory) -> Pairing:
    folder = tmp_path_factory.mktemp("pairs")
    one = radiometers.write(folder, "one", GRID, WHOLE, TRUTH, error, flown=FLOWN, late=0.17)
    other = radiometers.write(
        folder, "other", GRID, WHOLE, TRUTH, radiometers.no_error, flown=FLOWN, seed=2
    )
    return Pairing(one, other, WHOLE, WHOLE.numbers)


def summed(pairing: Pairing, cuts: list[tuple[int, int]] | None = None) -> PairSums:
    day_role = pairs.roles_of_days(pairing.days, 10, 0)
    pixel_role = pairs.roles_of_pixels(GRID, 1.0, 0)
    parts = [
        sum_band(SumBand(pairing, RowSpan(*cut), day_role, pixel_role))
        for cut in cuts or pairs.bands(GRID)
    ]
    return joined(parts, pairing, pixel_role)


@pytest.fixture(scope="module")
def sums(pairing: Pairing) -> PairSums:
    return summed(pairing)


@pytest.fixture(scope="module")
def fitted(sums: PairSums) -> Fitted:
    return fit(sums, choose(sums), known="all")


def test_the_known_error_is_found_and_undone(fitted: Fitted) -> None:
    assert (fitted.terms >= 6).all()
    given = TRUTH[::30] + np.stack([error(TRUTH[n], int(WHOLE.numbers[n])) for n in FLOWN[::30]])
    made = fitted.transfer.apply(given.astype("float32"), WHOLE.numbers[::30])
    left = made - TRUTH[::30]
    assert abs(left.mean()) < 0.03
    assert left.std() < 0.25
    assert (given - TRUTH[::30]).std() > 1


def test_a_pixel_differs_from_the_region_by_what_is_found_again_on_other_days(
    fitted: Fitted,
) -> None:
    assert (fitted.own_terms >= 1).all()
    found = fitted.transfer.deviation[0, 0, 0]
    assert np.corrcoef(found.ravel(), -OWN.ravel())[0, 1] > 0.97
    assert (fitted.spread["pixel"] < fitted.spread["regional"] - 0.1).all()
    assert (fitted.spread["regional"] < fitted.spread["raw"] / 3).all()


def test_pixels_that_do_not_differ_get_next_to_nothing(tmp_path: Path) -> None:
    one = radiometers.write(
        tmp_path,
        "one",
        GRID,
        WHOLE,
        TRUTH,
        lambda kelvin, _: np.full_like(kelvin, 3.0),
        flown=FLOWN[:100],
    )
    other = radiometers.write(
        tmp_path, "other", GRID, WHOLE, TRUTH, radiometers.no_error, flown=FLOWN[:100], seed=2
    )
    sums = summed(Pairing(one, other, WHOLE, WHOLE.numbers[:100]))
    made = fit(sums, choose(sums), known="all")
    assert np.abs(made.transfer.deviation[:, :, 0]).mean() < 0.1
    # Fewer than nine months tell nothing of the season.
    assert (made.terms <= 4).all()
    given = TRUTH[:100:10].astype("float32") + 3
    moved = made.transfer.apply(given, WHOLE.numbers[:100:10]) - given
    np.testing.assert_allclose(moved.mean(), -3, atol=0.02)


def test_bands_and_chunks_change_no_bit(pairing: Pairing, sums: PairSums, tmp_path: Path) -> None:
    rechunked = radiometers.write(
        tmp_path, "one", GRID, WHOLE, TRUTH, error, flown=FLOWN, late=0.17, chunk=7
    )
    again = summed(replace(pairing, one=rechunked), [(0, 3), (3, 4), (4, 16)])
    for role, expected in sums.regional.items():
        for name in ("outer", "cross", "square"):
            found = getattr(again.regional[role], name)
            assert found.tobytes() == getattr(expected, name).tobytes(), (role, name)
    for role, pixels in sums.pixel.items():
        assert again.pixel[role].cross.tobytes() == pixels.cross.tobytes(), role


def test_the_sums_are_those_of_a_plain_regression(pairing: Pairing, sums: PairSums) -> None:
    one, other = (
        np.concatenate([part[n] for part in pairs.pairs(pairing, RowSpan(0, GRID.shape[0]))])
        for n in (1, 2)
    )
    x, y = one[:, 0, 1].astype("float64"), other[:, 0, 1].astype("float64")
    pole = (one[:, 0, 0].astype("float64") - x) / 10
    seen = np.isfinite(x)
    season = seasonal(WHOLE.numbers)[:, :, None, None]
    t = warmth(x)
    design = np.stack(
        [np.broadcast_to(a, x.shape) for a in (1.0, t, t * t, pole, *season)], axis=-1
    )
    expected, *_ = np.linalg.lstsq(design[seen], (y - x)[seen], rcond=None)
    form = choose(sums)
    whole = fit(sums, replace(form, terms=np.full_like(form.terms, 8)), known="all")
    np.testing.assert_allclose(whole.transfer.regional[0, 1], expected, rtol=1e-6, atol=1e-8)
    residual = (y - x)[seen] - design[seen] @ expected
    beta = np.broadcast_to(expected, (2, 4, 8))
    found = sums.regional["all"].squared_error(beta)[0, 1]
    assert found == pytest.approx(np.mean(residual**2), rel=1e-9)
    assert whole.pairs[0, 1].sum() == seen.sum()


def test_the_fit_for_testing_knows_no_pixel_or_day_that_is_tested(
    pairing: Pairing, tmp_path: Path
) -> None:
    """Whatever stands in the left-out pixels and days, the fit and its form stay the same."""
    day_role = pairs.roles_of_days(pairing.days, 10, 0)
    pixel_role = pairs.roles_of_pixels(GRID, 1.0, 0)
    days = {int(n) for n in pairing.days[day_role == pairs.TEST]}
    left_out = pixel_role == pairs.TEST

    def other_error(kelvin: Field, number: int) -> Field:
        added = error(kelvin, number)
        return added + np.where(left_out | (number in days), 20.0, 0.0)

    one = radiometers.write(
        tmp_path, "one", GRID, WHOLE, TRUTH, other_error, flown=FLOWN, late=0.17
    )
    plain, changed = (summed(p) for p in (pairing, replace(pairing, one=one)))
    mine, theirs = (fit(s, choose(s), known="fit").transfer for s in (plain, changed))
    assert mine.regional.tobytes() == theirs.regional.tobytes()
    assert mine.deviation.tobytes() == theirs.deviation.tobytes()
    assert (mine.deviation[..., left_out] == 0).all()
    used = fit(changed, choose(changed), known="all").transfer
    assert not np.array_equal(used.regional, mine.regional)


def test_passes_an_hour_apart_are_no_pair(tmp_path: Path) -> None:
    one, other = (
        radiometers.write(
            tmp_path,
            name,
            GRID,
            WHOLE,
            TRUTH,
            radiometers.no_error,
            flown=FLOWN[:40],
            late=late,
        )
        for name, late in (("one", 0.0), ("other", 1.2))
    )
    pairing = Pairing(one, other, WHOLE, WHOLE.numbers[:40])
    assert all(np.isnan(a).all() for _, a, _ in pairs.pairs(pairing, RowSpan(0, 4)))
    sums = summed(pairing)
    made = fit(sums, choose(sums), known="all")
    assert (made.terms == 0).all()
    assert np.isnan(made.transfer.apply(TRUTH[:2].astype("float32"), WHOLE.numbers[:2])).all()


def test_beyond_the_fitted_range_the_form_stays_as_it_is_there() -> None:
    one = np.ones((1, 1))
    regional = np.zeros((1, 1, len(TERMS)))
    regional[..., :3] = 1.0, 2.0, 3.0
    transfer = Transfer((0,), (3,), regional, np.zeros((1, 1, 2, 1, 1)), 230 * one, 290 * one)
    cold, coldest, warm = (
        transfer.apply(np.full((1, 1, 1, 1, 1), k, "float32"), np.array([15000])).item() - k
        for k in (230.0, 180.0, 290.0)
    )
    assert cold == pytest.approx(1 - 2 + 3)
    assert coldest == pytest.approx(cold)
    assert warm == pytest.approx(1 + 2 + 3)


def test_a_window_of_a_transfer_is_the_window_of_what_it_gives(fitted: Fitted) -> None:
    tb = TRUTH[:3].astype("float32")
    whole = fitted.transfer.apply(tb, WHOLE.numbers[:3])
    rows, columns = slice(2, 9), slice(5, 6)
    part = fitted.transfer.window(rows, columns)
    found = part.apply(tb[..., rows, columns], WHOLE.numbers[:3])
    assert found.tobytes() == np.ascontiguousarray(whole[..., rows, columns]).tobytes()
    one_day = fitted.transfer.apply(tb[1:2], WHOLE.numbers[1:2])
    assert one_day.tobytes() == whole[1:2].tobytes()


def test_what_is_said_of_a_fit_has_every_channel(fitted: Fitted) -> None:
    said = harmonize.described(fitted)
    assert len(said) == 8
    assert [item["channel"] for item in said[:4]] == ["18.7V", "18.7H", "36.5V", "36.5H"]
    assert [item["node"] for item in said[::4]] == ["AM", "PM"]
    assert said[0]["terms"][0] == "offset"
    assert all(item["spread_pixel"] < item["spread_raw"] for item in said)
