"""Region files: what is shipped can be read, and what is wrong is named."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from pipelines.config.products import LATER, AnyInput, input_model
from pipelines.config.region_file import Config, as_written, load, region_files, shipped
from soilft.errors import ConfigError
from soilft.sources import PRODUCTS


@pytest.fixture(autouse=True)
def archives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOILFT_SAMPLES", "/samples")
    monkeypatch.setenv("SOILFT_DEMO_ARCHIVE", "/archive")
    monkeypatch.setenv("SOILFT_ARCHIVE", "/archive")


@pytest.mark.parametrize("path", region_files(), ids=lambda path: path.stem)
def test_every_shipped_region_file_is_valid(path: Path) -> None:
    config = load(path)
    assert config.region.name == path.stem
    assert config.to_region().mask.any()
    assert shipped(path.stem) == path


def test_the_demo_regions_differ_in_the_grid_and_run_the_same_code() -> None:
    tibet, alaska = (as_written(shipped(name)) for name in ("demo-tibet", "demo-alaska"))
    assert tibet["region"]["grid"] == "latlon-0.25"
    assert alaska["region"]["grid"] == "ease2-north-25km"
    for key in ("inputs", "label", "sampling", "forest", "validation", "chunks"):
        assert tibet[key] == alaska[key]
    assert list(tibet["inputs"]) == list(alaska["inputs"])


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_product_of_the_science_can_be_configured(product: str) -> None:
    raw = {"product": product, "granules": "/archive/*"}
    item = TypeAdapter(AnyInput).validate_python(raw)
    assert item.source() == PRODUCTS[product]()
    assert item.patterns == ("/archive/*",)


SETTINGS = {
    "ismn": {
        "depth_to": 0.1,
        "networks": ["SNOTEL"],
        "flags": ["G", "M"],
        "max_gap_hours": 6,
        "threshold": 272.65,
    },
    "smap-l3-ft-36km": {"masked_surfaces": ["static_water"], "projection": "polar"},
    "smap-l3-ft-9km": {"masked_surfaces": []},
    "gldas-noah-025-3h": {"variables": ["SWE_inst"], "statistics": ["range"], "min_granules": 4},
    "amsr2-cetb-25km": {"bands": ["36"], "algorithm": "SIR"},
}


@pytest.mark.parametrize(
    ("product", "key"), [(product, key) for product, keys in SETTINGS.items() for key in keys]
)
def test_every_setting_reaches_its_reader(product: str, key: str) -> None:
    value = SETTINGS[product][key]
    item = TypeAdapter(AnyInput).validate_python({"product": product, key: value})
    found = getattr(item.source(), {"variables": "variables_read"}.get(key, key))
    assert found == (tuple(value) if isinstance(value, list) else value)
    assert item.source() != PRODUCTS[product]()
    assert item.digested() != input_model(product)(product=product).digested()


def test_a_setting_that_came_later_is_not_digested_where_it_is_the_default() -> None:
    for product, keys in SETTINGS.items():
        plain = input_model(product)(product=product)
        assert not LATER & plain.digested().keys()
        same = {key: getattr(plain, key) for key in LATER & keys.keys()}
        assert input_model(product)(product=product, **same).digested() == plain.digested()


def test_a_key_that_lets_an_input_pass_is_in_no_digest() -> None:
    path = shipped("demo-tibet")
    inputs = as_written(path)["inputs"]
    terrain = inputs["terrain"] | {"least_known": 0.25}
    changed = inputs | {"gldas": inputs["gldas"] | {"may_be_absent": True}, "terrain": terrain}
    plain, given = load(path), load(path, {"inputs": changed})
    assert given.digest() == plain.digest()
    for name in ("gldas", "terrain"):
        assert given.inputs[name] != plain.inputs[name]
        assert given.inputs[name].source() == plain.inputs[name].source()


@pytest.mark.parametrize(
    ("name", "key", "value", "words"),
    [
        ("smos", "may_be_absent", True, r"inputs\.smos\.may_be_absent.*: expected false"),
        ("terrain", "may_be_absent", True, r"inputs\.terrain\.may_be_absent: unknown key"),
        ("terrain", "least_known", 1.5, r"inputs\.terrain\.least_known: .*1\.5"),
        ("gldas", "least_known", 0.5, r"inputs\.gldas\.least_known: unknown key"),
    ],
)
def test_only_what_can_go_without_is_let_pass(
    name: str, key: str, value: object, words: str
) -> None:
    inputs = as_written(shipped("demo-tibet"))["inputs"]
    changed = inputs | {name: inputs[name] | {key: value}}
    with pytest.raises(ConfigError, match=words):
        load(shipped("demo-tibet"), {"inputs": changed})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"product": "smos-l3-ft", "threshold": 1}, r"inputs\.smos\.threshold: unknown key"),
        ({"product": "smos-l3"}, r"inputs\.smos\.product: expected one of amsr2-cetb.*smos-l3-ft"),
        ({"product": "smos-l3"}, "found smos-l3; perhaps smos-l3-ft is meant"),
        ({"granules": "x"}, r"inputs\.smos\.product: missing key"),
        ("smos-l3-ft", r"inputs\.smos: .*found 'smos-l3-ft'"),
        ({"product": "smap-l3-ft-9km", "projection": "x"}, r"inputs\.smos\.projection: .*'polar'"),
        (
            {"product": "ismn", "max_gap_hours": 0},
            r"tibet\.yaml.*inputs\.smos: ISMN max_gap_hours: ",
        ),
        ({"product": "ismn", "flags": []}, r"inputs\.smos: ISMN flags: expected flags of readings"),
        (
            {"product": "smap-l3-ft-9km", "masked_surfaces": ["x"]},
            r"inputs\.smos: SMAP masked surf",
        ),
    ],
)
def test_what_is_wrong_with_an_input_is_told_with_its_key(given: object, words: str) -> None:
    inputs = as_written(shipped("demo-tibet"))["inputs"]
    with pytest.raises(ConfigError, match=words):
        load(shipped("demo-tibet"), {"inputs": {**inputs, "smos": given}})


def test_a_refused_section_is_not_shown_with_what_the_environment_gave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOILFT_TOKEN", "canary")
    inputs = as_written(shipped("demo-tibet"))["inputs"]
    more = {"product": "ismn", "granules": "https://example.org/${SOILFT_TOKEN}/x"}
    with pytest.raises(ConfigError, match="one of the kind station, found ") as refused:
        load(shipped("demo-tibet"), {"inputs": {**inputs, "more": more}})
    assert "canary" not in str(refused.value)
    with pytest.raises(ConfigError, match="region") as refused:
        load(shipped("demo-tibet"), {"region": [more]})
    assert "canary" not in str(refused.value)


@pytest.mark.process
def test_a_region_file_loads_only_the_readers_that_it_names() -> None:
    code = """
