"""Releases on the S3 server with the page that ships, and a browser to look at them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soilft import annual_store, objects, store, viewer
from soilft.cube import OF_RADIOMETERS
from tests.support.browser import Seen, chromium
from tests.support.cubes import DECADE, REGIONS, Made, attributes, make, template
from tests.support.seaweed import S3Server

# What the series of a cell is made of.
OF_A_CELL = OF_RADIOMETERS - {"gap_fill_level"} | {
    "freeze_thaw_state",
    "frozen_probability",
    "prediction_set",
}


@dataclass(frozen=True)
class Online:
    """A release on the server: its cube as it was made, and where anyone can read it."""

    cube: Made
    release: str
    traffic: Callable[[], Any]

    @property
    def page(self) -> str:
        return f"{self.release}/{viewer.PAGE}"


def put(s3: S3Server, folder: Path, name: str) -> str:
    """Put a folder and the page into the public bucket as a release; give its URL."""
    prefix = f"{name}/releases/v1.0"
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    found |= viewer.files()
    found.setdefault(
        "release.json",
        objects.to_json({"version": "v1.0", "companions": {"report": ["report.html"]}}),
    )
    client = s3.client()
    for place, content in found.items():
        client.put_object(
            Bucket=s3.public_bucket,
            Key=f"{prefix}/{place}",
            Body=content,
            ContentType=objects.content_type(place),
        )
    client.close()
    return f"{s3.endpoint}/{s3.public_bucket}/{prefix}"


@pytest.fixture(scope="session")
def online(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Online]:
    """Give a week's cube by its grid, put on the server when it is first asked for."""
    made: dict[str, Online] = {}

    def of(kind: str) -> Online:
        if kind not in made:
            folder = tmp_path_factory.mktemp(f"page-{kind}")
            cube = make(folder / "cube.zarr", kind)
            made[kind] = Online(cube, put(s3, folder, f"page-{kind}"), s3.traffic)
        return made[kind]

    return of


@pytest.fixture(scope="session")
def decade(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Online:
    """Give a decade of the Tibetan grid as it is published, with frozen days of its years."""
    folder = tmp_path_factory.mktemp("page-decade")
    region, url = REGIONS["latlon"], str(folder / "cube.zarr")
    whole = template(region, DECADE)
    some = replace(whole, variables=tuple(v for v in whole.variables if v.name in OF_A_CELL))
    store.create(url, some)
    day, row, column = np.ix_(*(np.arange(n) for n in (len(DECADE), *region.grid.shape)))
    season = 50 + 65 * np.cos(2 * np.pi * (day - 15 + row / 4) / 365.25)
    noise = (day * 7919 + row * 104729 + column * 1299709) % 17 - 8
    percent = np.clip(season + noise, 0, 100).astype("uint8")
    values = {
        "frozen_probability": percent,
        "freeze_thaw_state": (percent > 50).astype("uint8"),
        "prediction_set": np.where(percent > 60, 1, np.where(percent < 40, 0, 2)).astype("uint8"),
        "source_flag": np.broadcast_to(day < 265, percent.shape).astype("uint8"),
    }
    store.write_region(url, values, {})
    _annual(url, region.grid, percent > 50)
    cube = Made(url, values, region, DECADE)
    return Online(cube, put(s3, folder, "page-decade"), s3.traffic)


def _annual(url: str, grid: Any, frozen: np.ndarray) -> None:
    years = annual_store.whole_years(DECADE, 8)
    said = annual_store.attributes(attributes(REGIONS["latlon"], DECADE), {})
    whole = annual_store.template(grid, years, 0.9, said, calibrated=True)
    names = ("frozen_days", "frozen_days_mean")
    store.create(
        f"{url}/annual",
        replace(whole, variables=tuple(v for v in whole.variables if v.name in names)),
    )
    days = np.stack([frozen[span.within(DECADE)].sum(axis=0) for span in years.values()])
    found = {"frozen_days": days.astype(float), "frozen_days_mean": days.mean(axis=0)}
    encoded = {name: annual_store.encode(name, value) for name, value in found.items()}
    store.write_region(f"{url}/annual", encoded, {})
    store.consolidate(store.zarr_store(url))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Give headless Chromium, one for the whole session."""
    with chromium() as running:
        yield running


@pytest.fixture
def look(browser: Any) -> Iterator[Callable[..., Seen]]:
    """Give a function that opens an address in a fresh profile."""
    contexts = []

    def at(url: str, **options: Any) -> Seen:
        contexts.append(
            browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
        )
        return Seen(contexts[-1].new_page()).open(url)

    yield at
    for context in contexts:
        context.close()
