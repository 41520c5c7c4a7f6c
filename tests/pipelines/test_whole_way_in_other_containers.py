"""A small demo in other containers, the whole way, and its labels beside each other."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from distributed import Client
from pyproj import Transformer

from pipelines import lineage
from pipelines.config.region_file import load
from pipelines.run import Run
from pipelines.stages.annual import annual
from pipelines.stages.predict import predict
from pipelines.stages.train.stage import train
from pipelines.stages.validate.evidence import references
from pipelines.stages.validate.stage import scorecard, validate
from soilft.days import DaySpan
from soilft.forest.artefact import ModelRef
from soilft.schema import FROZEN, MISSING, THAWED
from soilft.simulate import Archive, radiometer, retrieval
from soilft.simulate.world import World
from soilft.store.ledger import Done
from tests.contract import cetb, dems, esa_cci, ft_esdr
from tests.pipelines.test_other_containers import height
from tests.support import small_run
from tests.support.command import soilft

LAKE = [[92, 33], [93, 33], [93, 34], [92, 34], [92, 33]]
SQUARE = [[91, 32], [94, 32], [94, 35], [91, 35], [91, 32]]
OVERPASSES = {"ft": ("AM", "PM"), "cci": ("daily",), "smos": ("AM", "PM")}
"""Of each label."""


def region_file(folder: Path, archive: Path, label: str) -> Path:
    """Write the small run's region file: CETB and GLO-90, with three labels beside each other."""
    value = yaml.safe_load(small_run.region_file(folder, archive).read_text())
    value["region"]["mask"] = str(folder / "mask.geojson")
    value["quality"] = {"lakes": str(folder / "lakes.geojson")}
    inputs = value["inputs"]
    inputs["amsr2"] |= {"product": "amsr2-cetb-25km", "granules": f"{folder}/cetb/*"}
    inputs["terrain"] = {"product": "dem-copernicus-glo90", "granules": f"{folder}/glo90/*"}
    inputs["ft"] = {"product": "ft-esdr-25km", "granules": f"{folder}/ft/*"}
    inputs["cci"] = {"product": "esa-cci-sm-flag", "granules": f"{folder}/cci/*"}
    overpasses = list(OVERPASSES[label])
    value["label"] = {
        "input": label, "overpasses": overpasses, "reference_overpass": overpasses[0]
    }  # fmt: skip
    path = folder / f"{label}.yaml"
    path.write_text(yaml.safe_dump(value))
    return path


def write_files(folder: Path, archive: Path) -> None:
    """Write CETB, FT-ESDR, the flag of ESA CCI and GLO-90 of the small run's simulated Earth."""
    domain = Archive(archive, small_run.BOUNDS, small_run.START, small_run.END, seed=3).domain
    world = World.of(domain)
    y, x = cetb.axes()
    rows, columns = (np.flatnonzero(abs(axis - at) < half) for axis, at, half in (
        (y, 4.1e6, 4.5e5), (x, 8.88e6, 5e5)
    ))  # fmt: skip
    lon, lat = Transformer.from_crs(6933, 4326, always_xy=True).transform(
        *np.meshgrid(x[columns], y[rows])
    )
    row, column, inside = domain.cell(lat, lon)
    places = ft_esdr.lonlat()
    of_ft = domain.cell(places[1], places[0])
    quarter = np.meshgrid(-179.875 + 0.25 * np.arange(1440), 89.875 - 0.25 * np.arange(720))
    of_cci = domain.cell(quarter[1], quarter[0])
    for day in DaySpan(small_run.START, small_run.END):
        for node, direction in (("D", "descending"), ("A", "ascending")):
            seen = radiometer.observe(world, "amsr2", direction, day)
            there = inside & seen.seen[row, column]
            hours = (seen.hours - domain.hours(day))[row, column]
            for band in ("18", "36"):
                for letter in "VH":
                    kelvin = np.where(there, seen.tb[band, letter][row, column], np.nan)
                    cetb.cetb(
                        folder / "cetb", "AMSR2", day, channel=f"{band}{letter}", node=node,
                        version=2, kelvin=((int(rows[0]), int(columns[0])), kelvin),
                        minutes=np.where(there, 60 * hours, -32768),
                    )  # fmt: skip
            state = retrieval.label(world, "smos", direction, day).state
            codes = told(state, of_ft, 0, 1, 255)
            overpass = {"D": "AM", "A": "PM"}[node]
            ft_esdr.ft_esdr(folder / "ft", day, overpass, codes, places=False)
        esa_cci.esa_cci(folder / "cci", day, told(state, of_cci, 1, 0, 127))
    for tile in range(90, 94):
        for south in range(32, 35):
            dems.glo90(folder / "glo90", tile, south, height)
    write_outlines(folder)