import sys
from pipelines.config.region_file import load, shipped
load(shipped("demo-tibet"))
print(*(name for name in sys.modules if name.startswith("soilft.sources.")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.removeprefix("soilft.sources.") for name in done.stdout.split()}
    assert {"amsr2", "mwri", "gldas", "dem", "smos", "smap", "ismn_stations"} <= loaded
    assert not loaded & {"cetb", "dem_tiles", "esa_cci", "ft_esdr", "hwsd", "soil_netcdf"}


def test_reference_region_names_every_input_of_the_mission() -> None:
    for region in ("tibet", "tibet-simulated", "two-years"):
        roles = [item.source().role for item in load(shipped(region)).inputs.values()]
        assert sorted(roles) == sorted(
            ["tb"] * 3 + ["reanalysis"] + ["static"] * 2 + ["label"] * 2 + ["station"]
        )


def test_input_without_granules_is_refused_unless_it_is_simulated() -> None:
    inputs = as_written(shipped("tibet-simulated"))["inputs"]
    assert load(shipped("tibet-simulated")).is_direct
    with pytest.raises(ConfigError, match=r"inputs\.amsr2\.granules: expected a path or URL"):
        load(shipped("demo-tibet"), {"inputs": inputs})


def test_environment_is_filled_into_patterns() -> None:
    config = load(shipped("demo-tibet"))
    assert config.inputs["smos"].patterns == ("/archive/smos/*",)


def test_digest_ignores_where_it_runs_and_lies_and_nothing_else() -> None:
    one = load(shipped("demo-tibet"))
    assert load(shipped("demo-tibet"), {"store": "s3://elsewhere"}).digest() == one.digest()
    assert load(shipped("demo-tibet"), {"chunks": {"predict_days": 5}}).digest() == one.digest()
    assert load(shipped("demo-tibet"), {"forest": {"seed": 1}}).digest() != one.digest()


def test_shipped_region_files_keep_the_digests_that_stores_know_them_by() -> None:
    # Made by version 0.3.0; another digest predicts every day anew.
    assert {path.stem: load(path).digest()[:16] for path in region_files()} == {
        "demo-alaska": "0e9502acb4c7a78d",
        "demo-tibet": "dfded9b9db77344a",
        "tibet": "22c7d898495f696a",
        "tibet-real-day": "2ab0a456ec202300",
        "tibet-simulated": "a176a1be6fe741db",
        "two-years": "9576674a2c02ebab",
    }


def test_missing_file_names_the_shipped_ones() -> None:
    with pytest.raises(ConfigError, match=r"expected a YAML file, found no file.*demo-tibet"):
        load(shipped("demo-mars"))


@pytest.mark.parametrize("text", ["- a list", "title: [unclosed", ""])
def test_file_that_is_no_mapping_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "region.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"region\.yaml: (expected|line 1: no YAML)"):
        load(path)


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "region.yaml"
    path.write_text("title: x\nstore: y\nsampling: {max_rows: 1}\n")
    with pytest.raises(ConfigError) as error:
        load(path)
    for words in ("region: missing key", "inputs: missing key", "sampling.max_rows"):
        assert words in str(error.value)


def test_a_mask_is_part_of_what_is_made_its_place_is_not(tmp_path: Path) -> None:
    square = "[[88,31],[92,31],[92,34],[88,34],[88,31]]"
    for name in ("a", "b"):
        (tmp_path / f"{name}.geojson").write_text(f'{{"type":"Polygon","coordinates":[{square}]}}')
    (tmp_path / "c.geojson").write_text(
        f'{{"type":"Polygon","coordinates":[{square.replace("34", "35")}]}}'
    )
    demo = shipped("demo-tibet")

    def masked(name: str) -> Config:
        region = {**as_written(demo)["region"], "mask": str(tmp_path / f"{name}.geojson")}
        return load(demo, {"region": region})

    a, b, c = (masked(name) for name in "abc")
    assert 0 < a.to_region().mask.sum() < load(demo).to_region().mask.sum()
    assert a.digest() == b.digest()
    assert len({config.digest() for config in (a, c, load(demo))}) == 3
    (tmp_path / "far.geojson").write_text(
        f'{{"type":"Polygon","coordinates":[{square.replace("3", "5")}]}}'
    )
    with pytest.raises(ConfigError, match=r"region\.mask: expected polygons around the centre"):
        masked("far")


def test_lakes_and_limits_of_the_surface_are_part_of_what_is_made(tmp_path: Path) -> None:
    def square(east: float) -> str:
        ring = [[90, 31], [east, 31], [east, 33], [90, 33], [90, 31]]
        return json.dumps({"type": "Polygon", "coordinates": [ring]})

    one, same, other = (tmp_path / name for name in ("one.geojson", "same.geojson", "other"))
    for path, east in ((one, 92), (same, 92), (other, 93)):
        path.write_text(square(east))

    def digest(**quality: object) -> str:
        return load(shipped("tibet"), {"quality": quality}).digest()

    assert digest(lakes=str(one)) == digest(lakes=str(same)) != digest(lakes=str(other))
    assert digest(lakes=str(one)) != digest() != digest(snow_water=5)
    surface = load(shipped("tibet"), {"quality": {"lakes": str(one)}}).quality.surface
    assert surface.lakes is not None
    assert surface.lakes.url == str(one)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "expected a GeoJSON file, found none"), ("no JSON", "expected GeoJSON polygons")],
)
def test_a_file_of_lakes_that_is_none_is_said_at_once(
    content: str | None, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "lakes.geojson"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=rf"quality\.lakes .*{words}"):
        load(shipped("tibet"), {"quality": {"lakes": str(path)}})
