"""The quick start for the second region: the demo's code, unchanged, on another grid."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from soilft.store import zarr as store
from tests.support.browser import Seen, chromium, printed_line
from tests.support.command import soilft

# A whole demo takes minutes, on a loaded machine many.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@dataclass(frozen=True)
class Demo:
    """A demo that has run: its folder, and what it printed."""

    folder: Path
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Give the demo of the second region."""
    folder = tmp_path_factory.mktemp("demo")
    return Demo(folder, soilft("demo", "--region", "demo-alaska", "--output", folder, "--quiet"))


def test_demo_runs_for_alaska_on_a_polar_grid_and_its_printed_lines_open_the_cube(
    demo: Demo,
) -> None:
    done = demo.done
    lines = done.stdout[done.stdout.index("import xarray as xr") :]
    names: dict[str, xr.Dataset] = {}
    exec(lines, names)
    cube = names["ds"]
    assert cube.attrs["title"].startswith("SIMULATED")
    assert cube.crs.attrs["grid_mapping_name"] == "lambert_azimuthal_equal_area"
    assert cube.sizes["time"] == 75
    assert cube.lat.shape == cube.freeze_thaw_state.shape[1:]
    state = cube.freeze_thaw_state.values
    west, south, east, north = -156, 64, -148, 68
    inside = (
        (cube.lon > west) & (cube.lon < east) & (cube.lat > south) & (cube.lat < north)
    ).values
    assert np.isnan(state[:, ~inside]).all()
    days = cube.time.values.astype("datetime64[D]")
    simulated = np.isin(days, np.concatenate([days[:7], days[34:41], days[68:]]))
    assert np.isfinite(state[simulated][:, inside]).mean() > 0.5
    # A day without a single granule, and without neighbours that have any, is missing.
    assert np.isnan(state[~simulated][3:-3]).all(axis=(1, 2))[4:10].all()
    # Autumn: little is frozen at the start, much at the end.
    start, end = (np.nanmean(state[days][:, inside]) for days in (slice(0, 7), slice(-7, None)))
    assert start < 0.35
    assert end > 0.65
    place = demo.folder / "demo-alaska" / "store"
    scorecard = json.loads((place / "releases/v1.0/report/scorecard.json").read_text())
    assert scorecard["simulated"] is True
    tried = scorecard["experiments"]
    splits = [tried[f"random_{part}"] for part in ("train", "validation", "test")]
    assert all(split["comparison_only"] for split in splits)
    assert sum(split["scores"]["rows"] for split in splits) == 8_000
    for name in ("Random split, train", "Random split, validation", "Random split, test"):
        assert name in done.stdout
    assert tried["shuffled_labels"]["scores"]["balanced_accuracy"] < 0.57
    low, high = tried["year_block"]["intervals"]["overall_accuracy"]
    assert low < tried["year_block"]["scores"]["overall_accuracy"] < high
    # The truth is known: forest and label are held against it on the same pixel-days.
    true, ceiling = (tried[name]["scores"] for name in ("truth_year_block", "label_ceiling"))
    assert true["rows"] == ceiling["rows"] > 300
    (label,) = (b for b in scorecard["baselines_against_truth"] if b["name"] == "smos")
    assert label["is_satellite_label"]
    assert label["difference"]["overall_accuracy"] == pytest.approx(
        true["overall_accuracy"] - ceiling["overall_accuracy"]
    )
    html = (place / "releases/v1.0/report/report.html").read_text()
    assert "<h1>SIMULATED: " in html


def test_the_line_that_the_demo_prints_last_shows_its_cube_in_a_browser(demo: Demo) -> None:
    line = demo.done.stderr.strip().splitlines()[-1]
    release = demo.folder / "demo-alaska" / "store" / "releases" / "v1.0"
    assert line == f"soilft view {release}"
    state = store.open_stored(str(release / "cube.zarr")).freeze_thaw_state
    # The last day on which a cell in the middle is known.
    row, column = (n // 2 for n in state.shape[1:])
    known = state[:, row, column].values <= 1
    day, code = state.time.values[known][-1], int(state[:, row, column].values[known][-1])
    when = np.datetime64(int(day), "D")
    with chromium() as browser, printed_line(line) as address:
        seen = Seen(browser.new_page()).open(f"{address}#day={when}&layer=state")
        assert seen.text("h1").startswith("Soil frozen or thawed")
        assert seen.text("#simulated").startswith("SIMULATED")
        seen.page.mouse.move(*seen.centre(row, column, state.shape[1:]))
        assert seen.text("#readout").endswith(f": {('thawed', 'frozen')[code]}")
        seen.page.mouse.click(*seen.centre(row, column, state.shape[1:]))
        seen.page.wait_for_selector("#pixel[data-shown]")
        assert seen.page.is_visible("#links >> text=Report")
        assert seen.page.request.get(f"{address.rpartition('/view/')[0]}/report/report.html").ok
        assert not seen.said
