"""What tasks wrote, when it is recorded, and what is to do again where it was damaged."""

from __future__ import annotations

import os
import signal
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from distributed.comm import CommClosedError

import cluster
from pipelines.checked import Expectations, Noted, damaged, held, kept, undo
from pipelines.config.region_file import load
from pipelines.events import silent
from pipelines.outcomes import Outcomes
from pipelines.places import Places
from pipelines.plan import single
from pipelines.run import Run
from pipelines.stages import publish
from pipelines.work import Work
from soilft.days import DaySpan
from soilft.errors import DamagedChunk, StoreConflict
from soilft.forest.artefact import ModelRef
from soilft.grid import Region
from soilft.schema import Template, Variable, grid_coordinates, time_coordinates
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


def work_of(run: Run) -> Work:
    """A stage at work in a process that has just begun."""
    return Work(Run(run.config), Mock(), silent, Outcomes("ingest"))


@pytest.fixture
def made(run: Run) -> Run:
    """The same store, its metadata and coordinates as the ledger knows them."""
    work_of(run).create(run.places.input("a"), TEMPLATE)
    return Run(run.config)


def daily(last: int = 10, west: float = 90, chunk: int = 5) -> Template:
    days = DaySpan(date(2016, 1, 1), date(2016, 1, last))
    grid = Region("small", "latlon-0.25", (west, 30, west + 2, 31)).grid
    return Template(
        coordinates=(*time_coordinates(days), *grid_coordinates(grid)),
        variables=(Variable("seen", ("time", "y", "x"), "uint8", 255, {}),),
        chunks={"time": chunk},
        attributes={},
    )


def all_below(folder: str) -> dict[str, bytes | None]:
    return {name: objects.read(objects.join(folder, name)) for name in objects.listing(folder)}


@pytest.mark.parametrize(
    "other",
    [
        daily(west=91),
        daily(chunk=2),
        daily(last=6),
        daily(last=15, west=91),
        daily(last=15, chunk=2),
    ],
    ids=["region", "chunks", "until", "region and until", "chunks and until"],
)
def test_a_store_that_does_not_fit_is_refused_each_time_and_stays_as_it_is(
    run: Run, other: Template
) -> None:
    url = run.places.input("b")
    work_of(run).create(url, daily())
    before, known = (
        all_below(run.places.inputs),
        Run(run.config).ledger.get("stores", "inputs/b.zarr"),
    )
    for _ in range(3):
        with pytest.raises(StoreConflict):
            work_of(run).create(url, other)
        assert all_below(run.places.inputs) == before
        assert Run(run.config).ledger.get("stores", "inputs/b.zarr") == known
    again = work_of(run)
    again.create(url, daily(last=15))
    assert not again.outcomes.cautions


def test_a_store_that_does_not_fit_is_refused_though_another_axis_is_damaged(run: Run) -> None:
    url = run.places.input("b")
    work_of(run).create(url, daily())
    objects.write(objects.join(url, "y/c/0"), b"damaged")
    for _ in range(2):
        with pytest.raises(StoreConflict, match=r"b\.zarr/x"):
            work_of(run).create(url, daily(west=91))


@pytest.mark.parametrize(
    "change",
    [lambda _: None, lambda b: b[:-40], lambda b: b + b" "],
    ids=["lost", "cut", "changed"],
)
def test_metadata_that_changed_are_made_again_before_a_unit_writes(made: Run, change: Any) -> None:
    url = made.places.url("inputs/a.zarr/zarr.json")
    sound = objects.read(url) or b""
    damage = change(sound)
    objects.remove(url) if damage is None else objects.write(url, damage)
    work = work_of(made)
    work.create(made.places.input("a"), TEMPLATE)
    assert objects.read(url) == sound
    (said,) = work.outcomes.cautions
    assert "changed or lost, and made again" in said
    work_of(made).create(made.places.input("a"), TEMPLATE)
    assert not damaged(made.store, Run(made.config).ledger.chunks)


def test_a_damaged_coordinate_stays_known_when_attributes_change(made: Run) -> None:
    path = "inputs/a.zarr/x/c/0"
    objects.write(made.places.url(path), b"damaged")
    work_of(made).describe(made.places.input("a"), {"simulated": "true"})
    assert dict(store.open_raw(made.places.input("a")).attrs) == {"simulated": "true"}
    assert damaged(made.store, Run(made.config).ledger.chunks) == [path]