def write_outlines(folder: Path) -> None:
    """Write the polygons that the region file names: its mask, and its one lake."""
    for name, ring in (("mask", SQUARE), ("lakes", LAKE)):
        polygon = {"type": "Polygon", "coordinates": [ring]}
        (folder / f"{name}.geojson").write_text(json.dumps(polygon))


def told(
    state: "np.ndarray[Any, Any]", at: Any, frozen: int, thawed: int, missing: int
) -> "np.ndarray[Any, Any]":
    """Give a product's codes of a state of the world, 0 thawed and 1 frozen."""
    row, column, inside = at
    here = np.where(inside, state[row, column], 2)
    return np.where(here == 1, frozen, np.where(here == 0, thawed, missing))


@pytest.fixture(scope="module")
def folder(small_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a run that learnt the FT-ESDR, published."""
    folder = tmp_path_factory.mktemp("whole")
    write_files(folder, small_archive)
    soilft("run", region_file(folder, small_archive, "ft"), "--quiet")
    return folder


@pytest.mark.slow
def test_a_small_demo_goes_the_whole_way_in_other_containers(folder: Path) -> None:
    cube = xr.open_zarr(folder / "store/releases/v1.0/cube.zarr").load()
    inside = (cube.x > 91).values
    state = cube.freeze_thaw_state.values
    # Outside of the mask there is no state; inside there are both.
    assert np.isnan(state[:, :, ~inside]).all()
    assert np.isfinite(state[:, :, inside]).mean() > 0.95
    assert {0, 1} <= set(np.unique(state[:, :, inside]))
    quality = cube.quality_flag.values.astype(int)
    np.testing.assert_array_equal(((quality & 8) > 0).any(axis=(0, 1)), ~inside)
    # The lake is open water on every day, and predicted all the same.
    water = ((cube.y > 33) & (cube.y < 34) & (cube.x > 92) & (cube.x < 93)).values
    np.testing.assert_array_equal((quality & 256) > 0, np.broadcast_to(water, state.shape))
    assert np.isfinite(state[:, water]).any()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("label", "beside"),
    [("ft", {"cci", "smos"}), ("smos", {"cci", "ft"}), ("cci", set())],
    ids=["ft", "smos", "cci"],
)
def test_any_label_is_learnt_and_stands_beside_the_others_over_the_whole_period(
    folder: Path, small_archive: Path, dask_client: Client, label: str, beside: set[str]
) -> None:
    run = Run(load(region_file(folder, small_archive, label)))
    for stage in (train, predict, annual, validate):
        assert not stage(run, dask_client).failed
    model = run.model()
    found = scorecard(run)
    assert model is not None
    assert found is not None
    assert (found["label"], found["days"]) == (label, 12)
    headline = found["experiments"]["year_block"]["scores"]
    assert headline["overall_accuracy"] > 0.8
    rules = {rule["name"]: rule for rule in found["baselines"]}
    assert beside == {"ft", "cci", "smos"} & set(rules)
    page = (Path(run.report_url(model)) / "report.html").read_text()
    with xr.open_zarr(run.staging_url(model), mask_and_scale=False) as cube:
        name = "overpass_state" if "overpass_state" in cube else "freeze_thaw_state"
        predicted = cube[name].values.reshape(12, len(OVERPASSES[label]), 12, 16)
    for other in beside:
        assert f"{other.upper()} label" in page
        # They are of one simulated Earth, so what is known of it is told by each.
        assert rules[other]["rows"] > 0.3 * headline["rows"]
        assert rules[other]["overall_accuracy"] > 0.8
        with xr.open_zarr(run.places.input(other), mask_and_scale=False) as dataset:
            theirs = dataset.freeze_thaw.values
        # Of SMOS there are days without a pass over the region.
        assert other == "smos" or (theirs != MISSING).any(axis=(1, 2, 3)).all()
        for at, overpass in enumerate(OVERPASSES[label]):
            # Every pixel-day of the period that both know is counted.
            mine = theirs[:, 0 if theirs.shape[1] == 1 else at]
            both = np.isin(mine, [THAWED, FROZEN]) & np.isin(predicted[:, at], [THAWED, FROZEN])
            counted = found["experiments"][f"{other}_{overpass.lower()}_cube"]["scores"]
            assert counted["rows"] == both.sum() > 0


def test_what_changes_beside_a_model_asks_for_another_scorecard(
    small_archive: Path, tmp_path: Path
) -> None:
    write_outlines(tmp_path)
    run = Run(load(region_file(tmp_path, small_archive, "smos")))
    model = ModelRef("model", "0" * 64)
    keys = []
    for content in ("a", "b", "b"):
        run.ledger.put("ingest", f"ft/{date(2015, 10, 1)}", Done("key", content))
        keys.append(lineage.scorecard_key(run, model, list(references(run))))
    assert keys[0] != keys[1] == keys[2]
