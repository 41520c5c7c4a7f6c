"""A publication killed at any moment is completed by the next, and readers never see the seam."""

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from soilft.release.layout import Layout
from soilft.release.publication import described, latest, publish
from soilft.release.retention import point_to, releases
from soilft.release.staged import Staged
from soilft.release.verification import verify
from soilft.store import objects
from tests.support.killed_publication import values_digest
from tests.support.staged import contents, stage
from tests.support.started import started
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
MODULE = [sys.executable, "-m", "tests.support.killed_publication"]
READERS = 2
LAYOUT = Layout(chunk_days=4, shard_days=8, rows=4, columns=8)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.timeout(900),
]


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give an empty store, on disk and on S3 in turn."""
    url = str(tmp_path / "store")
    return url if request.param == "local" else request.getfixturevalue("s3_store")


def two_cubes(root: str) -> list[Staged]:
    """Stage cubes that share their first shard and differ in the second, and in what is beside."""
    return [
        stage(
            root,
            12,
            other=dict.fromkeys(range(8, 12), seed),
            layout=LAYOUT,
            companions={"model": f"{seed}".encode()},
        )
        for seed in (0, 1)
    ]


def expected_of(staged: Staged) -> str:
    """Digest of what readers must get of a staged cube."""
    names = [v.name for v in staged.template.variables]
    return values_digest(staged.url, [*names, "time_bnds", "crs"])


@contextmanager
def publisher(root: str, folder: Path, cubes: list[Staged], *, inside: bool) -> Iterator[Any]:
    """Give a function that publishes a cube by its number, and dies at a moment if told to."""
    for number, staged in enumerate(cubes):
        (folder / f"{number}.pickle").write_bytes(pickle.dumps(staged))
    with started(MODULE, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:

        def ask(number: int, at: int | None = None) -> tuple[int, Any]:
            staged = str(folder / f"{number}.pickle")
            job = {"root": root, "staged": staged, "at": at, "inside": inside}
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            return answer["status"], answer["said"]

        yield ask
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


@contextmanager
def readers(root: str, folder: Path) -> Iterator[list[Path]]:
    """Keep readers at work in processes of their own; give the files that they fill."""
    stop = folder / "stop"
    outs = [folder / f"reader-{k}" for k in range(READERS)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(started([*MODULE, "read", root, str(stop), str(out)], cwd=ROOT))
            for out in outs
        ]
        yield outs
        stop.touch()
        assert [process.wait(60) for process in processes] == [0] * READERS


def test_killed_at_every_change_while_others_read(root: str, tmp_path: Path) -> None:
    cubes = two_cubes(root)
    values = [expected_of(staged) for staged in cubes]
    expected: dict[str, str] = {}
    # On a disk, also in the middle of a change: S3 makes an object whole or not at all.
    inside = not root.startswith("s3://")
    with (
        publisher(root, tmp_path, cubes, inside=inside) as ask,
        readers(root, tmp_path) as outs,
    ):
        status, said = ask(0)
        assert status == 0
        expected[said["version"]] = values[0]
        kills = 0
        for at in range(1000):
            before = latest(root)
            assert before is not None
            number = 1 - at % 2
            status, said = ask(number, at)
            if status == 0:
                assert said["moments"] <= at
                break
            assert status == -signal.SIGKILL
            kills += 1
            after = latest(root)
            assert after is not None
            turned = after["identity"] == cubes[number].identity
            assert turned or after["version"] == before["version"]
            status, said = ask(number)
            assert status == 0
            assert (latest(root) or {})["version"] == said["version"] != before["version"]
            expected[said["version"]] = values[number]
        point_to(root, "v1.0")
        wait_until(lambda: all(" v1.0 " in last_line(out) for out in outs), "readers", seconds=120)
    expected[said["version"]] = values[number]
    # More than one for every object of a release and for the lease, the claim and the pointer.
    assert kills > len(objects.listing(objects.join(root, "releases", said["version"])))

    seen = [out.read_text().splitlines() for out in outs]
    for lines in seen:
        assert lines[-1] == "end"
        pairs = [line.split() for line in lines[:-1]]
        assert [expected[version] for version, _ in pairs] == [found for _, found in pairs]
        numbers = [int(version.split(".")[1]) for version, _ in pairs]
        back = numbers.index(0, numbers.index(max(numbers)))
        assert numbers[:back] == sorted(numbers[:back])
        assert set(numbers[back:]) == {0}
        assert len(set(numbers)) > 5
    assert_as_if_unbroken(root, cubes, tmp_path)


def last_line(path: Path) -> str:
    """Give the last whole line that a reader wrote, between blanks."""
    lines = path.read_text().split("\n")[:-1]
    return f" {lines[-1]} " if lines else ""


def assert_as_if_unbroken(root: str, cubes: list[Staged], tmp_path: Path) -> None:
    """Hold every release against those of publications that nothing disturbed."""
    unbroken = {}
    quiet = str(tmp_path / "unbroken")
    for staged in two_cubes(quiet):
        release = publish(quiet, staged)
        unbroken[staged.identity] = without_description(objects.join(release.cube, ".."))
    made = releases(root)
    assert all(kept.complete for kept in made)
    for kept in made:
        said = described(root, kept.version)
        assert said is not None
        found = without_description(objects.join(root, "releases", kept.version))
        assert found == unbroken[said["identity"]], kept.version


def without_description(url: str) -> dict[str, bytes | None]:
    parent = url.removesuffix("/cube.zarr/..")
    verify(parent.rpartition("/releases/")[0], parent.rpartition("/")[2]).require()
    own = ("objects.json", "release.json")
    found = {n: c for n, c in contents(parent).items() if n not in own}
    # The collection names its version, and that of an undisturbed publication is another.
    collection = json.loads(found["collection.json"] or b"")
    version = parent.rpartition("/")[2]
    assert collection.pop("version") == version
    for name in ("id", "title"):
        assert collection[name].endswith(version)
        collection[name] = collection[name].removesuffix(version)
    found["collection.json"] = objects.to_json(collection)
    return found
