"""The version and the help of every command are there before anything that only work needs."""

import json
import subprocess
import sys

import pytest

ROOMS = ("soilft.sources", "soilft.forest", "pipelines.config", "pipelines.stages")
WORK = {
    "dask",
    "distributed",
    "numba",
    "numpy",
    "pandas",
    "pyproj",
    "rasterio",
    "scipy",
    "sklearn",
    "xarray",
    "zarr",
}
ASKED = """
import contextlib, io, json, sys
import typer
from pipelines.cli.main import app, main

said = {}
commands = [[name, "--help"] for name in typer.main.get_command(app).commands]
for arguments in (["--version"], ["--help"], *commands):
    sys.argv = ["soilft", *arguments]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main()
    said[arguments[0]] = sorted(sys.modules)
print(json.dumps(said))
"""


@pytest.mark.process
def test_help_and_version_load_neither_readers_nor_the_engine() -> None:
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)
    said: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    assert {"--version", "--help", "run", "ingest", "update", "view", "submit", "demo"} <= set(said)
    for asked, modules in said.items():
        assert not WORK & {name.partition(".")[0] for name in modules}, asked
        assert not [name for name in modules if name.startswith(ROOMS)], asked
