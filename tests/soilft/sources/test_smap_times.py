"""SMAP L3 freeze/thaw: times of the file in any of their forms, and the nominal ones without."""

from pathlib import Path

import numpy as np
import pytest

from soilft.errors import FormatMismatch
from soilft.grid import Region
from soilft.sources.smap import GRIDS
from tests.support.smap import NAME, TIBET, arrays, at, cell, observed, placed, written


def clock(hours: np.ndarray, form: str) -> np.ndarray:
    """Hours of the day as the file might store them."""
    if form == "seconds of the day":
        return (hours * 3600).astype("float64")
    if form == "seconds since the epoch":
        epoch = np.datetime64("2000-01-01T11:58:55.816")
        since = (np.datetime64("2016-01-15") - epoch) / np.timedelta64(1, "s")
        return np.asarray(since + hours * 3600, "float64")
    prefix = "2016-01-15T" if form == "date and time" else ""
    minutes = np.round(np.ravel(hours) * 60).astype(int)
    texts = [f"{prefix}{m // 60:02d}:{m % 60:02d}:30.000Z" for m in minutes]
    return np.array(texts, "S").reshape(hours.shape)


def with_times(form: str, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Every cell frozen; passes 12 minutes after 06:00 and 18:00 local solar time."""
    lon = GRIDS["global"].lonlat[0]
    hours = np.stack([(h + shift + 0.2 - lon / 15) % 24 for h in (6, 18)])
    fields = observed(arrays(rest=1))
    name = "freeze_thaw_time_seconds" if form.startswith("seconds") else "freeze_thaw_time_utc"
    return {**fields, name: clock(hours, form)}


FORMS = ("time", "date and time", "seconds of the day", "seconds since the epoch")


@pytest.mark.parametrize("form", FORMS)
def test_times_are_the_files_own_in_either_form(tmp_path: Path, form: str) -> None:
    found = placed(written(tmp_path, with_times(form)))["observation_time"]
    for overpass, hour in enumerate((6.2, 18.2)):
        off = (found[overpass] - (hour - TIBET.lonlat[0] / 15) + 12) % 24 - 12
        np.testing.assert_allclose(off, 0, atol=0.02)


def test_passes_a_day_apart_are_not_averaged(tmp_path: Path) -> None:
    """At 93 degrees east these mornings are 00 UTC: neighbours lie at both ends of the day."""
    grid = Region("window", "latlon-0.25", (91, 32, 95, 34)).grid
    found = placed(written(tmp_path, with_times("time")), grid)["observation_time"][0]
    assert ((found < 1) | (found > 23)).all()
    assert (found < 1).any()
    assert (found > 23).any()


def test_time_is_the_nominal_one_where_the_file_has_none(tmp_path: Path) -> None:
    fields = with_times("time")
    fields["freeze_thaw_time_utc"][(0, *cell(91, 31.5))] = b""
    found = placed(written(tmp_path, fields))["observation_time"]
    assert at(found[0], 91, 31.5) == pytest.approx((6 - 91 / 15) % 24, abs=0.03)
    assert at(found[0], 88, 35) == pytest.approx((6.2 - 88 / 15) % 24, abs=0.04)
    fields["freeze_thaw_time_utc"][:] = b""
    blank = placed(written(tmp_path, fields))["observation_time"]
    del fields["freeze_thaw_time_utc"]
    found = placed(written(tmp_path, fields))["observation_time"]
    for overpass, hour in enumerate((6, 18)):
        expected = (hour - TIBET.lonlat[0] / 15) % 24
        np.testing.assert_allclose(found[overpass], expected, atol=1e-4)
    np.testing.assert_array_equal(blank, found)


@pytest.mark.parametrize(
    "times",
    [np.full((2, 406, 964), b"noon"), np.full((2, 406, 964), b"2016-01-18T00:10:00.000Z")],
    ids=["no-time", "other-day"],
)
def test_times_that_fit_no_reading_are_refused(tmp_path: Path, times: np.ndarray) -> None:
    fields = {**with_times("time"), "freeze_thaw_time_utc": times}
    path = written(tmp_path, fields)
    with pytest.raises(
        FormatMismatch, match="freeze_thaw_time_utc: expected times of 2016-01-15"
    ) as error:
        placed(path)
    assert NAME in str(error.value)


def test_swapped_passes_are_refused_by_their_local_time(tmp_path: Path) -> None:
    path = written(tmp_path, with_times("time", shift=12))
    with pytest.raises(
        FormatMismatch, match=r"expected AM near 6 h local solar time, found 18\.\d h"
    ):
        placed(path)
