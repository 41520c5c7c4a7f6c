"""Releases on the S3 server with the page that ships, and a browser to look at them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from soilft.release import page as viewer
from soilft.store import objects
from tests.support import decade as decades
from tests.support.browser import Seen, chromium
from tests.support.cubes import Made, make
from tests.support.seaweed import S3Server


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
    cube = decades.make(folder, decades.regular())
    return Online(cube, put(s3, folder, "page-decade"), s3.traffic)


@pytest.fixture(scope="module")
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
