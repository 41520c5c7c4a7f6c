"""What tasks wrote, when it is recorded, and what is to do again where it was damaged."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from pipelines.checked import Noted, damaged, held, kept, undo
from pipelines.config.region_file import load
from pipelines.events import silent
from pipelines.outcomes import Outcomes
from pipelines.run import Run
from pipelines.work import Work
from soilft.errors import DamagedChunk
from soilft.grid import Region
from soilft.schema import Template, Variable, grid_coordinates
from soilft.store import checksums, objects
from soilft.store import zarr as store
from soilft.store.checksums import checksum
from soilft.store.ledger import Done, Ledger
from tests.support.rights import limited, policy
from tests.support.seaweed import S3Server
from tests.support.small_run import region_file

GRID = Region("small", "latlon-0.25", (90, 30, 92, 31)).grid
TEMPLATE = Template(
    coordinates=grid_coordinates(GRID),
    variables=(Variable("seen", ("y", "x"), "uint8", 255, {}),),
    chunks={"y": 2},
    attributes={},
)


def half(task: tuple[str, int]) -> str:
    url, first = task
    values = np.full((2, GRID.shape[1]), first, "uint8")
    store.write_region(url, {"seen": values}, {"y": slice(first, first + 2)})
    return f"rows from {first}"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A store whose rows two units of the stage ingest have written."""
    run = Run(load(region_file(tmp_path, tmp_path / "archive")))
    url = run.places.input("a")
    store.create(url, TEMPLATE)
    for first in (0, 2):
        made = Noted(half, run.store)((url, first))
        assert made.result == f"rows from {first}"
        run.ledger.put("ingest", f"a/{first}", Done("key", "content", chunks=made.chunks))
    names = [objects.join("inputs/a.zarr", name) for name in ("zarr.json", "seen/zarr.json")]
    chunks = {name: checksum(objects.read(run.places.url(name))) for name in names}
    run.ledger.put("stores", "inputs/a.zarr", Done("key", "content", chunks=chunks))
    return run


def keys(run: Run) -> dict[str, str]:
    ledger = Ledger(run.store)
    at = [("ingest", "a/0"), ("ingest", "a/2"), ("stores", "inputs/a.zarr")]
    return {unit: getattr(ledger.get(stage, unit), "key", "none") for stage, unit in at}


def test_a_task_shows_under_the_name_of_its_function(run: Run) -> None:
    assert Noted(half, run.store).__name__ == "half"


def test_each_unit_has_its_chunks_by_their_path_below_the_store(run: Run) -> None:
    assert set(run.ledger.chunks) == {
        "inputs/a.zarr/seen/c/0/0",
        "inputs/a.zarr/seen/c/1/0",
        "inputs/a.zarr/seen/zarr.json",
        "inputs/a.zarr/zarr.json",
    }
    assert not damaged(run.store, run.ledger.chunks)
    again = Ledger(run.store)
    again.recall("ingest")
    assert set(again.chunks) == {"inputs/a.zarr/seen/c/0/0", "inputs/a.zarr/seen/c/1/0"}


def test_only_the_unit_that_wrote_a_damaged_chunk_is_to_do_again(run: Run) -> None:
    url = run.places.url("inputs/a.zarr/seen/c/1/0")
    objects.write(url, b"another")
    undo(run, [url])
    assert keys(run) == {"a/0": "key", "a/2": "", "inputs/a.zarr": "key"}
    # Until it is made again, it is held against what it was.
    assert "inputs/a.zarr/seen/c/1/0" in run.ledger.chunks


def test_all_damaged_chunks_of_a_store_are_found_at_once(run: Run) -> None:
    for number in (0, 1):
        objects.remove(run.places.url(f"inputs/a.zarr/seen/c/{number}/0"))
    undo(run, [run.places.url("inputs/a.zarr/seen/c/0/0")])
    assert keys(run) == {"a/0": "", "a/2": "", "inputs/a.zarr": "key"}


