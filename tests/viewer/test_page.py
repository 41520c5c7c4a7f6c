"""The page that ships with a release, in real Chromium, from the real S3 server."""

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from soilft.projections import principal
from soilft.release import page as viewer
from soilft.release.publication import publish
from soilft.store import objects
from soilft.store import zarr as store
from tests.support.browser import Seen
from tests.support.seaweed import S3Server
from tests.support.staged import LAYOUT, stage
from tests.viewer.conftest import Online, put

pytestmark = [pytest.mark.s3, pytest.mark.slow]

Look = Callable[..., Seen]
KINDS = ["latlon", "projected", "across"]
STATES = {0: "thawed", 1: "frozen", 255: "missing"}


def assert_quiet(seen: Seen, release: str) -> None:
    """Nothing was asked of anybody else, and the console is empty."""
    outside = [url for _, url, _ in seen.requests if not url.startswith((f"{release}/", "data:"))]
    assert not outside
    assert not seen.said
    assert {method for method, _, _ in seen.requests} <= {"GET"}


def pixels(state: np.ndarray) -> dict[int, tuple[int, int]]:
    """One cell of each state, and one that is missing."""
    return {code: tuple(int(n) for n in np.argwhere(state == code)[3]) for code in STATES}


def place(text: str) -> tuple[float, float]:
    """Longitude and latitude of a read-out."""
    found = re.match(r"([\d.]+)° ([NS]), ([\d.]+)° ([EW])", text)
    assert found is not None
    lat, lon = float(found[1]), float(found[3])
    return (-lon if found[4] == "W" else lon, -lat if found[2] == "S" else lat)


@pytest.mark.parametrize("kind", KINDS)
def test_the_map_shows_the_class_of_known_pixels(
    online: Callable[[str], Online], look: Look, kind: str
) -> None:
    at = online(kind)
    shape, day = at.cube.region.grid.shape, at.cube.days.first + timedelta(days=2)
    state = at.cube.values["freeze_thaw_state"][2]
    seen = look(f"{at.page}#day={day}&layer=state")
    assert seen.shown() == f"{day} state"
    legend = seen.legend()
    assert set(legend) == set(STATES.values())
    lon, lat = at.cube.region.grid.lonlat
    for code, cell in pixels(state).items():
        seen.page.mouse.move(*seen.centre(*cell, shape))
        told = seen.text("#readout")
        assert told.endswith(f": {STATES[code]}")
        there = float(principal(lon[cell])), lat[cell]
        assert place(told) == pytest.approx(there, abs=0.006)
        if code == 255:
            classes = {legend[name] for name in ("thawed", "frozen")}
            assert seen.colour(*cell, shape) not in classes
        else:
            assert seen.colour(*cell, shape) == legend[STATES[code]]
    # Every cell of it, by colour alone.
    for code in (0, 1):
        shown = [seen.colour(int(r), int(c), shape) for r, c in np.argwhere(state == code)[:40]]
        assert set(shown) == {legend[STATES[code]]}
    assert_quiet(seen, at.release)


