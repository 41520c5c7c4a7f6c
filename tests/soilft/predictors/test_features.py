"""Predictors: the same days of the same inputs give the same bits, whatever they are cut into."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest

from soilft.days import DaySpan
from soilft.errors import ConfigError
from soilft.grid import Region
from soilft.ingest.granules import template_for
from soilft.ingest.ground import static_template
from soilft.predictors.features import (
    GROUPS,
    QUALITY,
    FeatureSet,
    compute,
    kind,
    names_by_group,
    names_of,
)
from soilft.predictors.window import Inputs, Target
from soilft.sources import Amsr2L3, Dem, GldasNoah3h, SoilGrids
from soilft.store import objects
from soilft.store import zarr as store

WHOLE = DaySpan(date(2016, 1, 1), date(2016, 1, 24))
REGION = Region("edge", "ease2-north-25km", (88, 33, 90, 35))
CHUNK = 8
TB = Amsr2L3(bands=("18", "36"))
REANALYSIS = GldasNoah3h(variables_read=("Tair_f_inst", "SoilTMP0_10cm_inst"))
AM, PM = Target("AM", 6.0), Target("PM", 18.0)
ALL = FeatureSet(tuple(GROUPS), (AM, PM))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Give small stores of every kind, with gaps, written as ingest writes them."""
    root = str(tmp_path_factory.mktemp("inputs"))
    rng = np.random.default_rng(11)
    grid, days = REGION.grid, len(WHOLE)
    tb = rng.normal(250, 15, (days, 2, 4, *grid.shape)).astype("float32")
    hour = np.stack([(local - grid.lonlat[0] / 15) % 24 for local in (1.5, 13.5)])
    seen = rng.random((days, 2, *grid.shape)) > 0.3
    tb[np.broadcast_to(~seen[:, :, None], tb.shape)] = np.nan
    urls = {name: objects.join(root, f"{name}.zarr") for name in ("tb", "reanalysis", "static")}
    store.create(urls["tb"], template_for(TB, grid, WHOLE, CHUNK))
    observed = np.where(seen, hour[None], np.nan).astype("float32")
    store.write_region(urls["tb"], {"tb": tb, "observation_time": observed}, {})
    counts = np.full(days, 8, "uint8")
    counts[5] = 7
    air = rng.normal(270, 9, (days, *grid.shape)).astype("float32")
    air[5] = np.nan
    store.create(urls["reanalysis"], template_for(REANALYSIS, grid, WHOLE, CHUNK))
    store.write_region(
        urls["reanalysis"],
        {
            "Tair_f_inst_mean": air,
            "SoilTMP0_10cm_inst_mean": air - 2,
            "instant_count": counts,
            "interval_count": np.zeros(days, "uint8"),
        },
        {},
    )
    static = static_template([Dem(), SoilGrids()], grid)
    store.create(urls["static"], static)
    store.write_region(
        urls["static"],
        {v.name: rng.normal(size=grid.shape).astype("float32") for v in static.variables},
        {},
    )
    opened = {name: store.open_cube(url) for name, url in urls.items()}
    return Inputs(
        grid,
        WHOLE,
        tb=(opened["tb"],),
        reanalysis=opened["reanalysis"],
        static=opened["static"],
        mask=REGION.mask,
    )


