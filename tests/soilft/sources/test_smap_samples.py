"""SMAP L3 freeze/thaw: real subsets, which have everything but freeze_thaw."""

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from soilft.errors import MissingVariable
from soilft.grid import PRESETS
from soilft.schema import FROZEN, MISSING, THAWED
from soilft.sources.smap import GRIDS, SmapL3Ft
from soilft.sources.smap_native import native_window, surface_bits
from tests.support.smap import GLOBAL, GROUPS, placed


@pytest.fixture
def cut_by_space(samples: Path, tmp_path: Path) -> Path:
    """Give a real subset, latitude and longitude known everywhere, under its granule's name."""
    path = tmp_path / "SMAP_L3_FT_P_20150410_R19240_001_subsetted.nc4"
    shutil.copyfile(samples / "smap_ft" / "SC_SPL3FTP_spatially_subsetted.nc4", path)
    return path


@pytest.fixture
def cut_with_axes(samples: Path, tmp_path: Path) -> Path:
    """Give a real subset of both groups, with y and x, coordinates -9999 where not observed."""
    path = tmp_path / "SMAP_L3_FT_P_20150401_R19240_001_subsetted.nc4"
    shutil.copyfile(samples / "smap_ft" / "SPL3FTP_subsetted.nc4", path)
    return path


@pytest.mark.parametrize(
    ("which", "projection", "shape", "row", "column"),
    [
        ("cut_by_space", "global", (29, 52), 16, 227),
        ("cut_with_axes", "global", (27, 162), 0, 294),
        ("cut_with_axes", "polar", (86, 85), 255, 163),
    ],
)
def test_real_subsets_lie_on_the_declared_grids(
    request: pytest.FixtureRequest,
    which: str,
    projection: str,
    shape: tuple[int, int],
    row: int,
    column: int,
) -> None:
    path = request.getfixturevalue(which)
    grid = GRIDS[projection]
    with xr.open_dataset(path, group=GROUPS[projection], mask_and_scale=False) as dataset:
        window = native_window(dataset, grid, path)
        lat, lon = dataset.latitude.values, dataset.longitude.values
    assert window.shape == shape
    assert window.y[0] == pytest.approx(grid.y[row])
    assert window.x[0] == pytest.approx(grid.x[column])
    seen = lat > -9999
    for stored, computed in ((lon, window.lonlat[0]), (lat, window.lonlat[1])):
        everywhere = np.broadcast_to(computed, stored.shape)
        np.testing.assert_allclose(stored[seen], everywhere[seen], atol=1e-4)


@pytest.mark.parametrize(
    ("which", "projection"),
    [("cut_by_space", "global"), ("cut_with_axes", "global"), ("cut_with_axes", "polar")],
)
def test_real_subsets_are_refused_for_want_of_freeze_thaw(
    request: pytest.FixtureRequest, which: str, projection: Any
) -> None:
    path = request.getfixturevalue(which)
    with pytest.raises(MissingVariable, match=r"expected freeze_thaw, found .*latitude") as error:
        SmapL3Ft(projection=projection).read(path)
    assert path.name in str(error.value)


def test_flags_of_a_real_file_have_the_documented_bits(cut_by_space: Path) -> None:
    with xr.open_dataset(cut_by_space, group=GLOBAL, mask_and_scale=False) as dataset:
        flag = dataset["surface_flag"].load()
    assert surface_bits(flag, cut_by_space) == surface_bits(flag.drop_attrs(), cut_by_space)
    bits = surface_bits(flag, cut_by_space)
    share = {name: float(((flag.values & bit) > 0).mean()) for name, bit in bits.items()}
    # Around Hudson Bay in April: water and snow, no mountains.
    assert share["high_water_fraction"] == pytest.approx(0.574, abs=0.001)
    assert share["snow_or_ice"] == pytest.approx(0.546, abs=0.001)
    assert share["mountains"] == 0


def test_a_real_file_with_states_added_is_read(cut_by_space: Path) -> None:
    """Real coordinates and surface flags; 57 % of the cells are water and have no state."""
    with h5py.File(cut_by_space, "a") as file:
        group = file[GLOBAL]
        flag, lat = group["surface_flag"][...], group["latitude"][...]
        fields = {
            "freeze_thaw": (lat > 56).astype("uint8"),
            "retrieval_qual_flag": np.zeros(flag.shape, "uint16"),
        }
        for name, values in fields.items():
            group[name] = values
            for i in range(3):
                group[name].dims[i].attach_scale(file[f"dim{i}"])
    grid = PRESETS["ease2-global-36km"].window(slice(16, 45), slice(227, 279))
    found = placed(cut_by_space, grid)
    water = (flag & 0b1000011) > 0
    expected = np.where(water, MISSING, np.where(lat > 56, FROZEN, THAWED))
    np.testing.assert_array_equal(found["freeze_thaw"], expected)
    snow = ((flag >> 5) & 1 > 0) & ~water
    assert snow.any()
    np.testing.assert_array_equal((found["label_quality"] & 16 > 0) & ~water, snow)
