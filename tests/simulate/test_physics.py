"""The synthetic Earth behaves: frozen ground looks frozen, models err, labels flip."""

import re
from datetime import date
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from soilft.simulate import Archive, native_amsr2, native_smos, reanalysis
from soilft.simulate.domain import CELL, Domain
from soilft.simulate.emission import fresnel, soil_permittivity
from soilft.simulate.parameters import number, table
from soilft.simulate.soil import FREEZING, heat_of, temperature_of
from soilft.simulate.world import World

DAY = date(2015, 10, 29)


def stored(archive: Archive, band: str, node: str, letter: str) -> NDArray[np.float64]:
    """Read brightness temperature over the archive's cells, (lat from south, lon), K."""
    domain = archive.domain
    path = archive.root / "amsr2" / native_amsr2.name(band, node, DAY)
    with h5py.File(path) as file:
        raw = file[f"Brightness Temperature ({letter})"][:]
    # row 0 is north and column 0 lies just east of Greenwich
    rows = np.round((89.875 - domain.lat) / 0.25).astype(int)
    cols = np.round(((domain.lon % 360) - 0.125) / 0.25).astype(int)
    part = raw[np.ix_(rows, cols)]
    assert np.count_nonzero(raw != 65535) == np.count_nonzero(part != 65535)
    return np.where(part >= 65534, np.nan, part * 0.01)


def truth(archive: Archive, what: str) -> NDArray[np.float64]:
    with h5py.File(archive.root / "truth" / f"simulated_truth_{DAY:%Y%m%d}.nc") as file:
        return file[what][:].astype(float)


def _numbers(value: object) -> NDArray[np.float64]:
    flat = value if isinstance(value, list) else [value]
    plain = [part.toordinal() if isinstance(part, date) else part for part in flat]
    return np.ravel(np.asarray(plain, dtype=float))


def test_every_parameter_has_value_unit_range_and_source() -> None:
    for section, entries in table().items():
        for name, entry in entries.items():
            assert set(entry) == {"value", "unit", "range", "source"}, f"{section}.{name}"
            flat, span = _numbers(entry["value"]), _numbers(entry["range"])
            assert np.all((flat >= span.min()) & (flat <= span.max())), f"{section}.{name}"


def test_every_parameter_is_cited_or_says_why_it_is_assumed() -> None:
    for section, entries in table().items():
        for name, entry in entries.items():
            source = entry["source"]
            # a year, or a body that publishes the figure
            cited = re.search(r"(19|20)\d\d|JAXA|OSCAR|ICAO|orbits|J m-3|R T / g", source)
            reasoned = len(source.partition("assumed: ")[2]) > 5
            assert cited or reasoned, f"{section}.{name}: {source}"
            assert source != "assumed", f"{section}.{name}"


def test_frozen_ground_is_colder_at_36_ghz_and_more_emissive_at_18(tibet: Archive) -> None:
    frozen = truth(tibet, "frozen_amsr2_descending") == 1
    v36, h18 = stored(tibet, "36", "D", "V"), stored(tibet, "18", "D", "H")
    seen = np.isfinite(v36) & np.isfinite(h18)
    assert min(np.sum(seen & frozen), np.sum(seen & ~frozen)) > 30
    ratio = h18 / v36
    assert v36[seen & frozen].mean() < v36[seen & ~frozen].mean() - 3
    assert ratio[seen & frozen].mean() > ratio[seen & ~frozen].mean() + 0.03
    assert np.all((v36[seen] > 170) & (v36[seen] < 305))


def test_vertical_exceeds_horizontal_polarization(tibet: Archive) -> None:
    for band in ("10", "18", "23", "36", "89"):
        vertical, horizontal = (stored(tibet, band, "A", letter) for letter in "VH")
        assert np.nanmean(vertical - horizontal) > 2


