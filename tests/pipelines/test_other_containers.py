"""Every other container of an input stands in for its sibling by one line of the region file."""

from collections.abc import Callable
from datetime import date
from difflib import ndiff
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml

import cluster
from pipelines.config.region_file import load, shipped
from pipelines.run import Run
from pipelines.stages.ingest.stage import ingest
from soilft.days import DaySpan
from soilft.grid import Region
from soilft.ingest.granules import template_for
from tests.contract import amsr2_tenth, cetb, dems, esa_cci, ft_esdr, smap_enhanced, soils
from tests.support.every_input import every_radiometer
from tests.support.small_run import product_bytes

DAYS = (date(2015, 4, 1), date(2015, 4, 2))
BOUNDS = [90.25, 31.25, 91.25, 32.25]
SIBLINGS = {
    "amsr2-cetb-25km": "amsr2",
    "amsr2-l3-10km": "amsr2",
    "amsre-cetb-25km": "amsr-e",
    "dem-copernicus-glo90": "terrain",
    "dem-gmted2010": "terrain",
    "dem-srtm": "terrain",
    "hwsd-2.0": "soil",
    "gsde": "soil",
    "china-soil-bnu": "soil",
    "ft-esdr-25km": "smos",
    "esa-cci-sm-flag": "smap",
    "smap-l3-ft-9km": "smap",
}
"""Input of the demo that each product can stand in for."""
SETS = (
    ("amsr2-cetb-25km", "amsre-cetb-25km", "dem-copernicus-glo90", "hwsd-2.0", "smap-l3-ft-9km"),
    ("amsr2-l3-10km", "dem-srtm", "gsde", "esa-cci-sm-flag"),
    ("dem-gmted2010", "china-soil-bnu"),
)
"""Products ingested together; each set has the FT-ESDR for its label."""


def one_line(text: str, product: str) -> str:
    """The region file with another product in one input's line."""
    name = SIBLINGS[product]
    old = yaml.safe_load(text)["inputs"][name]["product"]
    start = text.index(f"\n  {name}:\n")
    return text[:start] + text[start:].replace(f"product: {old}", f"product: {product}", 1)


@pytest.fixture(autouse=True)
def archive_of_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOILFT_DEMO_ARCHIVE", "/archive")


@pytest.mark.parametrize("product", SIBLINGS)
def test_one_line_of_the_demo_names_another_container(product: str, tmp_path: Path) -> None:
    text = every_radiometer()
    changed = one_line(text, product)
    lines = [d for d in ndiff(text.splitlines(), changed.splitlines()) if d[0] in "+-"]
    assert len(lines) == 2
    for name, content in (("region", changed), ("sibling", text)):
        (tmp_path / f"{name}.yaml").write_text(content)
    mine, sibling = (
        load(tmp_path / f"{name}.yaml").inputs[SIBLINGS[product]].source()
        for name in ("region", "sibling")
    )
    assert mine.product == product
    assert mine.role == sibling.role
    if mine.role == "static":
        known = {v.name: v.attributes["units"] for v in sibling.variables}
        assert {v.name: v.attributes["units"] for v in mine.variables} == known
        return
    grid, span = Region("r", "latlon-0.25", (90, 31, 92, 33)).grid, DaySpan(*DAYS)
    templates = [template_for(source, grid, span, 1) for source in (mine, sibling)]
    about = [{v.name: (v.dims, v.dtype, str(v.fill)) for v in t.variables} for t in templates]
    for name in ("tb", "freeze_thaw", "observation_time"):
        assert about[0].get(name) == about[1].get(name)


def write_files(root: Path) -> None:
    """Write two days of every product into the folders of the demo."""
    for version, day in enumerate(DAYS, 1):
        for node, level, minute in (("D", 240.0, 19 * 60 + 30), ("A", 260.0, 7 * 60 + 30)):
            field = np.full((40, 60), level)
            # One day of CETB is of version 1, the other of version 2.
            for sensor, folder in (("AMSR2", "amsr2"), ("AMSRE", "amsre")):
                cetb.cetb(
                    root / folder, sensor, day, node=node, version=version,
                    kelvin=((95, 1025), field), minutes=np.full(field.shape, minute),
                )  # fmt: skip
            tenth = (amsr2_tenth.corner(89, 34), np.full((40, 40), level))
            amsr2_tenth.amsr2_tenth(root / "amsr2", day, "36", node, tenth)
        row, column = smap_enhanced.cell(89.5, 33.5)
        frozen = np.ones((2, 45, 60), "uint8")
        smap_enhanced.smap(root / "smap", day, ((row, column), frozen))
        esa_cci.esa_cci(root / "smap", day)
        for overpass in ("AM", "PM"):
            ft_esdr.ft_esdr(root / "smos", day, overpass, places=False)
    for lon in (90, 91):
        for lat in (31, 32):
            dems.srtm(root / "dem", lon, lat, height)
            dems.glo90(root / "dem", lon, lat, height)
    dems.gmted(root / "dem", 90, 30, height)
    soils.hwsd(root / "soilgrids")
    for product in soils.LAYERED:
        soils.layered(root / "soilgrids", product)
    # Containers without attributes.
    for folder in ("dem", "soilgrids"):
        (root / folder / "SIMULATED.txt").write_text("simulated=true\n")


