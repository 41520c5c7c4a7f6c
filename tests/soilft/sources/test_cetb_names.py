"""CETB as delivered: stamps of production, channels with a decimal, and the polar grids."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import xarray as xr

from soilft.errors import FormatMismatch, GridMismatch
from soilft.grid import Region
from soilft.ingest.archive import discover
from soilft.sources import Amsr2Cetb, AmsrECetb
from soilft.store import objects
from tests.contract.cetb import cetb

DAY = date(2012, 10, 31)
SOURCE = Amsr2Cetb(("06", "10", "36"))
AS_DELIVERED = "NSIDC0630_GRD_EASE2_N25km_GCOMW1_AMSR2_M_36H_20121031_2505230315_v2.0.nc"
CYLINDRICAL = "NSIDC0630_GRD_EASE2_T25km_GCOMW1_AMSR2_D_{}_20121031{}_v2.0.nc"
ALASKA = Region("alaska", "ease2-north-25km", (-156, 64, -148, 70)).grid


@pytest.mark.parametrize(
    ("channel", "slot"),
    [("6.9H", "D06H"), ("06H", "D06H"), ("10.7V", "D10V"), ("10V", "D10V"), ("36H", "D36H")],
)
def test_a_channel_is_known_with_and_without_its_decimal(channel: str, slot: str) -> None:
    granule = SOURCE.granule(CYLINDRICAL.format(channel, "_2505230315"))
    assert granule is not None
    assert (granule.days, granule.slot, granule.version) == ((DAY,), slot, "2.0_2505230315")
    first = f"NSIDC-0630-EASE2_T25km-AQUA_AMSRE-2009244-{channel}-D-GRD-RSS-v1.3.nc"
    older = AmsrECetb(("06", "10", "36")).granule(first)
    assert older is not None
    assert (older.slot, older.version) == (slot, "1.3")


def test_of_one_version_the_file_that_was_made_last_counts(tmp_path: Path) -> None:
    names = [CYLINDRICAL.format("36H", made) for made in ("", "_2309010101", "_2505230315")]
    for name in (*names, names[0].replace("v2.0", "v1.9")):
        (tmp_path / name).touch()
    [found] = discover(SOURCE, [objects.join(str(tmp_path), "*.nc")])
    assert found.granule.name == names[2]
    older = [one.granule.name for one in found.older]
    assert older[::-1] == [names[0].replace("v2.0", "v1.9"), *names[:2]]


def polar(folder: Path, name: str) -> Path:
    """A polar file: temperatures that name their row and column, at 10:30 UTC."""
    hemisphere = name.split("EASE2_")[1][0]
    axis = 8_987_500 - 25_000.0 * np.arange(720)
    kelvin = 150 + 0.1 * np.arange(720)[:, None] + 0.05 * np.arange(720)
    counts = np.rint(kelvin * 100).astype("uint16")[None]
    fields = {
        "TB": (("time", "y", "x"), counts, {"units": "K", "long_name": "GRD TB"}),
        "TB_time": (
            ("time", "y", "x"),
            np.full(counts.shape, 630, "int16"),
            {"units": f"minutes since {DAY} 00:00:00"},
        ),
        "crs": ((), b"", {
            "srid": f"urn:ogc:def:crs:EPSG::{6931 if hemisphere == 'N' else 6932}",
            "long_name": f"EASE2_{hemisphere}25km",
        }),
    }  # fmt: skip
    fields["TB"][2].update(scale_factor=np.float32(0.01), add_offset=np.float32(0))
    fields["TB_time"][2].update(scale_factor=np.float32(1), add_offset=np.float32(0))
    days = float((DAY - date(1972, 1, 1)).days)
    time = ("time", [days], {"units": "days since 1972-01-01 00:00:00"})
    dataset = xr.Dataset(fields, {"time": time, "y": axis, "x": -axis})
    dataset.attrs |= {"instrument": "AMSR2 > Advanced ...", "product_version": "v2.0"}
    path = folder / name
    dataset.to_netcdf(path, encoding={"TB": {"_FillValue": 0}, "TB_time": {"_FillValue": -32768}})
    return path


def parts_of(*paths: Path, grid: Any = ALASKA) -> list[Any]:
    parts = []
    for path in paths:
        granule = SOURCE.granule(str(path))
        assert granule is not None
        with SOURCE.read(path) as dataset:
            parts.append((granule, SOURCE.place(dataset, granule, DAY, grid)))
    return parts


def test_a_polar_file_gives_its_own_cells(tmp_path: Path) -> None:
    found = SOURCE.combine(parts_of(polar(tmp_path, AS_DELIVERED)), DAY, ALASKA)
    channel = SOURCE.channels.index("36.5H")
    lon, lat = ALASKA.lonlat
    x, y = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:6931", always_xy=True).transform(lon, lat)
    rows, columns = np.floor((9e6 - y) / 25e3), np.floor((x + 9e6) / 25e3)
    # Of the morning: the node of the night.
    np.testing.assert_allclose(
        found["tb"][0, channel], 150 + 0.1 * rows + 0.05 * columns, atol=6e-3
    )
    assert np.isnan(found["tb"][1]).all()
    np.testing.assert_allclose(found["observation_time"][0], 10.5, atol=1e-4)


def test_the_polar_grid_fills_what_the_cylindrical_one_does_not_reach(tmp_path: Path) -> None:
    level = np.full((540, 1388), 250.0)
    minutes = np.full(level.shape, 630)
    wide = cetb(
        tmp_path, "AMSR2", DAY, channel="36H", node="D", version=2,
        kelvin=((0, 0), level), minutes=minutes,
    )  # fmt: skip
    polar_parts = parts_of(polar(tmp_path, AS_DELIVERED))
    both = [*polar_parts, *parts_of(wide)]
    channel = SOURCE.channels.index("36.5H")
    alone = SOURCE.combine(polar_parts, DAY, ALASKA)["tb"][0, channel]
    found = SOURCE.combine(both, DAY, ALASKA)["tb"][0, channel]
    lat = ALASKA.lonlat[1]
    np.testing.assert_allclose(found[lat < 66.8], 250.0)
    np.testing.assert_array_equal(found[lat > 67.3], alone[lat > 67.3])
    assert np.isfinite(found).all()


def test_of_the_other_hemisphere_there_is_nothing(tmp_path: Path) -> None:
    south = polar(tmp_path, AS_DELIVERED.replace("N25km", "S25km"))
    (_, nothing), *_ = parts_of(south)
    assert np.isnan(nothing["tb"]).all()
    assert np.isnan(nothing["observation_time"]).all()
    antarctica = Region("coast", "latlon-0.25", (90, -70, 92, -68)).grid
    assert np.isfinite(parts_of(south, grid=antarctica)[0][1]["tb"]).all()
    renamed = south.rename(tmp_path / AS_DELIVERED)
    with pytest.raises(GridMismatch, match=r"srid of crs: expected 6931, found .*6932"):
        SOURCE.read(renamed)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (AS_DELIVERED.replace("N25km", "N3.125km"), r"N3\.125km M v2\.0"),
        (AS_DELIVERED.replace("_M_", "_A_"), r"N25km A v2\.0"),
        (AS_DELIVERED.replace("N25km", "T25km"), r"T25km M v2\.0"),
    ],
)
def test_other_grids_and_passes_are_refused_by_name(tmp_path: Path, name: str, found: str) -> None:
    granule = SOURCE.granule(name)
    assert granule is not None
    with pytest.raises(FormatMismatch, match=rf"EASE2_N25km or EASE2_S25km.*found {found}"):
        SOURCE.read(tmp_path / name)


def test_a_misnamed_file_is_refused(tmp_path: Path) -> None:
    path = polar(tmp_path, AS_DELIVERED.replace("20121031", "20121101"))
    words = "time: expected 2012-11-01 00:00 UTC, as named, found 2012-10-31 00:00"
    with pytest.raises(FormatMismatch, match=words):
        SOURCE.read(path)