@pytest.mark.parametrize("days", [1, 3, 7, 8, 24])
def test_blocks_of_short_spans_join_to_the_block_of_the_whole(inputs: Inputs, days: int) -> None:
    whole = compute(inputs, ALL, WHOLE)
    parts = [compute(inputs, ALL, span) for span in WHOLE.chunks(days)]
    for name in ("values", "quality", "usable"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert joined.tobytes() == getattr(whole, name).tobytes(), name
    assert {part.names for part in parts} == {whole.names}


def test_names_are_known_without_reading_a_field(inputs: Inputs) -> None:
    for groups in (tuple(GROUPS), ("season",), ("terrain", "brightness"), ("neighbouring_days",)):
        features = FeatureSet(groups, (AM, PM))
        day = DaySpan(date(2016, 1, 3), date(2016, 1, 3))
        assert names_of(inputs, features) == compute(inputs, features, day).names


def test_names_are_those_of_the_stores_and_hold_no_place(inputs: Inputs) -> None:
    names = names_of(inputs, ALL)
    assert len(set(names)) == len(names)
    assert names[:4] == ("tb_18.7V_AM", "tb_18.7H_AM", "tb_36.5V_AM", "tb_36.5H_AM")
    assert "reanalysis_Tair_f_inst_mean" in names
    assert "static_elevation_std" in names
    words = {word for name in names for word in name.lower().replace(".", "_").split("_")}
    assert not words & {"lat", "lon", "latitude", "longitude", "x", "y", "row", "column", "cell"}


def test_formulas_are_those_declared(inputs: Inputs) -> None:
    found = compute(inputs, ALL, DaySpan(date(2016, 1, 10), date(2016, 1, 12)))
    of = {name: found.values[..., i] for i, name in enumerate(found.names)}
    v36, h36 = of["tb_36.5V_AM"], of["tb_36.5H_AM"]
    v18, h18 = of["tb_18.7V_AM"], of["tb_18.7H_AM"]
    np.testing.assert_allclose(of["npr_36.5_AM"], (v36 - h36) / (v36 + h36), rtol=1e-5)
    np.testing.assert_allclose(of["gradient_H_AM"], h36 - h18, rtol=1e-5)
    np.testing.assert_allclose(of["gradient_V_AM"], v36 - v18, rtol=1e-5)
    np.testing.assert_allclose(of["quasi_emissivity_AM"], h18 / v36, rtol=1e-5)
    np.testing.assert_allclose(of["diurnal_36.5V"], of["tb_36.5V_PM"] - v36, rtol=1e-5)
    angle = 2 * np.pi * 11 / 365.25
    assert of["season_sin"][1].ravel()[0] == pytest.approx(np.sin(angle))
    assert of["season_cos"][1].ravel()[0] == pytest.approx(np.cos(angle))
    assert (of["local_solar_hour"][:, 0] == 6.0).all()
    assert (of["local_solar_hour"][:, 1] == 18.0).all()


def test_morning_state_gets_the_night_pass_of_the_utc_day_before(inputs: Inputs) -> None:
    # At 89 degrees east 01:30 local is 19:34 UTC and 06:00 local is 00:04 UTC.
    span = DaySpan(date(2016, 1, 9), date(2016, 1, 11))
    found = compute(inputs, FeatureSet(("brightness",), (AM, PM)), span)
    stored = inputs.tb[0].tb.isel(time=slice(7, 10), overpass=0, channel=0).values
    np.testing.assert_array_equal(found.values[:, 0, :, :, 0], stored)
    # The evening state at 12:04 UTC takes the night pass 7.5 h after it: that of its own day.
    own = inputs.tb[0].tb.isel(time=slice(8, 11), overpass=0, channel=0).values
    np.testing.assert_array_equal(found.values[:, 1, :, :, 0], own)


def test_neighbouring_days_are_the_same_node_a_day_off(inputs: Inputs) -> None:
    features = FeatureSet(("brightness", "neighbouring_days"), (AM,))
    found = compute(inputs, features, DaySpan(date(2016, 1, 9), date(2016, 1, 13)))
    of = {name: found.values[:, 0, ..., i] for i, name in enumerate(found.names)}
    np.testing.assert_array_equal(of["tb_36.5V_PM_previous"][1:], of["tb_36.5V_PM"][:-1])
    np.testing.assert_array_equal(of["tb_36.5V_PM_following"][:-1], of["tb_36.5V_PM"][1:])


def bits(found: np.ndarray, name: str) -> np.ndarray:
    return (found & QUALITY[name]) > 0


def test_quality_says_why_a_pixel_day_is_weak(inputs: Inputs) -> None:
    found = compute(inputs, ALL, WHOLE)
    missing = np.isnan(found.values)
    tb = [i for i, name in enumerate(found.names) if name.startswith("tb_")]
    np.testing.assert_array_equal(
        bits(found.quality, "no_brightness_temperature"), missing[..., tb].all(axis=-1)
    )
    np.testing.assert_array_equal(
        bits(found.quality, "some_predictors_missing"), missing.any(axis=-1)
    )
    short = bits(found.quality, "short_reanalysis_day")
    assert short[5].all()
    assert not np.delete(short, 5, axis=0).any()
    np.testing.assert_array_equal(
        bits(found.quality, "too_few_predictors"), missing.mean(axis=-1) > 0.5
    )
    assert bits(found.quality, "no_brightness_temperature").any()
    assert found.quality.max() < 128


def test_outside_the_region_nothing_is_usable_and_the_flag_says_so(inputs: Inputs) -> None:
    found = compute(inputs, ALL, DaySpan(date(2016, 1, 9), date(2016, 1, 9)))
    outside = bits(found.quality, "outside_region")
    assert 0 < REGION.mask.sum() < REGION.mask.size
    np.testing.assert_array_equal(outside[0, 0], ~REGION.mask)
    assert not found.usable[outside].any()
    assert found.usable[~outside].any()


@pytest.mark.parametrize(("limit", "usable"), [(0.0, "none missing"), (1.0, "all")])
def test_the_missing_limit_decides_what_is_usable(
    inputs: Inputs, limit: float, usable: str
) -> None:
    found = compute(inputs, FeatureSet(tuple(GROUPS), (AM,), max_missing=limit), WHOLE)
    complete = ~np.isnan(found.values).any(axis=-1)
    inside = np.broadcast_to(REGION.mask, complete.shape)
    expected = complete & inside if usable == "none missing" else inside
    np.testing.assert_array_equal(found.usable, expected)


def one_group(inputs: Inputs, groups: Sequence[str]) -> tuple[str, ...]:
    return names_of(inputs, FeatureSet(tuple(groups), (AM, PM)))


def test_switching_a_group_off_takes_away_its_features_alone(inputs: Inputs) -> None:
    everything = one_group(inputs, GROUPS)
    for name in GROUPS:
        without = one_group(inputs, [group for group in GROUPS if group != name])
        alone = one_group(inputs, [name])
        assert alone
        assert tuple(n for n in everything if n not in alone) == without


def test_a_group_whose_input_is_absent_adds_nothing(inputs: Inputs) -> None:
    bare = Inputs(inputs.grid, WHOLE, reanalysis=inputs.reanalysis)
    day = DaySpan(date(2016, 1, 9), date(2016, 1, 9))
    found = compute(bare, ALL, day)
    assert found.names == (
        "reanalysis_SoilTMP0_10cm_inst_mean",
        "reanalysis_Tair_f_inst_mean",
        "reanalysis_SoilTMP0_10cm_inst_mean_past_5d",
        "reanalysis_SoilTMP0_10cm_inst_mean_past_15d",
        "reanalysis_Tair_f_inst_mean_past_5d",
        "reanalysis_Tair_f_inst_mean_past_15d",
        "season_sin",
        "season_cos",
        "local_solar_hour",
    )
    assert not bits(found.quality, "no_brightness_temperature").any()


def test_each_group_is_of_one_kind_of_predictor(inputs: Inputs) -> None:
    other = {
        "reanalysis": "reanalysis",
        "memory": "reanalysis",
        "terrain": "terrain",
        "soil": "soil",
        "season": "calendar",
        "overpass": "calendar",
    }
    groups = names_by_group(inputs, ALL)
    assert [group for group, _ in groups] == list(GROUPS)
    for group, names in groups:
        assert {kind(name) for name in names} == {other.get(group, "microwave")}, group


def test_a_daily_state_without_overpass_has_no_hour(inputs: Inputs) -> None:
    features = FeatureSet(("season", "overpass"), (Target("daily", None),))
    assert names_of(inputs, features) == ("season_sin", "season_cos")
    assert (features.targets[0].utc_hours(inputs.grid) == 12.0).all()


def test_no_group_with_its_input_is_refused(inputs: Inputs) -> None:
    bare = Inputs(inputs.grid, WHOLE)
    with pytest.raises(ConfigError, match=r"features\.groups.*found brightness, terrain"):
        compute(bare, FeatureSet(("brightness", "terrain"), (AM,)), WHOLE)


@pytest.mark.parametrize("groups", [(), ("brightness", "latitude")])
def test_unknown_groups_are_refused_with_the_known_ones(groups: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="some of brightness, polarization_ratio"):
        FeatureSet(groups, (AM,))


def test_the_memory_is_the_mean_of_the_known_days_before(inputs: Inputs) -> None:
    span = DaySpan(date(2016, 1, 4), date(2016, 1, 20))
    found = compute(inputs, FeatureSet(("memory",), (AM,)), span)
    assert found.names == (
        "reanalysis_SoilTMP0_10cm_inst_mean_past_5d",
        "reanalysis_SoilTMP0_10cm_inst_mean_past_15d",
        "reanalysis_Tair_f_inst_mean_past_5d",
        "reanalysis_Tair_f_inst_mean_past_15d",
    )
    assert inputs.reanalysis is not None
    air = inputs.reanalysis["Tair_f_inst_mean"].values.astype("float64")
    for column, length in ((2, 5), (3, 15)):
        for n, day in enumerate(range(3, 20)):
            expected = np.nanmean(air[max(0, day - length + 1) : day + 1], axis=0)
            np.testing.assert_allclose(found.values[n, 0, :, :, column], expected, rtol=1e-6)
