"""The image's tag is the version, wherever it is written for somebody to copy."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from cluster import preflight

ROOT = Path(__file__).parents[1]
TAG = re.compile(r"soilft:(\d[\w.]*)-py\d")
FILES = [
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("cluster/**/*.py"),
    *ROOT.glob("cluster/kubernetes/manifests/*.yaml"),
    ROOT / "cluster" / "Dockerfile",
    ROOT / "README.md",
]


def declared() -> str:
    """Version as the project declares it, whatever is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def test_what_is_installed_is_what_is_declared() -> None:
    assert version("soilft") == declared(), "install again: touch pyproject.toml && make test"
    assert preflight.image_tag().startswith(f"{declared()}-py3.")


@pytest.mark.parametrize(
    "path", [p for p in FILES if TAG.search(p.read_text())], ids=lambda p: p.name
)
def test_every_tag_that_is_written_down_is_of_this_version(path: Path) -> None:
    assert set(TAG.findall(path.read_text())) == {declared()}


def test_tags_are_written_where_people_copy_them_from() -> None:
    named = {path.name for path in FILES if TAG.search(path.read_text())}
    assert {"run-on-kubernetes.md", "run-on-coiled.md", "Dockerfile", "job.yaml"} <= named


def test_the_image_without_arguments_is_of_this_version() -> None:
    lines = (ROOT / "cluster" / "Dockerfile").read_text().splitlines()
    assert f"ARG VERSION={declared()}" in lines


def test_the_changelog_speaks_of_this_version_first() -> None:
    heading = next(x for x in (ROOT / "CHANGELOG.md").read_text().splitlines() if x[:3] == "## ")
    assert heading.split()[1].rstrip(",") == declared()
