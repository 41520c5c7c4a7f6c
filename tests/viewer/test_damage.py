"""A cube in which a byte is another: the page says which chunk is damaged, and draws none of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from soilft.release import page as viewer
from soilft.release.publication import publish
from soilft.store import objects
from tests.support.browser import SECONDS, Seen
from tests.support.cubes import Made, make
from tests.support.seaweed import S3Server
from tests.support.staged import GRID, stage
from tests.viewer.conftest import put

pytestmark = [pytest.mark.s3, pytest.mark.slow]

DAY = "2015-01-30"
# Whether anything is on the chart.
DRAWN = """() => {
    const chart = document.getElementById("chart");
    const { data } = chart.getContext("2d").getImageData(0, 0, chart.width, chart.height);
    return data.some((value) => value > 0);
}"""


def flip(cube: Made, name: str, at: int) -> None:
    """Turn over one bit of an object of a cube on disk."""
    path = Path(cube.url, name)
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def open_page(browser: Any, address: str) -> Seen:
    """Open the page at an address, whatever it is to say."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(1000 * SECONDS)
    page.goto(address)
    return Seen(page)


# In the content of the first inner chunk, and in the index at the end of the shard.
@pytest.mark.parametrize(("at", "place"), [(600, "content"), (-12, "index")])
def test_a_map_of_a_damaged_chunk_is_not_drawn_and_the_chunk_is_named(
    s3: S3Server, tmp_path: Path, browser: Any, at: int, place: str
) -> None:
    cube = make(tmp_path / "cube.zarr", "latlon")
    flip(cube, "freeze_thaw_state/c/0/0/0", at)
    release = put(s3, tmp_path, f"damaged-{place}")
    seen = open_page(browser, f"{release}/{viewer.PAGE}#day={DAY}&layer=probability")
    seen.until_shown(f"{DAY} probability")
    shape = cube.region.grid.shape
    assert any(seen.colour(3, 4, shape))
    seen.page.keyboard.press("1")
    seen.page.wait_for_selector("body[data-state=failed]")
    told = seen.text("#failed")
    assert "This map could not be read" in told
    assert "freeze_thaw_state: chunk 0/0/0 is damaged (checksum" in told
    assert "tell its publisher" in told
    # Neither the state nor what was drawn before it.
    assert {seen.colour(row, 4, shape) for row in range(shape[0])} == {(0, 0, 0, 0)}
    assert seen.text("#legend") == ""
    assert seen.text("#what") == "State"
    seen.page.keyboard.press("3")
    seen.until_shown(f"{DAY} probability")
    assert not seen.page.is_visible("#failed")
    assert any(seen.colour(3, 4, shape))
    seen.page.close()


def test_a_series_of_a_damaged_chunk_is_not_drawn_and_that_of_the_cell_before_goes(
    s3: S3Server, s3_store: str, browser: Any
) -> None:
    root = f"s3://{s3.public_bucket}/{s3_store.rpartition('/')[2]}"
    cube = publish(root, replace(stage(root, 8, names=None), files=viewer.files())).cube
    east = objects.join(cube, "frozen_probability/c/0/0/1")
    content = bytearray(objects.read(east) or b"")
    content[40] ^= 1
    objects.write(east, bytes(content))
    release = f"{s3.endpoint}/{root.removeprefix('s3://')}/releases/v1.0"
    seen = open_page(browser, f"{release}/{viewer.PAGE}#layer=state")
    seen.page.wait_for_selector("body[data-state=ready]")
    seen.page.mouse.click(*seen.centre(1, 2, GRID.shape))
    seen.page.wait_for_selector("#pixel[data-shown='1,2']")
    assert seen.text("#pixel-legend")
    assert seen.page.evaluate(DRAWN)
    seen.page.mouse.click(*seen.centre(1, 6, GRID.shape))
    seen.page.wait_for_selector("#pixel:not([data-shown])[aria-busy=false]")
    told = seen.text("#pixel-said")
    where = "frozen_probability: chunk 0/0/1 is damaged (checksum"
    assert told.startswith(f"Its days could not be read. {where}")
    assert seen.text("#pixel-legend") == ""
    assert not seen.page.evaluate(DRAWN)
    seen.page.close()


def test_a_damaged_axis_is_named(s3: S3Server, tmp_path: Path, browser: Any) -> None:
    cube = make(tmp_path / "cube.zarr", "latlon")
    flip(cube, "time/c/0", -1)
    seen = open_page(browser, f"{put(s3, tmp_path, 'damaged-axis')}/{viewer.PAGE}")
    seen.page.wait_for_selector("body[data-state=failed]")
    assert "The cube could not be opened. time: chunk 0 is damaged (checksum" in seen.text(
        "#failed"
    )
    seen.page.close()