def test_reflectivity_of_a_dry_and_a_wet_smooth_soil_is_as_expected() -> None:
    # at nadir the two polarizations agree; at 55 degrees H reflects more
    solid, bound = np.array(0.5), np.array(0.18)
    dry, wet, ice = (
        soil_permittivity(18.7, np.array(warm), np.array(water), solid, bound)
        for warm, water in ((285.0, 0.02), (285.0, 0.35), (260.0, 0.35))
    )
    assert 2 < dry.real < 4 < ice.real < wet.real < 30
    for permittivity in (dry, wet, ice):
        level, upright = fresnel(permittivity, 55.0)
        assert 0 < upright < level < 1
        np.testing.assert_allclose(*fresnel(permittivity, 0.0))


def test_heat_and_temperature_are_inverse_and_the_melting_point_holds() -> None:
    latent = np.array(30.0)
    temperature = np.linspace(255.0, 290.0, 71)
    np.testing.assert_allclose(temperature_of(heat_of(temperature, latent), latent), temperature)
    half = number("soil.freezing_half_width")
    held = temperature_of(np.linspace(-14.9, 14.9, 50), latent)
    assert np.all(np.abs(held - FREEZING) <= half)


def test_amsr2_sees_the_share_of_the_latitude(tibet: Archive, alaska: Archive) -> None:
    shares = []
    for archive in (tibet, alaska):
        counts = []
        for path in (archive.root / "amsr2").glob("*SGT36*"):
            with h5py.File(path) as file:
                counts.append(np.count_nonzero(file["Brightness Temperature (V)"][:] != 65535))
        shares.append(np.mean(counts) / archive.domain.mesh[0].size)
    # a region narrower than a swath is seen nearly whole on one day and hardly on another
    assert 0.35 < shares[0] < 0.9
    assert shares[1] > 0.97


def test_labels_agree_with_the_truth_but_for_their_errors(tibet: Archive) -> None:
    """Both nodes of one day in the middle of freeze-up, against the truth of the same pass."""
    domain = tibet.domain
    rows, cols, row, col = native_smos.place(domain)
    wrong, total = 0, 0
    with h5py.File(tibet.root / "smos" / native_smos.name(DAY)) as file:
        for node, direction in native_smos.NODES.items():
            label = file[f"L3FT_{node}"][:][rows, cols]
            trust = file[f"QF_{node}"][:][rows, cols]
            soil = truth(tibet, f"soil_temperature_smos_{direction}")[row, col]
            known = (label == 1) | (label == 3)
            assert np.array_equal(label == 255, trust == 255)
            assert set(np.unique(label).tolist()) <= {1, 2, 3, 255}
            wrong += int(np.sum((label == 3)[known] != (soil < FREEZING)[known]))
            total += int(known.sum())
    assert total > 100
    assert 0.02 < wrong / total < 0.25


def test_label_cells_lie_on_the_ease2_grid(tibet: Archive) -> None:
    from pyproj import Transformer

    rows, cols, row, col = native_smos.place(tibet.domain)
    with h5py.File(tibet.root / "smos" / native_smos.name(DAY)) as file:
        x, y = file["x"][:], file["y"][:]
    assert (x[0], x[1], y[0], y[1]) == (-8_987_500, -8_962_500, 8_987_500, 8_962_500)
    lon, lat = Transformer.from_crs(6931, 4326, always_xy=True).transform(x[cols], y[rows])
    # the truth is that of the 0.25-degree cell the label's centre lies in
    assert np.abs(lat - tibet.domain.lat[row]).max() <= CELL / 2 + 1e-6
    assert np.abs(lon - tibet.domain.lon[col]).max() <= CELL / 2 + 1e-6


def test_the_reanalysis_is_smoother_than_the_ground_and_starts_in_the_south(
    tibet: Archive,
) -> None:
    with h5py.File(tibet.root / "gldas" / "GLDAS_NOAH025_3H.A20151030.0000.021.nc4") as file:
        whole = file["SoilTMP0_10cm_inst"][0]
        lat, lon = file["lat"][:], file["lon"][:]
    domain = tibet.domain
    assert lat[0] == -59.875
    assert lon[0] == -179.875
    rows, cols = np.searchsorted(lat, domain.lat), np.searchsorted(lon, domain.lon)
    assert np.count_nonzero(whole != -9999) == domain.mesh[0].size
    model = whole[np.ix_(rows, cols)]
    world = World.of(domain)
    now = world.at(np.asarray(domain.hours(date(2015, 10, 30))))
    assert np.std(np.diff(model, axis=1)) < 0.75 * np.std(np.diff(now.top, axis=1))
    made = reanalysis.fields(world, date(2015, 10, 30), 0)["SoilTMP0_10cm_inst"]
    np.testing.assert_array_equal(model, made.astype(np.float32))


