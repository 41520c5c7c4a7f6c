"""Quick looks: the same bytes again, hatching only where unsure, the widest regional band."""

from datetime import date

import numpy as np
import pytest
import xarray as xr

from soilft.annual import store as annual_store
from soilft.annual.layers import summary_of
from soilft.annual.pictures import needs, pictures, regional
from soilft.annual.store import encode, template, whole_years
from soilft.days import DaySpan
from soilft.grid import Grid
from soilft.store import zarr as store

GRID = Grid("EPSG:4326", 80.0, 36.0, 0.25, 0.25, (6, 8))
YEARS = whole_years(DaySpan(date(2008, 8, 1), date(2018, 7, 31)), 8)
REACH = np.array([-9, 1, 7])[:, None, None, None]


def annual(folder: str, *, rise: float, simulated: bool = True) -> xr.Dataset:
    """Ten years with more frozen days in the north, rising in the western half."""
    said = {"simulated": str(simulated).lower(), "title": "a test"}
    about = annual_store.attributes(
        said, {"freezing_year_begins_in_month": 8, "least_known_share": 0.5}
    )
    store.create(folder, template(GRID, YEARS, 0.9, about, calibrated=True))
    rng = np.random.default_rng(0)
    days = 150 + 10 * np.arange(6)[::-1, None] + rng.normal(0, 4, (10, 6, 8))
    days[:, :, :4] += rise * np.arange(10)[:, None, None]
    days[3, 0, 0] = np.nan
    years = np.array(list(YEARS))
    found = {
        "frozen_days": days,
        "frozen_days_range": days + REACH,
    }
    for name, at in (("frozen_days", days), ("freeze_onset", days - 60), ("thaw_onset", days + 70)):
        found |= summary_of(name, years, at)
    values = {name: encode(name, value) for name, value in found.items()}
    store.write_region(folder, values, {})
    return store.open_cube(folder).load()


@pytest.mark.slow
def test_the_same_layers_give_the_same_bytes(tmp_path: object) -> None:
    opened = annual(f"{tmp_path}/a.zarr", rise=3.0)
    one, other = pictures(opened, GRID), pictures(opened, GRID)
    assert one == other
    assert len(one) == 5
    for png in one.values():
        assert png.startswith(b"\x89PNG")
        assert b"Software" not in png
        assert b"tIME" not in png


def test_a_picture_without_values_says_how_many_years_it_needs(tmp_path: object) -> None:
    opened = annual(f"{tmp_path}/a.zarr", rise=3.0)
    assert needs(opened)["mean"].startswith("a mean needs 8 freezing years of 10")
    one = opened.isel(year=[0])
    assert needs(one)["trend"] == "a trend needs 4 freezing years,\nthe cube has 1"
    nothing = one.assign(frozen_days_trend=one.frozen_days_trend * np.nan)
    drawn, shown = (pictures(cube, GRID)["trend_frozen_days"] for cube in (nothing, one))
    assert drawn != shown
    # The sentence is all that is dark in the middle of the grey map.
    middle = decoded(drawn)[150:-150, 150:-250, :3]
    assert 0.001 < (middle < 0.5).all(axis=2).mean() < 0.01


def test_simulated_stands_in_every_picture(tmp_path: object) -> None:
    said = pictures(annual(f"{tmp_path}/a.zarr", rise=3.0), GRID)
    real = pictures(annual(f"{tmp_path}/b.zarr", rise=3.0, simulated=False), GRID)
    assert all(said[name] != real[name] for name in said)


@pytest.mark.slow
def test_only_pixels_without_a_significant_trend_are_hatched(tmp_path: object) -> None:
    opened = annual(f"{tmp_path}/a.zarr", rise=3.0)
    unsure = opened.frozen_days_trend_p_value.values >= 0.05
    assert not unsure[:, :4].any()
    assert unsure[:, 4:].mean() > 0.7
    drawn = pictures(opened, GRID)["trend_frozen_days"]
    sure = opened.assign(frozen_days_trend_p_value=opened.frozen_days_trend_p_value * 0)
    plain = pictures(sure, GRID)["trend_frozen_days"]
    pixels = [decoded(png) for png in (drawn, plain)]
    changed = (pixels[0] != pixels[1]).any(axis=2)
    columns = np.flatnonzero(changed.any(axis=0))
    # Every change lies in the eastern half of the map, which is left of the colour bar.
    assert changed.sum() > 500
    assert columns.min() > 0.4 * changed.shape[1]


def decoded(png: bytes) -> np.ndarray:
    from io import BytesIO

    from matplotlib.image import imread

    return imread(BytesIO(png))


def test_the_regional_mean_is_over_pixels_known_in_every_year_by_area(tmp_path: object) -> None:
    opened = annual(f"{tmp_path}/a.zarr", rise=0.0)
    found = regional(opened, GRID)
    assert found["pixels"] == 47
    weight = np.cos(np.radians(GRID.lonlat[1]))
    weight[0, 0] = 0
    expected = [np.average(np.nan_to_num(d), weights=weight) for d in opened.frozen_days.values]
    np.testing.assert_allclose(found["mean"], expected, rtol=1e-12)
    np.testing.assert_allclose(found["low"], found["mean"] - 9, atol=1e-6)
    np.testing.assert_allclose(found["high"], found["mean"] + 7, atol=1e-6)


def test_without_a_pixel_known_in_every_year_the_series_is_missing(tmp_path: object) -> None:
    opened = annual(f"{tmp_path}/a.zarr", rise=0.0)
    found = regional(opened.assign(frozen_days=opened.frozen_days * np.nan), GRID)
    assert found["pixels"] == 0
    assert np.isnan(found["mean"]).all()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("frozen_days", 150.26, 150.3),
        ("cycles", 3.0, 3.0),
        ("freeze_onset", np.nan, np.nan),
        ("thaw_onset_anomaly", -12.34, -12.3),
        ("frozen_days_trend", 1.234, 1.24),
        ("frozen_days_trend_interval", -366.0, -366.0),
        ("cycles_trend_p_value", 1.0, 1.0),
    ],
)
def test_stored_integers_are_the_values(name: str, value: float, expected: float) -> None:
    stored = encode(name, np.array([value]))
    assert stored.dtype == np.int16
    np.testing.assert_allclose(annual_store.decode(name, stored), [expected], atol=1e-9)


def test_a_mean_needs_four_years_in_five() -> None:
    values = np.arange(10.0)[:, None, None] * np.ones((10, 1, 3))
    values[:2, 0, 1] = np.nan
    values[:3, 0, 2] = np.nan
    found = summary_of("frozen_days", np.arange(2001, 2011), values)
    np.testing.assert_array_equal(found["frozen_days_mean"], [[4.5, 5.5, np.nan]])
    np.testing.assert_array_equal(found["frozen_days_anomaly"][9], [[4.5, 3.5, np.nan]])
    np.testing.assert_allclose(found["frozen_days_trend"], [[1, 1, 1]])
