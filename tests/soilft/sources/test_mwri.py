"""MWRI L1: layouts, means, scale and missing values, against swaths written with h5py."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from soilft.errors import FormatMismatch
from soilft.grid import Grid, Region
from soilft.sources.mwri import MwriL1
from tests.support.mwri import (
    BT,
    DAY,
    GRID,
    PIXELS,
    SCANS,
    SOURCE,
    START,
    combined,
    counts,
    expected_means,
    granule_of,
    kelvins,
    lats,
    lons,
    placed,
    written,
)


@pytest.mark.parametrize("node", ["A", "D"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"satellite": "FY3D"},
        {"satellite": "FY3D", "groups": ("Data/", "Data/")},
        {"groups": ("Data/", "Data/")},
        {"satellite": "FY3D", "groups": ("Calibration/", "Geolocation/")},
    ],
    ids=["root", "groups", "early groups", "3B in groups", "named groups"],
)
def test_pixels_are_averaged_in_either_layout(
    tmp_path: Path, node: str, changes: dict[str, Any]
) -> None:
    found = combined(written(tmp_path, node=node, **changes))
    tb, hours, count = expected_means(node, GRID, kelvins())
    here = int(node == "A")
    np.testing.assert_allclose(found["tb"][here], tb, atol=0.006)
    np.testing.assert_allclose(found["observation_time"][here], hours, rtol=1e-6)
    np.testing.assert_array_equal(found["count"][here], np.where(count > 0, count, 255))
    assert count.max() > 1
    assert np.isnan(found["tb"][1 - here]).all()
    assert (found["count"][1 - here] == 255).all()


def test_known_pixels_lie_where_they_should(tmp_path: Path) -> None:
    """One warm pixel of 300 K at 30.01 N, 85 E in 36.5V, channel 6, of an ascending pass."""
    kelvin = np.full((10, SCANS, PIXELS), 220.0)
    lat, lon = lats("A"), lons()
    scan, pixel = 50, 7
    kelvin[6, scan, pixel] = 300
    found = combined(written(tmp_path, counts=counts(kelvin)))
    row = int((GRID.top - lat[scan, pixel]) // 0.25)
    column = int((lon[scan, pixel] - GRID.left) // 0.25)
    warm = np.argwhere(found["tb"] > 225)
    assert warm.tolist() == [[1, 6, row, column]]
    assert found["tb"].shape == (2, 10, *GRID.shape)
    assert found["tb"].dtype == np.dtype("float32")
    assert SOURCE.channels[6:8] == ("36.5V", "36.5H")


def test_layout_of_the_store() -> None:
    assert [(v.name, v.dtype, v.dims) for v in SOURCE.variables] == [
        ("tb", "float32", ("time", "overpass", "channel", "y", "x")),
        ("observation_time", "float32", ("time", "overpass", "y", "x")),
        ("count", "uint8", ("time", "overpass", "y", "x")),
    ]
    assert SOURCE.overpasses == ("AM", "PM")
    assert SOURCE.coordinates[0].values.tolist() == [4, 5, 6, 7, 8, 9, 10, 11, 12, 13]


def test_both_nodes_and_several_granules_make_one_day_in_any_order(tmp_path: Path) -> None:
    later = START + timedelta(minutes=101)
    paths = [
        written(tmp_path, counts=counts(kelvins() + 0.37)),
        written(tmp_path, counts=counts(kelvins() + 20), start=later),
        written(tmp_path, counts=counts(kelvins() + 40), start=later + timedelta(minutes=101)),
        written(tmp_path, node="D"),
    ]
    parts = [placed(path) for path in paths]
    found = SOURCE.combine(parts, DAY, GRID)
    for order in (parts[::-1], parts[1:] + parts[:1]):
        for name, values in SOURCE.combine(order, DAY, GRID).items():
            assert values.tobytes() == found[name].tobytes()
    tb, hours, count = expected_means("A", GRID, kelvins())
    np.testing.assert_allclose(found["tb"][1], tb + 60.37 / 3, atol=0.006)
    np.testing.assert_allclose(found["observation_time"][1], hours + 101 / 60, rtol=1e-6)
    np.testing.assert_array_equal(found["count"][1], np.where(count > 0, 3 * count, 255))
    np.testing.assert_allclose(found["tb"][0], expected_means("D", GRID, kelvins())[0], atol=0.006)


def test_the_count_stops_at_254(tmp_path: Path) -> None:
    one_cell = Grid("EPSG:4326", 80.0, 36.0, 12.0, 8.0, (1, 1))
    found = combined(written(tmp_path), grid=one_cell)
    _, _, count = expected_means("A", one_cell, kelvins())
    assert count.item() > 254
    assert found["count"][:, 0, 0].tolist() == [255, 254]


class TestScale:
    def test_may_be_one_a_channel(self, tmp_path: Path) -> None:
        slope = np.linspace(0.01, 0.019, 10)
        intercept = np.linspace(300, 309, 10)
        numbers = np.round((kelvins() - intercept[:, None, None]) / slope[:, None, None])
        scale = {"Slope": slope, "Intercept": intercept}
        path = written(tmp_path, counts=numbers.astype("int16"), scale=scale)
        with SOURCE.read(path) as dataset:
            np.testing.assert_allclose(dataset["tb"].values, kelvins(), atol=0.01)
            one = dataset["tb"].isel(channel=3, scan=slice(5, 9), pixel=4).values
            some = dataset["tb"].isel(channel=slice(2, 9, 3)).values
        np.testing.assert_allclose(one, kelvins()[3, 5:9, 4], atol=0.01)
        np.testing.assert_allclose(some, kelvins()[2:9:3], atol=0.01)

    def test_of_slope_0_is_slope_1(self, tmp_path: Path) -> None:
        scale = {"Slope": np.float32([0]), "Intercept": np.float32([0])}
        path = written(tmp_path, counts=kelvins().astype("int16"), scale=scale)
        with SOURCE.read(path) as dataset:
            np.testing.assert_array_equal(dataset["tb"].values, np.floor(kelvins()))

    @pytest.mark.parametrize(
        "scale",
        [
            {"Slope": None},
            {"Intercept": None},
            {"Slope": np.float32([10])},
            {"Slope": np.float32([-0.01])},
            {"Slope": np.float32([np.nan])},
            {"Intercept": np.float32([0])},
            {"Slope": np.full(4, 0.01)},
            {"Slope": "one hundredth"},
        ],
        ids=str,
    )
    def test_that_makes_no_kelvins_is_refused(self, tmp_path: Path, scale: dict[str, Any]) -> None:
        words = (
            r"FY3B_MWRIA.*expected int16 with Slope 0\.01 and Intercept 327\.68.*found int16 with"
        )
        with pytest.raises(FormatMismatch, match=words):
            SOURCE.read(written(tmp_path, scale=scale))

    @pytest.mark.parametrize("dtype", ["uint16", "float32", "int32"])
    def test_of_another_type_is_refused(self, tmp_path: Path, dtype: str) -> None:
        path = written(tmp_path, counts=np.full((10, SCANS, PIXELS), 100, dtype))
        with pytest.raises(FormatMismatch, match=f"expected int16.*found {dtype} with Slope"):
            SOURCE.read(path)


class TestMissing:
    def test_codes_and_impossible_values_do_not_count(self, tmp_path: Path) -> None:
        stored = counts(kelvins())
        stored[:, 50, 7] = -999
        # Hundredths of a kelvin inside and outside of 50 and 400 K.
        stored[:4, 50, 8] = [-27767, -27769, 7231, 7233]
        with SOURCE.read(written(tmp_path, counts=stored)) as dataset:
            tb = dataset["tb"].values
        assert np.isnan(tb[:, 50, 7]).all()
        np.testing.assert_allclose(tb[:4, 50, 8], [50.01, np.nan, 399.99, np.nan], rtol=1e-6)
        assert np.isnan(tb).sum() == 12

    @pytest.mark.parametrize(
        ("name", "value"),
        [("lat", 65535), ("lon", 65535), ("lat", 90.5), ("lon", -180.5), ("lat", np.nan)],
    )
    def test_places_do_not_count(self, tmp_path: Path, name: str, value: float) -> None:
        places = {"lat": lats("A"), "lon": lons()}
        places[name][40:80] = value
        path = written(tmp_path, **places)
        with SOURCE.read(path) as dataset:
            assert np.isnan(dataset[name].values[40:80]).all()
            assert np.isfinite(dataset[name].values[:40]).all()
        hand = expected_means("A", GRID, kelvins(), slice(0, 40))[2]
        hand += expected_means("A", GRID, kelvins(), slice(80, None))[2]
        np.testing.assert_array_equal(combined(path)["count"][1], np.where(hand > 0, hand, 255))

    @pytest.mark.parametrize("what", ["counts", "lat", "lon", "both"])
    def test_everywhere_is_missing_and_no_error(self, tmp_path: Path, what: str) -> None:
        nothing = {
            "counts": np.full((10, SCANS, PIXELS), -999, "int16"),
            "lat": np.full((SCANS, PIXELS), 65535, "float32"),
            "lon": np.full((SCANS, PIXELS), 65535, "float32"),
        }
        changes = {k: v for k, v in nothing.items() if what in (k, "both")}
        found = combined(written(tmp_path, **changes))
        assert np.isnan(found["tb"]).all()
        assert np.isnan(found["observation_time"]).all()
        assert (found["count"] == 255).all()

    def test_one_channel_leaves_the_others(self, tmp_path: Path) -> None:
        stored = counts(kelvins())
        stored[8] = -999
        found = combined(written(tmp_path, counts=stored))
        tb, _, count = expected_means("A", GRID, kelvins())
        assert np.isnan(found["tb"][1, 8]).all()
        np.testing.assert_allclose(found["tb"][1, 9], tb[9], atol=0.006)
        np.testing.assert_array_equal(found["count"][1], np.where(count > 0, count, 255))

    def test_where_the_orbit_does_not_pass(self, tmp_path: Path) -> None:
        elsewhere = Region("alaska", "latlon-0.25", (-160, 60, -150, 65)).grid
        found = combined(written(tmp_path), grid=elsewhere)
        assert np.isnan(found["tb"]).all()


def test_values_are_read_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, tuple[int, ...]]] = []
    original = h5py.Dataset.__getitem__

    def watched(self: h5py.Dataset, *args: Any, **kwargs: Any) -> Any:
        values = original(self, *args, **kwargs)
        read.append((str(self.name), np.shape(values)))
        return values

    monkeypatch.setattr(h5py.Dataset, "__getitem__", watched)
    path = written(tmp_path)
    granule = granule_of(path)
    read.clear()
    with SOURCE.read(path) as dataset:
        assert f"/{BT}" not in dict(read)
        assert (SCANS, PIXELS) not in dict(read).values()
        SOURCE.place(dataset, granule, DAY, GRID)
    # 28 to 36 degrees north, and a cell around, are 43 of 120 scans.
    (shape,) = [shape for name, shape in read if name == f"/{BT}"]
    assert shape == (10, 43, PIXELS)


def test_a_closed_granule_leaves_no_file_open(tmp_path: Path) -> None:
    path = written(tmp_path)
    with SOURCE.read(path):
        pass
    broken = written(tmp_path, node="D", lat=lats("A"))
    with pytest.raises(FormatMismatch):
        SOURCE.read(broken)
    for closed in (path, broken):
        with h5py.File(closed, "r+"):
            pass


def test_attributes_say_whether_a_file_was_simulated(tmp_path: Path) -> None:
    path = written(tmp_path, attributes={"simulated": "true"})
    with SOURCE.read(path) as dataset:
        assert dataset.attrs["simulated"] == "true"
        assert dataset["tb"].dims == ("channel", "scan", "pixel")
        assert dataset["tb"].attrs["units"] == "K"


def test_names_tell_satellite_node_and_minute() -> None:
    granule = SOURCE.granule("s3://archive/2012/FY3D_MWRID_GBAL_L1_20120131_0607_010KM_MS.hdf")
    assert granule is not None
    assert (granule.slot, granule.version, granule.days) == ("FY3DD0607", "010KM_MS", (DAY,))
    for name in (
        "FY3C_MWRID_GBAL_L1_20120131_0607_010KM_MS.HDF",
        "FY3G_MWRID_GBAL_L1_20120131_0607_010KM_MS.HDF",
        "FY3D_MWRIX_GBAL_L1_20120131_0607_010KM_MS.HDF",
        "FY3D_MWRID_GBAL_L1_20120132_0607_010KM_MS.HDF",
        "FY3D_MWRID_GBAL_L1_20120131_2460_010KM_MS.HDF",
        "FY3D_MWRID_GBAL_L2_20120131_0607_010KM_MS.HDF",
        "FY3D_MWRID_GBAL_L1_20120131_0607_010KM_MS.HDF.part",
    ):
        assert SOURCE.granule(name) is None


def test_fy3c_passes_in_the_forenoon_when_descending(tmp_path: Path) -> None:
    source = MwriL1(("FY3C",))
    path = written(tmp_path, satellite="FY3C", node="D")
    granule, part = placed(path, source=source)
    found = source.combine([(granule, part)], DAY, GRID)
    assert np.isfinite(found["tb"][0]).any()
    assert np.isnan(found["tb"][1]).all()