def test_a_unit_reads_what_it_has_just_written_anew(run: Run) -> None:
    url = run.places.url("training/t/masked.zarr")

    def make(key: str) -> Done:
        store.create(url, TEMPLATE)
        values = np.full(GRID.shape, len(key), "uint8")
        store.write_region(url, {"seen": values}, {})
        assert np.array_equal(store.array(store.open_raw(url), "seen")[...], values)
        return Done(key, "content")

    for key in ("key", "another key"):
        work = work_of(run)
        plan = single(work.run.ledger, "validate", "t", key)
        with held(work.run):
            assert work.once(plan, make).key == key


@pytest.mark.parametrize("folder", ["in", "run", "s"])
def test_paths_are_below_a_store_that_is_named_like_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ledger = Ledger(folder)
    run: Any = SimpleNamespace(store=folder, places=Places(folder), ledger=ledger)
    work = Work(run, Mock(), silent, Outcomes("predict"))
    for path in ("runs/q/cube.zarr", "inputs/a.zarr", "s/a.zarr"):
        work.create(run.places.url(path), TEMPLATE)
        assert f"{path}/zarr.json" in ledger.chunks
    assert not damaged(folder, ledger.chunks)
    assert all(path.startswith(("runs/q/", "inputs/a", "s/a")) for path in ledger.chunks)


@pytest.mark.parametrize("lost", ["quicklooks", "report"])
def test_no_release_goes_without_what_was_made_beside_the_cube(
    run: Run, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ModelRef(run.places.url("models/m"), "m")
    card = objects.join(run.report_url(model), "scorecard.json")
    picture = objects.join(run.quicklooks_url(model), "frozen.png")
    with checksums.noting() as noted:
        for url in (card, picture):
            objects.write(url, b"{}")
    run.ledger.put("annual", "pictures", Done("key", "content", chunks=kept(run.store, noted)))
    monkeypatch.setattr(publish, "scorecard", lambda _: objects.read_json(card))
    found = publish._companions(run, model, "layers")
    assert found.keys() == {"model", "report", "quicklooks"}
    objects.remove(picture if lost == "quicklooks" else card)
    with held(run), pytest.raises(DamagedChunk, match=f"{lost}.*found no object"):
        publish._companions(run, model, "layers")


def test_pictures_of_other_settings_lie_in_another_folder(run: Run, tmp_path: Path) -> None:
    changed = region_file(tmp_path / "b", tmp_path / "archive", annual={"draws": 500})
    model = ModelRef("models/m", "m")
    folders = [Path(r.quicklooks_url(model)).name for r in (run, Run(load(changed)))]
    assert folders[0] != folders[1]


@pytest.mark.parametrize("ended", [CommClosedError("ended"), KeyError("ended"), ValueError("new")])
def test_a_worker_that_ends_between_stages_does_not_end_the_run(
    ended: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("cluster.workers.time.sleep", pauses.append)
    client = Mock()
    client.register_plugin.side_effect = [CommClosedError("ended"), TimeoutError(), None]
    client.unregister_worker_plugin.side_effect = ended
    workers = Expectations("store", client)
    for _ in range(2):
        workers.tell({"a": "b"})
    assert (client.register_plugin.call_count, len(pauses)) == (3, 2)
    workers.end()
    assert not workers.told


def test_workers_that_are_never_told_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.workers.time.sleep", lambda _: None)
    client = Mock()
    client.register_plugin.side_effect = CommClosedError("ended")
    with pytest.raises(CommClosedError):
        Expectations("store", client).tell({"a": "b"})


@pytest.mark.slow
@pytest.mark.process
def test_a_worker_that_was_killed_just_now_is_told_when_it_is_back(run: Run) -> None:
    with cluster.start(cluster.ClusterSpec(workers=2, memory="512MiB")) as client:
        workers = Expectations(run.store, client)
        for step in (lambda: workers.tell({"a": "b"}), workers.end):
            client.wait_for_workers(2, timeout=60)
            os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
            step()
