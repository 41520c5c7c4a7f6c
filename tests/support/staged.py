"""Staged cubes small enough to publish hundreds of times; their values are made up."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from soilft.cube import structure as cube
from soilft.days import DaySpan
from soilft.grid import Grid, Region
from soilft.release.layout import Layout
from soilft.release.staged import Staged, sha256
from soilft.schema import Template
from soilft.store import objects
from soilft.store import zarr as store
from soilft.store.digest import arrays_digest

GRID = Region("small", "latlon-0.25", (90, 30, 92, 31)).grid
FIRST = date(2016, 1, 1)
# Shards of eight days, in inner chunks of four; two tiles.
LAYOUT = Layout(chunk_days=4, shard_days=8, rows=4, columns=4)


def days(count: int) -> DaySpan:
    return DaySpan(FIRST, FIRST + timedelta(days=count - 1))


def made_up(template: Template, day: int, seed: int) -> dict[str, np.ndarray]:
    """Values of one day, from its number and a seed alone, so that a cube can grow."""
    rng = np.random.default_rng([seed, day])
    shape = {v.name: template.shape(v)[1:] for v in template.variables}
    return {v.name: rng.integers(0, 3, shape[v.name]).astype(v.dtype) for v in template.variables}


def stage(
    root: str,
    count: int,
    *,
    seed: int = 0,
    other: Mapping[int, int] | None = None,
    grid: Grid = GRID,
    layout: Layout = LAYOUT,
    overpasses: Sequence[str] = ("AM",),
    method: Mapping[str, Any] | None = None,
    companions: Mapping[str, bytes] | None = None,
    attributes: Mapping[str, Any] | None = None,
    chunk: int = 5,
    names: Collection[str] | None = ("freeze_thaw_state", "quality_flag"),
) -> Staged:
    """Write a staging cube of so many days below a root, and what describes it.

    Parameters
    ----------
    other
        Seed of days that differ, by their number from the first.
    companions
        Content of one file beside the cube by the companion's name.
    names
        Variables of the cube that are staged, all where None.
    """
    span = days(count)
    given = {"title": "a small cube of made-up values", **(attributes or {})}
    template = cube.template(grid, span, overpasses, chunk, given)
    if names is not None:
        chosen = tuple(v for v in template.variables if v.name in names)
        template = replace(template, variables=chosen)
    made = [made_up(template, day, (other or {}).get(day, seed)) for day in range(count)]
    contents = [arrays_digest(day) for day in made]
    url = objects.join(root, "runs", sha256(repr((contents, given)).encode())[:16], "cube.zarr")
    store.create(url, template)
    for start in range(0, count, chunk):
        part = made[start : start + chunk]
        values = {v.name: np.stack([day[v.name] for day in part]) for v in template.variables}
        store.write_region(url, values, {"time": slice(start, start + len(part))})
    beside = {}
    for name, content in (companions or {}).items():
        folder = objects.join(root, "beside", sha256(content)[:16])
        objects.write(objects.join(folder, f"{name}.json"), content)
        beside[name] = (folder, sha256(content))
    return Staged(
        url,
        template,
        span,
        contents,
        layout,
        {"model": "m"} if method is None else method,
        companions=beside,
        facts={"period": str(span), "title": "small"},
    )


def contents(url: str) -> dict[str, bytes | None]:
    return {name: objects.read(objects.join(url, name)) for name in objects.listing(url)}
