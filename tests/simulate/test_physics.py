"""The synthetic Earth behaves: frozen ground looks frozen, models err, labels flip."""

from datetime import date

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from soilft.simulate import Archive, native_amsr2, native_gldas, native_smos
from soilft.simulate.domain import CELL, Domain
from soilft.simulate.emission import fresnel, soil_permittivity
from soilft.simulate.parameters import number, table
from soilft.simulate.soil import FREEZING, heat_of, history, temperature_of

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


def test_every_parameter_has_value_unit_range_and_source() -> None:
    for section, entries in table().items():
        for name, entry in entries.items():
            assert set(entry) == {"value", "unit", "range", "source"}, f"{section}.{name}"
            flat = np.ravel(np.asarray(entry["value"], dtype=float))
            low, high = np.min(entry["range"]), np.max(entry["range"])
            assert np.all((flat >= low) & (flat <= high)), f"{section}.{name}"


def test_frozen_ground_is_colder_at_36_ghz_and_more_emissive_at_18(tibet: Archive) -> None:
    frozen = truth(tibet, "frozen_amsr2_descending") == 1
    v36, h18 = stored(tibet, "36", "D", "V"), stored(tibet, "18", "D", "H")
    seen = np.isfinite(v36) & np.isfinite(h18)
    assert min(np.sum(seen & frozen), np.sum(seen & ~frozen)) > 30
    ratio = h18 / v36
    assert v36[seen & frozen].mean() < v36[seen & ~frozen].mean() - 3
    assert ratio[seen & frozen].mean() > ratio[seen & ~frozen].mean() + 0.03
    assert np.all((v36[seen] > 180) & (v36[seen] < 300))


def test_vertical_exceeds_horizontal_polarization(tibet: Archive) -> None:
    for band in ("10", "18", "23", "36", "89"):
        vertical, horizontal = (stored(tibet, band, "A", letter) for letter in "VH")
        assert np.nanmean(vertical - horizontal) > 2


def test_reflectivity_of_a_dry_and_a_wet_smooth_soil_is_as_expected() -> None:
    # at nadir the two polarizations agree; at 55 degrees H reflects more
    dry = soil_permittivity(18.7, np.array(285.0), np.array(0.02))
    wet = soil_permittivity(18.7, np.array(285.0), np.array(0.35))
    ice = soil_permittivity(18.7, np.array(260.0), np.array(0.35))
    assert 2 < dry.real < 4 < ice.real < wet.real < 30
    for permittivity in (dry, wet, ice):
        level, upright = fresnel(permittivity)
        assert 0 < upright < level < 1


def test_heat_and_temperature_are_inverse_and_the_melting_point_holds() -> None:
    latent = np.array(30.0)
    temperature = np.linspace(255.0, 290.0, 71)
    np.testing.assert_allclose(temperature_of(heat_of(temperature, latent), latent), temperature)
    half = number("soil.freezing_half_width")
    held = temperature_of(np.linspace(-14.9, 14.9, 50), latent)
    assert np.all(np.abs(held - FREEZING) <= half)


def test_amsr2_sees_the_stated_share_of_cells(tibet: Archive, alaska: Archive) -> None:
    shares = []
    for archive in (tibet, alaska):
        for path in (archive.root / "amsr2").glob("*SGT36*"):
            with h5py.File(path) as file:
                seen = np.count_nonzero(file["Brightness Temperature (V)"][:] != 65535)
            shares.append(seen / archive.domain.mesh[0].size)
    # a region narrower than a swath is seen nearly whole on one day and hardly on another
    assert np.mean(shares) == pytest.approx(0.64, abs=0.15)


def test_label_errors_have_the_rate_of_the_parameters() -> None:
    random = np.random.default_rng(0)
    far = native_smos.classify(np.full(50_000, FREEZING - 8.0), random)
    near = native_smos.classify(np.full(50_000, FREEZING + 0.1), random)
    inside = native_smos.classify(np.full(10, FREEZING + 0.01), random)
    base, more = number("smos.error_base"), number("smos.error_near")
    assert np.mean(far == 1) == pytest.approx(base, abs=0.005)
    expected = base + more * np.exp(-((0.1 / number("smos.error_scale")) ** 2))
    assert np.mean(near == 3) == pytest.approx(expected, abs=0.01)
    assert set(inside.tolist()) == {2}


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
    assert 0.02 < wrong / total < 0.16


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


def test_the_reanalysis_is_too_warm_when_frozen_and_smoother(tibet: Archive) -> None:
    with h5py.File(tibet.root / "gldas" / "GLDAS_NOAH025_3H.A20151030.0000.021.nc4") as file:
        whole = file["SoilTMP0_10cm_inst"][0]
        lat, lon = file["lat"][:], file["lon"][:]
    domain = tibet.domain
    assert lat[0] == -59.875
    assert lon[0] == -179.875
    rows, cols = np.searchsorted(lat, domain.lat), np.searchsorted(lon, domain.lon)
    assert np.count_nonzero(whole != -9999) == domain.mesh[0].size
    model = whole[np.ix_(rows, cols)]
    now = history(domain).at(np.asarray(domain.hours(date(2015, 10, 30))))
    assert np.std(np.diff(model, axis=1)) < 0.6 * np.std(np.diff(now.top, axis=1))
    cold = history(domain).at(np.asarray(domain.hours(tibet.end)))
    fields = native_gldas.fields(domain, history(domain), domain.hours(tibet.end))
    frozen = cold.top < FREEZING - 2
    assert frozen.mean() > 0.3
    assert (fields["SoilTMP0_10cm_inst"] - cold.top)[frozen].mean() > 0.3


def test_averages_of_midnight_belong_to_the_three_hours_before() -> None:
    """At 90 E the sun is low before 00 UTC (06 local) and high before 09 UTC (15 local)."""
    domain = Domain((89.0, 33.0, 91.0, 35.0), date(2015, 6, 10), date(2015, 6, 11))
    true = history(domain)
    night = native_gldas.fields(domain, true, 0.0)["SWdown_f_tavg"]
    noon = native_gldas.fields(domain, true, 9.0)["SWdown_f_tavg"]
    evening = native_gldas.fields(domain, true, 15.0)["SWdown_f_tavg"]
    assert night.mean() < 60
    assert noon.mean() > 400
    assert evening.mean() < 60


def test_freeze_up_runs_through_the_archive(tibet: Archive) -> None:
    domain = tibet.domain
    shares = [
        (history(domain).at(np.asarray(domain.hours(day))).top < FREEZING).mean()
        for day in (tibet.start, tibet.end)
    ]
    assert shares[0] < 0.25
    assert shares[1] > 0.4