def downloaded(seen: Seen, folder: Path) -> list[dict[str, str]]:
    with seen.page.expect_download() as waiting:
        seen.page.click("#save")
    assert waiting.value.suggested_filename.startswith("SIMULATED-")
    waiting.value.save_as(folder / "cell.csv")
    with (folder / "cell.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("kind", KINDS)
def test_the_series_of_a_cell_is_what_xarray_reads(
    online: Callable[[str], Online], look: Look, tmp_path: Path, kind: str
) -> None:
    at = online(kind)
    row, column = 5, 9
    seen = look(at.page)
    seen.page.mouse.click(*seen.centre(row, column, at.cube.region.grid.shape))
    seen.page.wait_for_selector(f"#pixel[data-shown='{row},{column}']")
    cell = xr.open_zarr(at.cube.url).isel(y=row, x=column)
    found = downloaded(seen, tmp_path)
    assert [line["day"] for line in found] == [str(day)[:10] for day in cell.time.values]
    shares = [float(line["frozen_probability"] or "nan") for line in found]
    np.testing.assert_allclose(shares, cell.frozen_probability.values, atol=1e-6)
    for name in ("freeze_thaw_state", "prediction_set", "source_flag"):
        flags = cell[name].attrs
        names = dict(zip(flags["flag_values"], flags["flag_meanings"].split(), strict=True))
        expected = ["" if np.isnan(v) else names[int(v)] for v in cell[name].values]
        assert [line[name] for line in found] == expected
    assert_quiet(seen, at.release)


def test_within_five_seconds_it_says_what_of_which_day_from_which_data(
    online: Callable[[str], Online], look: Look
) -> None:
    at = online("latlon")
    seen = look(f"{at.page}#day=2015-01-30")
    assert seen.text("h1") == "Soil frozen or thawedFri, 30 January 2015"
    from_what = seen.text("#from")
    for name in ("Release v1.0", "AMSR2", "AMSR-E", "GLDAS", "SMOS"):
        assert name in from_what
    assert seen.page.is_visible("#simulated")
    assert seen.text("#simulated").startswith("SIMULATED")
    assert seen.page.title() == "SIMULATED: Soil frozen or thawed, 2015-01-30"
    loaded = seen.page.evaluate("performance.getEntriesByName('first-contentful-paint').length")
    assert loaded == 1
    link = seen.page.get_attribute("#links a", "href")
    assert link == f"{at.release}/report/report.html"


def test_a_published_release_shows_itself_and_is_not_called_simulated(
    s3: S3Server, s3_store: str, look: Look
) -> None:
    """What `publish` writes into a bucket is a page that a browser takes for one."""
    root = f"s3://{s3.public_bucket}/{s3_store.rpartition('/')[2]}"
    staged = replace(
        stage(root, 12, companions={"report": b"{}"}, names=None), files=viewer.files()
    )
    release = publish(root, staged)
    assert publish(root, staged).fresh is False
    url = f"{s3.endpoint}/{root.removeprefix('s3://')}/releases/{release.version}"
    seen = look(f"{url}/{viewer.PAGE}#day=2016-01-05")
    assert not seen.page.is_visible("#simulated")
    assert "SIMULATED" not in seen.page.inner_text("body")
    state = store.open_stored(release.cube).freeze_thaw_state.values[4]
    legend = seen.legend()
    for code in (0, 1):
        cell = tuple(int(n) for n in np.argwhere(state == code)[0])
        assert seen.colour(*cell, state.shape) == legend[STATES[code]]
    assert seen.text("#links") == "Report"
    assert_quiet(seen, url)


def test_days_of_which_nothing_was_written_are_missing_and_no_error(
    s3: S3Server, s3_store: str, look: Look
) -> None:
    root = f"s3://{s3.public_bucket}/{s3_store.rpartition('/')[2]}"
    staged = replace(stage(root, 12, names=None), files=viewer.files())
    for chunk in ("1", "2"):
        store.discard(f"{staged.url}/freeze_thaw_state/c/{chunk}")
    publish(root, staged)
    url = f"{s3.endpoint}/{root.removeprefix('s3://')}/releases/v1.0"
    seen = look(f"{url}/{viewer.PAGE}#day=2016-01-10")
    seen.page.mouse.click(*seen.centre(1, 2, (4, 8)))
    seen.page.wait_for_selector("#pixel[data-shown='1,2']")
    assert seen.text("#readout").endswith(": missing")
    assert seen.text("#pixel-said").startswith("2016-01-10: missing")
    assert_quiet(seen, url)


def test_an_address_brings_back_day_layer_and_cell(
    online: Callable[[str], Online], look: Look
) -> None:
    at = online("projected")
    shape = at.cube.region.grid.shape
    seen = look(at.page)
    seen.page.get_by_label("Probability").check()
    seen.page.fill("#date", "2015-01-31")
    seen.until_shown("2015-01-31 probability")
    seen.page.mouse.click(*seen.centre(4, 7, shape))
    seen.page.wait_for_selector("#pixel[data-shown='4,7']")
    told = seen.text("#readout")
    again = look(seen.page.url)
    again.page.wait_for_selector("#pixel[data-shown='4,7']")
    assert again.shown() == "2015-01-31 probability"
    assert again.page.is_checked("#layers input[value=probability]")
    assert again.text("#readout") == told
    assert again.page.url == seen.page.url
    again.page.evaluate("location.hash = '#day=2015-01-29&layer=quality'")
    again.until_shown("2015-01-29 quality")
    assert not again.page.is_visible("#pixel")
    assert_quiet(again, at.release)


def test_everything_is_done_by_keys_and_the_focus_is_seen(
    online: Callable[[str], Online], look: Look
) -> None:
    at = online("latlon")
    seen = look(f"{at.page}#day=2015-01-30&layer=state")
    press = seen.page.keyboard.press
    press("ArrowRight")
    seen.until_shown("2015-01-31 state")
    press("ArrowLeft")
    press("ArrowLeft")
    seen.until_shown("2015-01-29 state")
    press("End")
    seen.until_shown("2015-02-03 state")
    press("Home")
    seen.until_shown("2015-01-28 state")
    press("3")
    seen.until_shown("2015-01-28 probability")
    press("Tab")
    assert seen.page.evaluate("document.activeElement.className") == "skip"
    seen.page.focus("#layers input:checked")
    press("Tab")
    assert seen.page.evaluate("document.activeElement.id") == "over"
    outline = seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    rows, columns = at.cube.region.grid.shape
    press("ArrowDown")
    seen.page.wait_for_selector(f"#pixel[data-shown='{rows // 2},{columns // 2}']")
    press("ArrowUp")
    press("ArrowRight")
    seen.page.wait_for_selector(f"#pixel[data-shown='{rows // 2 - 1},{columns // 2 + 1}']")
    assert seen.shown() == "2015-01-28 probability"
    lon, lat = (a[rows // 2 - 1, columns // 2 + 1] for a in at.cube.region.grid.lonlat)
    assert place(seen.text("#announce")) == pytest.approx((lon, lat), abs=0.006)
    press("Escape")
    assert not seen.page.is_visible("#pixel")
    press(" ")
    seen.page.wait_for_selector("#play[aria-pressed=true]")
    press(" ")
    seen.page.wait_for_selector("#play[aria-pressed=false]")
    assert_quiet(seen, at.release)


def test_play_goes_through_the_days_and_ends_at_the_last(
    online: Callable[[str], Online], look: Look
) -> None:
    at = online("latlon")
    seen = look(f"{at.page}#day=2015-01-31")
    # The page itself notes each day that it shows: a test that asks from outside may come too late.
    seen.page.evaluate(
        """() => {
            const main = document.getElementById("main");
            window.days = [];
            const note = () => window.days.push(main.dataset.shown.slice(0, 10));
            new MutationObserver(note).observe(main, { attributeFilter: ["data-shown"] });
        }"""
    )
    seen.page.click("#play")
    seen.page.wait_for_selector("#main[data-shown^='2015-02-03']")
    seen.page.wait_for_selector("#play[aria-pressed=false]")
    assert seen.page.evaluate("window.days") == ["2015-02-01", "2015-02-02", "2015-02-03"]
    assert_quiet(seen, at.release)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_screen(
    online: Callable[[str], Online], look: Look, scheme: str
) -> None:
    at = online("latlon")
    phone = {
        "viewport": {"width": 360, "height": 740},
        "is_mobile": True,
        "has_touch": True,
        "device_scale_factor": 3,
        "color_scheme": scheme,
    }
    seen = look(f"{at.page}#day=2015-01-30", **phone)
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 360
    seen.page.touchscreen.tap(*seen.centre(5, 9, at.cube.region.grid.shape))
    seen.page.wait_for_selector("#pixel[data-shown='5,9']")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 360
    chart = seen.page.locator("#chart").bounding_box()
    assert chart["width"] > 250
    assert seen.page.is_visible("#simulated")
    assert_quiet(seen, at.release)


def test_a_page_without_its_cube_says_what_it_looked_for(
    s3: S3Server, tmp_path: Path, browser: Any
) -> None:
    release = put(s3, tmp_path, "page-alone")
    page = browser.new_page()
    page.goto(f"{release}/{viewer.PAGE}")
    page.wait_for_selector("body[data-state=failed]")
    told = page.inner_text("#failed")
    page.close()
    assert f"{release}/cube.zarr/zarr.json: no such object" in told
    assert "cube.zarr beside its own folder" in told


def test_a_map_and_a_series_of_a_decade_take_few_requests(decade: Online, look: Look) -> None:
    seen = look(f"{decade.page}#day=2015-01-30&layer=probability")
    grid = decade.cube.region.grid

    def of(variable: str) -> list[str]:
        return [url for _, url, _ in seen.requests if f"/cube.zarr/{variable}/c/" in url]

    assert len(of("frozen_probability")) <= 12
    assert len(seen.requests) <= 12 + 9
    seen.requests.clear()
    # Fourteen days on either side may be of the same inner chunks.
    seen.page.keyboard.press("ArrowRight")
    seen.until_shown("2015-01-31 probability")
    assert not of("frozen_probability")
    seen.page.mouse.click(*seen.centre(20, 60, grid.shape))
    seen.page.wait_for_selector("#pixel[data-shown='20,60']")
    for name in ("freeze_thaw_state", "frozen_probability", "prediction_set", "source_flag"):
        assert 0 < len(of(name)) <= 24
    # The shards of a tile are there now, for all its cells.
    seen.requests.clear()
    seen.page.mouse.click(*seen.centre(21, 61, grid.shape))
    seen.page.wait_for_selector("#pixel[data-shown='21,61']")
    assert not seen.requests
    assert_quiet(seen, decade.release)


def test_frozen_days_are_those_of_the_freezing_year(decade: Online, look: Look) -> None:
    seen = look(f"{decade.page}#day=2015-10-30&layer=frozen-days")
    assert seen.text("#what") == "Frozen days, freezing year 2015/16"
    annual = xr.open_zarr(decade.cube.url, group="annual")
    for cell in ((3, 4), (50, 100)):
        seen.page.mouse.move(*seen.centre(*cell, decade.cube.region.grid.shape))
        expected = float(annual.frozen_days.sel(year=2015).values[cell])
        assert seen.text("#readout").endswith(f": {expected:.0f} frozen days")
    seen.page.fill("#date", "2011-02-01")
    seen.until_shown("2011-02-01 frozen-days")
    assert seen.text("#what") == "Frozen days, mean of 9 freezing years"
    assert_quiet(seen, decade.release)


def test_a_series_of_a_large_grid_is_read_from_its_copy(
    s3: S3Server, s3_store: str, look: Look
) -> None:
    root = f"s3://{s3.public_bucket}/{s3_store.rpartition('/')[2]}"
    staged = replace(
        stage(root, 12, layout=replace(LAYOUT, series=2), names=None), files=viewer.files()
    )
    cube = publish(root, staged).cube
    url = f"{s3.endpoint}/{root.removeprefix('s3://')}/releases/v1.0"
    seen = look(f"{url}/{viewer.PAGE}")
    seen.page.mouse.click(*seen.centre(1, 2, (4, 8)))
    seen.page.wait_for_selector("#pixel[data-shown='1,2']")
    read = [url for _, url, _ in seen.requests if "/series/freeze_thaw_state/c/" in url]
    assert len(read) == 4  # of each of two shards its index and one inner chunk
    states = store.open_stored(cube).freeze_thaw_state.values[:, 1, 2]
    told = seen.text("#pixel-said")
    assert told.startswith(f"2016-01-12: {STATES.get(int(states[-1]), 'missing')}")
    assert objects.exists(f"{cube}/series")
    assert_quiet(seen, url)