def test_averages_of_midnight_belong_to_the_three_hours_before() -> None:
    """At 90 E the sun is low before 00 UTC (06 local) and high before 09 UTC (15 local)."""
    domain = Domain((89.0, 33.0, 91.0, 35.0), date(2015, 6, 10), date(2015, 6, 11))
    world = World.of(domain)
    night, noon, evening = (
        reanalysis.fields(world, domain.start, hour)["SWdown_f_tavg"] for hour in (0, 9, 15)
    )
    assert night.mean() < 60
    assert noon.mean() > 400
    assert evening.mean() < 60


def test_freeze_up_runs_through_the_archive(tibet: Archive) -> None:
    domain = tibet.domain
    shares = [
        (World.of(domain).at(np.asarray(domain.hours(day))).top < FREEZING).mean()
        for day in (tibet.start, tibet.end)
    ]
    assert shares[0] < 0.35
    assert shares[1] > shares[0] + 0.2


def test_ground_is_damped_and_lags_behind_the_air() -> None:
    domain = Domain((89.0, 33.0, 91.0, 35.0), date(2015, 6, 1), date(2015, 6, 20))
    world = World.of(domain)
    hours = np.arange(0.0, 24.0 * 20)
    states = [world.at(np.asarray(hour)) for hour in hours]
    skin, top, deep = (
        np.array([getattr(state, name).mean() for state in states]).reshape(20, 24)
        for name in ("skin", "top", "deep")
    )
    ranges = [np.ptp(part, axis=1).mean() for part in (skin, top, deep)]
    assert ranges[0] > 1.2 * ranges[1] > 4 * ranges[2]
    later = np.mod(top.mean(axis=0).argmax() - skin.mean(axis=0).argmax(), 24)
    assert 1 <= later <= 8


def test_the_zero_curtain_holds_the_ground_while_its_water_freezes() -> None:
    domain = Domain((89.0, 33.0, 91.0, 35.0), date(2015, 9, 15), date(2015, 12, 15))
    world = World.of(domain)
    half = number("soil.freezing_half_width")
    hours = np.arange(0.0, 24.0 * 90, 6.0)
    top = np.stack([world.top(np.asarray(hour)) for hour in hours])
    held = np.mean(np.abs(top - FREEZING) <= half)
    beside = np.mean(np.abs(top - FREEZING - 4 * half) <= half)
    assert held > 1.5 * beside


def test_temperature_falls_with_height() -> None:
    from soilft.simulate.terrain import cell_elevation

    domain = Domain((80.0, 28.0, 100.0, 38.0), date(2015, 7, 1), date(2015, 7, 2))
    lat, _ = domain.mesh
    row = np.abs(lat - 33.0) < 2
    slope = np.polyfit(cell_elevation(domain)[row], World.of(domain).air.normal[row], 1)[0]
    assert slope == pytest.approx(-number("climate.lapse_rate"), rel=0.25)


def test_rain_falls_in_summer_and_snow_stays_patchy_on_the_plateau() -> None:
    domain = Domain((86.0, 31.0, 94.0, 36.0), date(2014, 9, 1), date(2015, 8, 31))
    world = World.of(domain)
    wet = np.array([world.air.wet(24.0 * day).mean() for day in range(365)])
    summer = wet[242:334].sum()
    assert 150 < wet.sum() < 700
    assert summer > 0.4 * wet.sum()
    snow = world.at(np.asarray(24.0 * 140)).snow
    assert 0.02 < np.mean(snow > 2) < 0.98


def test_an_instrument_out_of_its_time_writes_nothing(tmp_path: Path) -> None:
    early = Archive(tmp_path, (89.0, 33.0, 90.0, 34.0), date(2010, 6, 29), date(2010, 6, 30))
    assert native_amsr2.write(early, early.start) == []
    assert native_smos.write(early, early.start) == []
