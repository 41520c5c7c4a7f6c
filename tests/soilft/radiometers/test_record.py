"""Several radiometers as one record."""

import numpy as np
import xarray as xr

from soilft.channels import CODES
from soilft.radiometers import record as radiometers

SHAPE = (3, 4)


def record(names: tuple[str, ...], tb: float, seen: np.ndarray, hour: float = 1.5) -> xr.Dataset:
    """Two days, both nodes; ``seen`` (day, node, y, x)."""
    observed = np.where(seen, np.float32(hour), np.float32(np.nan))
    values = np.where(seen[:, :, None], np.float32(tb), np.float32(np.nan))
    values = np.broadcast_to(values, (2, 2, len(names), *SHAPE)).copy()
    return xr.Dataset(
        {
            "tb": (("time", "overpass", "channel", "y", "x"), values),
            "observation_time": (("time", "overpass", "y", "x"), observed),
        },
        {"channel": [CODES[name] for name in names], "overpass": [0, 1]},
    )


def test_the_first_radiometer_wins_and_the_second_fills_whole_pixels() -> None:
    seen = np.zeros((2, 2, *SHAPE), bool)
    seen[0, 0, :2] = True
    first = record(("6.9V", "36.5V"), 250.0, seen, hour=1.5)
    second = record(("18.7H", "36.5V"), 260.0, np.ones_like(seen), hour=1.7)
    assert radiometers.channels([first, second]) == ("6.9V", "18.7H", "36.5V")
    found = radiometers.merged([first, second], slice(0, 2))
    tb, observed, radiometer = found.tb, found.observed, found.radiometer
    np.testing.assert_array_equal(tb[0, 0, 2, :2], 250.0)
    np.testing.assert_array_equal(tb[0, 0, 2, 2:], 260.0)
    np.testing.assert_array_equal(observed[0, 0, :2], np.float32(1.5))
    np.testing.assert_array_equal(observed[0, 0, 2:], np.float32(1.7))
    # No channel of the second is mixed into a pixel of the first.
    assert np.isnan(tb[0, 0, 1, :2]).all()
    assert np.isnan(tb[0, 0, 0, 2:]).all()
    np.testing.assert_array_equal(radiometer[0, 0, :2], 0)
    np.testing.assert_array_equal(radiometer[0, 0, 2:], 1)
    swapped = radiometers.merged([second, first], slice(0, 2)).tb
    np.testing.assert_array_equal(swapped[:, :, 2], 260.0)


def test_some_days_are_the_same_days_of_all() -> None:
    rng = np.random.default_rng(0)
    first = record(("36.5V",), 250.0, rng.random((2, 2, *SHAPE)) < 0.5)
    second = record(("36.5V", "36.5H"), 260.0, rng.random((2, 2, *SHAPE)) < 0.5)
    whole = radiometers.merged([first, second], slice(0, 2))
    part = radiometers.merged([first, second], slice(1, 2))
    for name in ("tb", "observed", "radiometer", "level"):
        np.testing.assert_array_equal(getattr(whole, name)[1:], getattr(part, name))
    # A pixel has a time exactly where it has a brightness temperature.
    seen = np.isfinite(whole.observed)
    np.testing.assert_array_equal(np.isfinite(whole.tb).any(axis=2), seen)
    np.testing.assert_array_equal(whole.radiometer != 255, seen)
    np.testing.assert_array_equal(whole.level, np.where(seen, 0, 255))
