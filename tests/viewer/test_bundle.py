"""The page that ships: built from its sources, small, and the same bytes in the wheel.

With ``SOILFT_NODE=required``, as in continuous integration, Node that is not there fails.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import google_crc32c  # zarr's own, with which it comes
import numpy as np
import pytest
from numcodecs import Blosc

from soilft.grid import PRESETS, Region
from soilft.projections import transformer
from soilft.release import page as viewer

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "viewer"


def need_npm() -> None:
    if shutil.which("npm"):
        return
    message = "needs Node 18 or newer and npm"
    if os.environ.get("SOILFT_NODE") == "required":
        pytest.fail(message)
    pytest.skip(message)


def run(*command: str, folder: Path, given: str | None = None) -> str:
    done = subprocess.run(
        command, cwd=folder, input=given, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the sources with what ``npm ci`` installs for them, beside a checkout's land outline."""
    need_npm()
    root = tmp_path_factory.mktemp("sources")
    copy = root / "viewer"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("node_modules"))
    (root / "soilft" / "data").mkdir(parents=True)
    shutil.copy(ROOT / "soilft/data/land-110m.json", root / "soilft" / "data")
    run("npm", "ci", "--silent", folder=copy)
    return copy


@pytest.mark.slow
def test_the_page_that_ships_is_what_its_sources_build(installed: Path) -> None:
    run("npm", "run", "--silent", "build", folder=installed)
    built = {
        f"{viewer.FOLDER}/{path.name}": path.read_bytes()
        for path in (installed.parent / "soilft/data/viewer").iterdir()
    }
    assert built.keys() == viewer.files().keys()
    for name, content in viewer.files().items():
        assert built[name] == content, f"{name}: make viewer"


@pytest.mark.slow
def test_the_wheel_holds_the_same_page_and_the_templates_of_the_report(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as held:
        inside = {
            f"{viewer.FOLDER}/{Path(name).name}": held.read(name)
            for name in held.namelist()
            if name.startswith("soilft/data/viewer/")
        }
        assert not [name for name in held.namelist() if name.startswith("viewer/")]
        templates = [path.relative_to(ROOT) for path in ROOT.glob("soilft/report/templates/*")]
        assert templates
        assert {str(path) for path in templates} <= set(held.namelist())
    assert inside == dict(viewer.files())


def test_the_page_is_few_small_files_and_names_no_other_host() -> None:
    files = viewer.files()
    assert [name.removeprefix("view/") for name in files] == [
        "NOTICE.txt",
        "index.html",
        "viewer.css",
        "viewer.js",
    ]
    assert sum(map(len, files.values())) < 250_000
    for name in ("view/index.html", "view/viewer.css", "view/viewer.js"):
        hosts = set(re.findall(rb"https?://([\w.-]+)", files[name]))
        # Names that are never asked: of the outline's source, and of a kind of picture.
        assert hosts <= {b"www.naturalearthdata.com", b"www.w3.org"}, name
    page = files[viewer.PAGE].decode()
    assert "default-src 'none'" in page
    assert "unsafe" not in page


def test_the_lock_file_holds_checksums_and_no_addresses() -> None:
    text = (SOURCES / "package-lock.json").read_text()
    locked = json.loads(text)["packages"]
    assert "resolved" not in text
    assert "://" not in re.sub(r'"(funding|url)":.*', "", text)
    assert all("integrity" in said for name, said in locked.items() if name)


@pytest.mark.slow
def test_the_page_unpacks_every_kind_of_frame_that_blosc_makes(installed: Path) -> None:
    """Types, lengths that are no multiple of eight, many blocks, noise that stays as it is."""
    draw = np.random.default_rng(0)
    arrays = []
    for kind in ("u1", "<i2", "<i4", "<f8"):
        for count in (1, 7, 8, 100, 1000, 19_350, 300_000):
            noise = draw.integers(0, 200, count)
            smooth = np.cumsum(draw.integers(-1, 2, count)) % 100
            arrays += [values.astype(kind) for values in (noise, smooth, np.zeros(count))]
    packed, content = [], []
    for array in arrays:
        for shuffle in (Blosc.NOSHUFFLE, Blosc.SHUFFLE, Blosc.BITSHUFFLE):
            codec = Blosc(cname="zstd", clevel=5, shuffle=shuffle)
            packed.append(base64.b64encode(codec.encode(array)).decode())
            content.append(array.tobytes())
    said = run("node", "test/blosc.mjs", folder=installed, given=json.dumps(packed))
    found = [base64.b64decode(text) for text in json.loads(said)]
    assert found == content


@pytest.mark.slow
def test_the_page_has_the_checksums_that_zarr_writes(installed: Path) -> None:
    draw = np.random.default_rng(0)
    contents = [draw.bytes(count) for count in (0, 1, 3, 4, 255, 256, 10_000)] + [b"123456789"]
    asked = json.dumps([base64.b64encode(content).decode() for content in contents])
    found = json.loads(run("node", "test/crc32c.mjs", folder=installed, given=asked))
    assert found == [google_crc32c.value(content) for content in contents]
    # The check value of the algorithm, in the catalogue of parametrised CRC algorithms.
    assert found[-1] == 0xE3069283


@pytest.mark.slow
def test_the_page_finds_cells_past_180_whichever_way_a_place_is_counted(installed: Path) -> None:
    grid = Region("across", "latlon-0.25", (178.0, 62.0, -178.0, 65.0)).grid
    asked = {
        "mapping": grid.cf_grid_mapping,
        "x": grid.x.tolist(),
        "y": grid.y.tolist(),
        "places": [[179.9, 63.1], [-179.9, 63.1], [180.1, 63.1], [-178.1, 63.1], [-177.9, 63.1]],
    }
    said = json.loads(run("node", "test/cells.mjs", folder=installed, given=json.dumps(asked)))
    assert [cell and cell["column"] for cell in said["cells"]] == [7, 8, 8, 15, None]
    assert [place and place["lon"] for place in said["centres"]] == [
        179.875,
        -179.875,
        -179.875,
        -178.125,
        None,
    ]
    assert said["turns"] == [0, 360]


@pytest.mark.slow
def test_the_page_knows_where_places_lie_on_every_preset_grid(installed: Path) -> None:
    draw = np.random.default_rng(0)
    asked, expected = [], []
    for grid in PRESETS.values():
        north = grid.crs == "EPSG:6931"
        lon, lat = draw.uniform(-180, 180, 200), draw.uniform(0 if north else -85, 89.9, 200)
        asked.append({"mapping": grid.cf_grid_mapping, "places": np.stack([lon, lat], 1).tolist()})
        expected.append(np.stack(transformer("EPSG:4326", grid.crs).transform(lon, lat), axis=1))
    said = json.loads(run("node", "test/project.mjs", folder=installed, given=json.dumps(asked)))
    for found, right in zip(said, expected, strict=True):
        np.testing.assert_allclose(found, right, atol=0.01)