def test_metadata_of_a_shared_store_are_made_anew_around_its_chunks(run: Run) -> None:
    url = run.places.url("inputs/a.zarr/zarr.json")
    sound = objects.read(url) or b""
    objects.write(url, sound.replace(b"255", b"254"))
    undo(run, [url])
    assert keys(run) == {"a/0": "key", "a/2": "key", "inputs/a.zarr": ""}
    work = Work(run, None, silent, Outcomes("ingest"))  # type: ignore[arg-type]
    work.create(run.places.input("a"), TEMPLATE)
    assert objects.read(url) == sound
    assert not damaged(run.store, run.ledger.chunks)
    assert keys(run)["inputs/a.zarr"]


def test_metadata_that_were_changing_when_a_run_was_killed_are_made_anew(run: Run) -> None:
    url = run.places.url("inputs/a.zarr/seen/zarr.json")
    sound = objects.read(url) or b""
    objects.write(url, sound.replace(b"255", b"254"))
    run.ledger.put("stores", "inputs/a.zarr", Done("", ""))
    work = Work(run, None, silent, Outcomes("ingest"))  # type: ignore[arg-type]
    work.create(run.places.input("a"), TEMPLATE)
    assert objects.read(url) == sound


def test_a_store_of_one_unit_is_made_anew_whole(run: Run) -> None:
    url = run.places.url("normals/b.zarr")
    store.create(url, TEMPLATE)
    chunks = {f"normals/b.zarr/{n}": checksum(objects.read(f"{url}/{n}")) for n in ("zarr.json",)}
    run.ledger.put("harmonize", "normals", Done("key", "content", chunks=chunks))
    objects.write(f"{url}/zarr.json", b"{")
    undo(run, [f"{url}/zarr.json"])
    assert not objects.exists(url)
    assert getattr(Ledger(run.store).get("harmonize", "normals"), "key", None) == ""


def test_what_lies_beside_cubes_is_looked_at_in_its_folder(run: Run) -> None:
    names = ["runs/a/report/report.html", "runs/a/report/scorecard.json"]
    with checksums.noting() as noted:
        for name in names:
            objects.write(run.places.url(name), b"as it was")
    record = Done("key", "content", chunks=kept(run.store, noted))
    run.ledger.put("validate", "a", record)
    objects.write(run.places.url(names[1]), b"as it is")
    undo(run, [run.places.url(names[1])])
    assert getattr(Ledger(run.store).get("validate", "a"), "key", None) == ""


def test_data_outlast_a_power_cut_before_their_record_is_written(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of calls: files, the folders that name them, and only then the record's name."""
    calls: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def told(number: int) -> None:
        calls.append(f"keep {Path('/proc/self/fd', str(number)).readlink()}")
        fsync(number)

    def renamed(path: Path, target: str) -> Path:
        calls.append(f"name {target}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", told)
    monkeypatch.setattr(Path, "replace", renamed)
    made = Noted(half, run.store)((run.places.input("a"), 2))
    run.ledger.put("ingest", "a/2", Done("key", "content", chunks=made.chunks))
    chunk, record = run.places.url(*made.chunks), run.places.url("ledger/ingest/a/2.json")
    written, recorded = calls.index(f"keep {chunk}"), calls.index(f"name {record}")
    assert written < calls.index(f"keep {Path(chunk).parent}") < recorded
    assert calls[recorded + 1] == f"keep {Path(record).parent}"


@pytest.mark.s3
def test_damage_is_told_to_a_publisher_too_who_may_not_undo_what_made_it(
    s3: S3Server, s3_store: str, tmp_path: Path
) -> None:
    config = load(region_file(tmp_path, tmp_path / "archive", store=s3_store))
    path = "inputs/a.zarr/seen/c/0/0"
    url = objects.join(s3_store, path)
    objects.write(url, b"another content")
    said = Done("key", "content", chunks={path: checksum(b"as it was written")})
    Ledger(s3_store).put("ingest", "a/0", said)
    for name, key in (("publisher", "key"), ("worker", "")):
        run = Run(config)
        with limited(s3, s3_store, policy(name)), pytest.raises(DamagedChunk), held(run):
            checksums.hold(url, objects.read(url))
        record = Ledger(s3_store).get("ingest", "a/0")
        assert record is not None
        assert record.key == key
