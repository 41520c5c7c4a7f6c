"""What readers and publishers of a decade ask of the server, counted by the server itself."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
import xarray as xr

from soilft.cube import structure as cube
from soilft.days import DaySpan
from soilft.grid import Grid, Region
from soilft.release import shards as cube_objects
from soilft.release.layout import Layout
from soilft.release.publication import publish
from soilft.release.staged import SERIES, Staged
from soilft.store import objects
from soilft.store import zarr as store
from soilft.store.digest import digest
from tests.support.seaweed import S3Server

pytestmark = [pytest.mark.s3, pytest.mark.slow]

DECADE = DaySpan(date(2011, 1, 1), date(2020, 12, 31))
TIBET = Region("tibet", "latlon-0.25", (73, 25, 105, 40)).grid
LARGE = Region("large", "latlon-0.25", (-90, -90, 90, 90)).grid
VARIABLE = "frozen_probability"


def made_up(days: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Hundredths of a probability (day, row, column): a season, with noise of every pixel-day."""
    t, y, x = np.ix_(days, rows, columns)
    season = (50 - 65 * np.cos(2 * np.pi * (t - 200 + y / 4) / 365.25)).astype("int16")
    noise = (t * 2654435761 % 4093 + y * 40503 % 4093 + x * 9176 % 4093).astype("uint16") % 17
    return np.clip(season + noise.astype("int16") - 8, 0, 100).astype("uint8")


def write(root: str, grid: Grid, day: int, cell: tuple[int, int]) -> Layout:
    """Write those shards of a published decade that one day and one cell are in."""
    layout = Layout.of(grid.shape, len(DECADE))
    variable = next(v for v in cube.variables(["AM"], calibrated=True) if v.name == VARIABLE)
    whole = replace(cube.template(grid, DECADE, ["AM"], 30, {}), variables=(variable,))
    templates = {"": layout.published(whole)}
    if layout.series:
        templates[SERIES] = layout.copied(whole)
    for name, content in cube_objects.metadata(templates).items():
        objects.write(objects.join(root, name), content)
    for path, place, content in shards(templates, layout, grid.shape, day, cell):
        objects.write(objects.join(root, path, VARIABLE, place), content)
    return layout


def shards(
    templates: dict, layout: Layout, shape: tuple[int, int], day: int, cell: tuple[int, int]
) -> Iterator[tuple[str, str, bytes]]:
    series = SERIES if layout.series else ""
    for k, span in enumerate(DECADE.chunks(layout.shard_days)):
        numbers = np.arange(len(span)) + k * layout.shard_days
        for i, top in enumerate(range(0, shape[0], layout.rows)):
            for j, left in enumerate(range(0, shape[1], layout.columns)):
                rows = np.arange(top, min(top + layout.rows, shape[0]))
                columns = np.arange(left, min(left + layout.columns, shape[1]))
                paths = {""} if k == day // layout.shard_days else set()
                if cell[0] in rows and cell[1] in columns:
                    paths.add(series)
                for path in paths:
                    template = templates[path]
                    values = made_up(numbers, rows, columns)
                    for _, content in cube_objects.shards(template, template.variables[0], values):
                        yield path, f"c/{k}/{i}/{j}", content


@pytest.mark.parametrize("grid", [TIBET, LARGE], ids=["60x128", "720x720"])
def test_a_map_and_a_series_take_few_requests(s3: S3Server, s3_store: str, grid: Grid) -> None:
    day, cell = 1500, (grid.shape[0] // 3, grid.shape[1] // 3)
    layout = write(s3_store, grid, day, cell)
    opened = xr.open_zarr(s3_store, chunks=None, mask_and_scale=False)
    group = SERIES if layout.series else None
    long = xr.open_zarr(s3_store, group=group, chunks=None, mask_and_scale=False)

    before = s3.traffic()
    image = opened[VARIABLE].isel(time=day).values
    between = s3.traffic()
    series = long[VARIABLE].isel(y=cell[0], x=cell[1]).values
    after = s3.traffic()

    everywhere = [np.arange(n) for n in grid.shape]
    np.testing.assert_array_equal(image, made_up(np.array([day]), *everywhere)[0])
    one = [np.array([n]) for n in cell]
    np.testing.assert_array_equal(series, made_up(np.arange(len(DECADE)), *one)[:, 0, 0])
    of_map, of_series = between - before, after - between
    assert set(of_map.requests) == set(of_series.requests) == {"GET"}
    assert of_map.requests["GET"] <= 12
    assert of_series.requests["GET"] <= 24
    assert of_map.sent <= 16 * image.nbytes
    assert of_series.sent <= 1000 * series.nbytes


def staged(root: str, count: int) -> Staged:
    """Stage the first days of the decade, two variables of it."""
    layout = Layout.of(TIBET.shape, len(DECADE))
    days = DaySpan(DECADE.first, DECADE.first + timedelta(days=count - 1))
    template = cube.template(TIBET, days, ["AM"], 400, {"title": "made up"})
    template = replace(template, variables=template.variables[:2])
    url = objects.join(root, f"runs/{count}/cube.zarr")
    store.create(url, template)
    everywhere = [np.arange(n) for n in TIBET.shape]
    for span in days.chunks(400):
        rows = span.within(days)
        # The same in every shard, so that only the record's length tells two publications apart.
        numbers = np.arange(rows.start, rows.stop) % layout.shard_days
        percent = made_up(numbers, *everywhere)
        values = {
            "freeze_thaw_state": (percent > 50).astype("uint8"),
            "frozen_probability": percent,
        }
        store.write_region(url, values, {"time": rows})
    contents = [digest(number) for number in range(count)]
    return Staged(url, template, days, contents, layout, {"m": 1})


def test_what_a_day_more_sends_does_not_grow_with_the_record(s3: S3Server, s3_store: str) -> None:
    """One year and ten, both with as many days in the shard that is open."""
    layout = Layout.of(TIBET.shape, len(DECADE))
    closed, days_open = len(DECADE) // layout.shard_days, layout.shard_days // 2
    assert closed * layout.shard_days + days_open > 3653
    found = []
    for k in (1, closed):
        root = objects.join(s3_store, f"of-{k}")
        count = k * layout.shard_days + days_open
        publish(root, staged(root, count))
        more = staged(root, count + 1)
        before = s3.traffic()
        assert publish(root, more).version == "v1.1"
        found.append(s3.traffic() - before)
    short, long = found
    tiles = -(-TIBET.shape[0] // layout.rows) * -(-TIBET.shape[1] // layout.columns)
    assert short.requests["PUT"] == long.requests["PUT"]
    # A line on each closed shard in release.json, and of the axis what does not compress.
    assert 0 <= long.received - short.received < 300 * closed
    assert long.received == pytest.approx(short.received, rel=0.02)
    # Two variables, each one object a tile and closed shard.
    assert short.requests["COPY"] == 2 * tiles
    assert long.requests["COPY"] == 2 * tiles * closed
