"""Transfers written to a store and read back onto each radiometer's own axes."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from soilft.channels import CODES
from soilft.days import DaySpan
from soilft.grid import Region
from soilft.radiometers import intercalibration_store
from soilft.radiometers.intercalibration import PIXEL_TERMS, TERMS, Transfer
from soilft.radiometers.intercalibration_fit import Fitted
from soilft.store import zarr as store
from tests.support import radiometers

GRID = Region("stored", "latlon-0.25", (80, 30, 81, 31)).grid
CHANNELS = tuple(CODES[name] for name in ("18.7V", "18.7H"))
NAMES = ("amsr2", "amsr-e", "mwri")
AXES = ((0, 1), (CODES["6.9V"], *CHANNELS))


def fitted(seed: int, channels: tuple[int, ...] = CHANNELS) -> Fitted:
    rng = np.random.default_rng(seed)
    where = (2, len(channels))
    transfer = Transfer(
        (0, 1),
        channels,
        rng.normal(size=(*where, len(TERMS))),
        rng.normal(size=(*where, len(PIXEL_TERMS), *GRID.shape)).astype("float32"),
        rng.normal(200, 5, where),
        rng.normal(290, 5, where),
    )
    count = np.full(where, 3)
    spread = {name: np.full(where, 1.5) for name in ("raw", "regional", "pixel")}
    pairs = rng.integers(0, 99, (*where, *GRID.shape)).astype("int32")
    return Fitted(transfer, count, count, spread, pairs)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder: Path = tmp_path_factory.mktemp("harmonization")
    fits = {"mwri": fitted(1), "amsr-e": fitted(2)}
    return intercalibration_store.write(
        str(folder), fits, NAMES, "amsr2", GRID, AXES, {"simulated": "true"}
    )


def test_what_is_read_is_what_was_fitted(written: tuple[str, str]) -> None:
    axes = [((0, 1), CHANNELS)] * 3
    reference, amsre, mwri = intercalibration_store.read(written[0], axes)
    assert reference is None
    for found, seed in ((mwri, 1), (amsre, 2)):
        expected = fitted(seed).transfer
        assert found is not None
        np.testing.assert_array_equal(found.regional, expected.regional)
        np.testing.assert_array_equal(found.deviation, expected.deviation)
        np.testing.assert_allclose(found.low, expected.low, rtol=1e-6)


def test_axes_are_those_of_any_radiometer_by_rising_code(tmp_path: Path) -> None:
    whole = DaySpan(date(2012, 7, 1), date(2012, 7, 2))
    truth = radiometers.scene(GRID, whole, 4)
    urls = [
        radiometers.write(
            tmp_path, band, GRID, whole, truth, radiometers.no_error, flown=[0, 1], bands=(band,)
        )
        for band in ("36", "18")
    ]
    passes, channels = intercalibration_store.axes_of(urls)
    assert passes == (0, 1)
    assert channels == tuple(CODES[name] for name in ("18.7V", "18.7H", "36.5V", "36.5H"))
    assert intercalibration_store.axes_of(urls[1:]) == ((0, 1), CHANNELS)


def test_a_channel_that_was_not_fitted_is_missing(written: tuple[str, str]) -> None:
    more = (CODES["6.9V"], *CHANNELS)
    _, amsre, _ = intercalibration_store.read(written[0], [((0, 1), more)] * 3)
    assert amsre is not None
    tb = np.full((1, 2, 3, *GRID.shape), 250, "float32")
    found = amsre.apply(tb, np.array([15000]))
    assert np.isnan(found[:, :, 0]).all()
    assert np.isfinite(found[:, :, 1:]).all()


def test_the_store_tells_what_it_is(written: tuple[str, str]) -> None:
    url, content = written
    assert content.startswith(url.rsplit("/", 1)[1].removesuffix(".zarr"))
    cube = store.open_cube(url)
    assert cube.attrs["reference"] == "amsr2"
    assert cube.attrs["simulated"] == "true"
    assert cube["coefficient"].attrs["units"] == "K"
    assert cube["pairs"].sum().item() > 0
    assert {"spread_raw", "spread_regional", "spread_pixel"} <= set(cube)
    # A radiometer that was not fitted has no coefficients, and counts no pair.
    assert np.isnan(cube["coefficient"][0]).all()


def test_the_same_fit_has_the_same_name(written: tuple[str, str], tmp_path: Path) -> None:
    fits = {"amsr-e": fitted(2), "mwri": fitted(1)}
    again = intercalibration_store.write(str(tmp_path), fits, NAMES, "amsr2", GRID, AXES, {})
    assert again[1] == written[1]
    other = intercalibration_store.write(
        str(tmp_path), {"mwri": fitted(3), "amsr-e": fitted(2)}, NAMES, "amsr2", GRID, AXES, {}
    )
    assert other[1] != written[1]