def height(lon: "np.ndarray[Any, Any]", lat: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """A plane, in metres."""
    return 4000 + 100 * (lon - 90) + 200 * (lat - 31)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("containers")
    write_files(root)
    return root


def region_file(folder: Path, archive: Path, products: tuple[str, ...]) -> Path:
    """Write the demo's region file with the products of a set, on few cells and days."""
    text = every_radiometer()
    for product in (*products, "ft-esdr-25km"):
        text = one_line(text, product)
    value = yaml.safe_load(text.replace("${SOILFT_DEMO_ARCHIVE}", str(archive)))
    replaced = {SIBLINGS[product] for product in products} | {"smos"}
    del value["simulation"]
    value |= {
        "region": {"name": "containers", "grid": "latlon-0.25", "bounds": BOUNDS},
        "period": {"start": DAYS[0], "end": DAYS[1]},
        "store": str(folder / "store"),
        "inputs": {name: value["inputs"][name] for name in value["inputs"] if name in replaced},
        "chunks": {"ingest_days": 1, "predict_days": 1},
        "cluster": {"workers": 1, "memory": "2GiB", "dashboard": False},
        "harmonize": {"enabled": False},
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "region.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False))
    return path


def equals(value: float, within: float = 0.02) -> Callable[[Any], None]:
    return lambda found: np.testing.assert_allclose(found, value, atol=within)


EXPECTED: dict[str, dict[str, Callable[[Any], None]]] = {
    "amsr2": {"night": equals(240), "day": equals(260)},
    "amsr-e": {"night": equals(240), "day": equals(260)},
    "smap": {"freeze_thaw": equals(1)},
    "smos": {"freeze_thaw": equals(0)},
}


@pytest.fixture(scope="module")
def ingested(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Give a folder of stores by number of workers, one store a set."""
    folders = {}
    for workers in (1, 4):
        folders[workers] = tmp_path_factory.mktemp(f"workers{workers}")
        spec = cluster.ClusterSpec(kind="local", workers=workers, memory="2GiB", dashboard=False)
        with cluster.start(spec) as client:
            for products in SETS:
                path = region_file(folders[workers] / products[0], archive, products)
                outcomes = ingest(Run(load(path)), client)
                assert not outcomes.failed
                assert not outcomes.set_aside
    return folders


@pytest.mark.slow
@pytest.mark.parametrize("products", SETS, ids=lambda products: products[0])
def test_one_worker_and_four_ingest_the_same_bytes_of_the_demo_with_other_containers(
    ingested: dict[int, Path], products: tuple[str, ...]
) -> None:
    stores = [folder / products[0] / "store" for folder in ingested.values()]
    found = product_bytes(stores[0])
    assert found == product_bytes(stores[1])
    names = {SIBLINGS[product] for product in products} | {"smos"}
    for name in names - {"terrain", "soil"}:
        dataset = xr.open_zarr(stores[0] / "inputs" / f"{name}.zarr").load()
        assert dataset.attrs["simulated"] == "true", name
        if "tb" in dataset:
            channel = dataset.tb.isel(channel=list(dataset.channel.values).index(channel_36v()))
            EXPECTED[name]["night"](channel.isel(overpass=0).values)
            EXPECTED[name]["day"](channel.isel(overpass=1).values)
        else:
            EXPECTED[name]["freeze_thaw"](dataset.freeze_thaw.values)
        assert np.isfinite(dataset.observation_time).any()
    if names & {"terrain", "soil"}:
        static = xr.open_zarr(stores[0] / "inputs" / "static.zarr").load()
        assert static.attrs["simulated"] == "true"
        lon, lat = np.meshgrid(static.x, static.y)
        np.testing.assert_allclose(static.elevation, height(lon, lat), atol=2)
        np.testing.assert_allclose(static.sand + static.silt + static.clay, 100, atol=1)


def channel_36v() -> int:
    """Code of the channel 36.5V."""
    from soilft.channels import CODES

    return CODES["36.5V"]


def test_two_inputs_of_the_same_static_variables_are_refused(tmp_path: Path) -> None:
    from soilft.errors import ConfigError

    inputs = yaml.safe_load(shipped("demo-tibet").read_text())["inputs"]
    inputs["terrain-too"] = {"product": "dem-srtm", "granules": "/archive/srtm/*.hgt"}
    with pytest.raises(ConfigError, match=r"inputs\.terrain-too: .* elevation"):
        load(shipped("demo-tibet"), {"inputs": inputs})
