"""Counts of the cube beside other states: added up over chunks, they are those of the whole."""

from datetime import date

import numpy as np
import pytest

from soilft.cube import structure as cube
from soilft.days import DaySpan
from soilft.geo.spatial_blocks import spatial_blocks
from soilft.grid import Region
from soilft.ingest.granules import template_for
from soilft.schema import MISSING
from soilft.scores import metrics
from soilft.scores.cube_counts import CompareDays, Totals, compare
from soilft.sources import SmapL3Ft, SmosL3Ft
from soilft.store import zarr as store

WHOLE = DaySpan(date(2015, 12, 1), date(2016, 1, 20))
REGION = Region("compared", "latlon-0.25", (88, 33, 91, 35))
OVERPASSES = ("AM", "PM")
STATIONS = ((2, 7, 2), (3, 0, 11))


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[CompareDays, dict[str, np.ndarray]]:
    root = tmp_path_factory.mktemp("compared")
    rng = np.random.default_rng(1)
    grid, shape = REGION.grid, (len(WHOLE), 2, *REGION.grid.shape)
    codes = np.array([0, 1, MISSING], "uint8")
    urls = {name: str(root / f"{name}.zarr") for name in ("cube", "smos", "smap")}
    states = {name: rng.choice(codes, shape) for name in urls}
    store.create(urls["cube"], cube.template(grid, WHOLE, OVERPASSES, 60, {}))
    daily = {
        name: np.zeros((len(WHOLE), *grid.shape), "uint16" if name == "quality_flag" else "uint8")
        for name in (
            "freeze_thaw_state",
            "frozen_probability",
            "prediction_set",
            "dissimilarity",
            "quality_flag",
        )
    }
    both = {"overpass_state": states["cube"], "overpass_probability": states["cube"]}
    store.write_region(urls["cube"], {**daily, **both}, {})
    for name, source in (("smos", SmosL3Ft()), ("smap", SmapL3Ft())):
        store.create(urls[name], template_for(source, grid, WHOLE, 60))
        time = np.where(states[name] == MISSING, np.nan, 1.0).astype("float32")
        values = {"freeze_thaw": states[name], "observation_time": time}
        if name == "smap":
            quality = rng.choice(np.array([0, 4, MISSING], "uint8"), shape)
            values["label_quality"] = quality
            states["smap"] = np.where(quality == 4, MISSING, states["smap"]).astype("uint8")
        store.write_region(urls[name], values, {})
    references = (("smos", urls["smos"]), ("smap", urls["smap"]))
    task = CompareDays(urls["cube"], REGION, WHOLE, WHOLE, OVERPASSES, references, 1.0, STATIONS)
    return task, states


def totals(task: CompareDays, days: int) -> Totals:
    from dataclasses import replace

    found = Totals()
    for span in WHOLE.chunks(days)[::-1]:
        found.add(str(span), compare(replace(task, span=span)))
    return found


def test_chunks_add_up_to_the_counts_of_the_whole(
    stores: tuple[CompareDays, dict[str, np.ndarray]],
) -> None:
    task, states = stores
    for days in (7, 60):
        found = totals(task, days)
        for name in ("smos", "smap"):
            expected = metrics.confusion(states[name].ravel(), states["cube"].ravel())
            np.testing.assert_array_equal(found.of(name, OVERPASSES).sum(axis=0), expected)
            evening = metrics.confusion(states[name][:, 1].ravel(), states["cube"][:, 1].ravel())
            np.testing.assert_array_equal(found.of(name, ("PM",)).sum(axis=0), evening)
            both = (states[name] < 2) & (states["cube"] < 2)
            np.testing.assert_array_equal(found.known[name], both.sum(axis=(0, 1)))
            right = both & (states[name] == states["cube"])
            np.testing.assert_array_equal(found.right[name], right.sum(axis=(0, 1)))


def test_clusters_are_years_of_blocks_and_months_are_kept_apart(
    stores: tuple[CompareDays, dict[str, np.ndarray]],
) -> None:
    task, states = stores
    found = totals(task, 7)
    blocks = len(np.unique(spatial_blocks(REGION.grid, 1.0)))
    assert len(found.of("smos", OVERPASSES)) == 2 * blocks
    months = found.by_month("smos", OVERPASSES)
    assert list(months) == [1, 12]
    january = slice(31, None)
    expected = metrics.confusion(states["smos"][january].ravel(), states["cube"][january].ravel())
    np.testing.assert_array_equal(months[1], expected)


def test_the_cells_of_the_stations_are_given(
    stores: tuple[CompareDays, dict[str, np.ndarray]],
) -> None:
    task, states = stores
    found = totals(task, 20)
    joined = np.concatenate([found.at_stations[str(span)] for span in WHOLE.chunks(20)])
    np.testing.assert_array_equal(
        joined, states["cube"][:, :, list(STATIONS[0]), list(STATIONS[1])]
    )


def test_the_share_of_right_days_is_unknown_where_no_day_is_known() -> None:
    found = Totals()
    found.known["truth"] = np.array([[4, 0]], "int32")
    found.right["truth"] = np.array([[3, 0]], "int32")
    np.testing.assert_array_equal(found.share_right("truth", "smos"), [[0.75, np.nan]])
    np.testing.assert_array_equal(found.share_right("smap", "truth"), [[0.75, np.nan]])
    assert found.share_right("smap") is None
