"""A stage at work: what it skips, sends, records and gathers, and where it ends."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from distributed import Client

from pipelines import outcomes
from pipelines.config.region_file import load
from pipelines.events import Event
from pipelines.outcomes import Outcomes
from pipelines.plan import Plan, Unit, single
from pipelines.run import Run
from pipelines.stages.order import in_order
from pipelines.work import UnitsFailed, Work, stage
from soilft.errors import GridMismatch, TaskTooLarge
from soilft.store.ledger import Done, SetAside
from tests.support.small_run import region_file


@dataclass(frozen=True)
class Inverse:
    """Write 1 / value into a file, where one is named."""

    value: int
    file: str | None = None
    peak_bytes: int = 0


def inverse(task: Inverse) -> float:
    if task.value == 3:
        raise GridMismatch("file.nc", expected="south first", found="north first")
    if task.file is not None:
        Path(task.file).write_text(str(1 / task.value))
    return 1 / task.value


def recorded(key: str, value: float) -> Done:
    return Done(key, str(value))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(load(region_file(tmp_path, tmp_path / "archive")))


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def work(run: Run, dask_client: Client, events: list[Event]) -> Work:
    return Work(run, dask_client, events.append, Outcomes("predict"))


def numbers(*values: int) -> dict[str, Inverse]:
    return {f"number {value}": Inverse(value) for value in values}


def plan_of(run: Run, folder: Path, *values: int, key: str | None = "key") -> Plan[Inverse]:
    units = [Unit(str(v), key, Inverse(v, str(folder / str(v)))) for v in values]
    return Plan.of(run.ledger, "predict", units, within="some/")


def records_in(run: Run) -> dict[str, str]:
    folder = Path(run.places.url("ledger", "predict", "some"))
    return {path.stem: json.loads(path.read_text())["content"] for path in folder.glob("*.json")}


def test_results_are_in_the_order_of_the_tasks(work: Work, events: list[Event]) -> None:
    values = [40, 1, 30, 2, 20, 4, 10]
    assert work.gather("numbers", inverse, numbers(*values)) == [1 / v for v in values]
    assert [(e.stage, e.done, e.total) for e in events] == [("numbers", i, 7) for i in range(8)]
    assert (work.outcomes.done, work.outcomes.failed) == (0, {})


def test_tasks_that_count_are_units_of_the_stage(work: Work) -> None:
    work.gather("predict", inverse, numbers(1, 2), counted=True)
    with pytest.raises(UnitsFailed):
        work.gather("predict", inverse, numbers(3, 4), counted=True)
    assert (work.outcomes.done, set(work.outcomes.failed)) == (3, {"number 3"})


def test_it_raises_once_with_every_failed_unit_when_all_were_tried(
    work: Work, events: list[Event]
) -> None:
    with pytest.raises(UnitsFailed) as raised:
        work.gather("numbers", inverse, numbers(0, 1, 3, 2, 5))
    assert set(raised.value.failed) == {"number 0", "number 3"}
    assert "ZeroDivisionError" in raised.value.failed["number 0"]
    assert "expected south first" in raised.value.failed["number 3"]
    assert (events[-1].done, events[-1].total) == (5, 5)


def test_results_of_a_run_before_are_not_made_again(work: Work, events: list[Event]) -> None:
    kept = {"number 3": 0.25}
    assert work.gather("numbers", inverse, numbers(1, 3, 2), kept=kept) == [1.0, 0.25, 0.5]
    assert [(e.done, e.total) for e in events] == [(1, 3), (2, 3), (3, 3)]


def test_nothing_is_sent_or_told_without_tasks(work: Work, events: list[Event]) -> None:
    assert work.gather("numbers", inverse, {}) == []
    assert work.gather("numbers", inverse, numbers(2), kept={"number 2": 0.5}) == [0.5]
    assert events == []


def test_groups_share_the_cluster_and_come_back_apart(work: Work, events: list[Event]) -> None:
    groups = {"odd": numbers(1, 5), "none": {}, "even": numbers(2, 4)}
    found = work.gather_by("numbers", inverse, groups)
    assert found == {"odd": [1.0, 0.2], "none": [], "even": [0.5, 0.25]}
    assert [e.total for e in events] == [4] * 5


def test_no_task_is_sent_where_one_fits_no_worker(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "worker_memory_limit", lambda _: 2**30)
    tasks = {
        "small": Inverse(1, str(tmp_path / "small"), 2**20),
        "large": Inverse(2, str(tmp_path / "large"), 2**31),
    }
    with pytest.raises(TaskTooLarge, match=r"a task of predict: .* found 2048 MiB.*Cut them"):
        work.gather("numbers", inverse, tasks, remedy="Cut them smaller.")
    assert not (tmp_path / "small").exists()


def test_what_is_done_is_skipped_and_each_unit_recorded_after_its_data(
    work: Work, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.ledger.put("predict", "some/1", Done("key", "of before"))
    run.ledger.put("predict", "some/2", Done("another key", "of before"))
    put = type(run.ledger).put

    def after_its_data(self: object, at: str, unit: str, record: Done) -> None:
        assert (tmp_path / unit.removeprefix("some/")).read_text() == record.content
        put(self, at, unit, record)  # type: ignore[arg-type]

    monkeypatch.setattr(type(run.ledger), "put", after_its_data)
    work.do(inverse, plan_of(run, tmp_path, 1, 2, 4), recorded)
    assert not (tmp_path / "1").exists()
    assert records_in(run) == {"1": "of before", "2": "0.5", "4": "0.25"}
    assert (work.outcomes.done, work.outcomes.skipped) == (2, 1)
    assert not plan_of(run, tmp_path, 1, 2, 4).todo


def test_one_bad_unit_costs_no_other(work: Work, run: Run, tmp_path: Path) -> None:
    with pytest.raises(UnitsFailed, match="south first"):
        work.do(inverse, plan_of(run, tmp_path, 3, 1, 2), recorded)
    assert set(records_in(run)) == {"1", "2"}
    assert set(work.outcomes.failed) == {"3"}


def test_units_whose_keys_are_not_known_yet_are_left_alone(
    work: Work, run: Run, tmp_path: Path, events: list[Event]
) -> None:
    work.do(inverse, plan_of(run, tmp_path, 1, 2, key=None), recorded)
    assert (records_in(run), events) == ({}, [])


def test_what_was_set_aside_is_told(
    work: Work, run: Run, tmp_path: Path, events: list[Event]
) -> None:
    aside = (SetAside("file.nc", "grid", "file.nc: it is upside down"),)
    work.do(inverse, plan_of(run, tmp_path, 1), lambda key, _: Done(key, "", {}, aside))
    assert "set aside file.nc: it is upside down" in [event.note for event in events]


def test_a_record_that_is_there_is_not_made_again(work: Work, run: Run) -> None:
    def planned(key: str | None) -> Plan[None]:
        return single(run.ledger, "predict", "one", key)

    made = work.once(planned("key"), lambda key: Done(key, "content"))
    assert run.ledger.get("predict", "one") == made
    again = work.once(planned("key"), lambda _: pytest.fail("it is there"))
    assert again == made
    other = work.once(planned("another"), lambda key: Done(key, "other"), counted=False)
    assert (other.key, other.content) == ("another", "other")
    assert (work.outcomes.done, work.outcomes.skipped) == (1, 1)
    with pytest.raises(RuntimeError, match="one depends on units that are to do"):
        work.once(planned(None), lambda _: pytest.fail("its key is not known"))


def test_a_plan_tells_what_is_done_from_what_is_to_do(run: Run, tmp_path: Path) -> None:
    for name, key in (("1", "key"), ("2", "old"), ("4", "key")):
        run.ledger.put("predict", f"some/{name}", Done(key, f"content {name}"))
    planned = plan_of(run, tmp_path, 4, 2, 1, 5)
    assert len(planned) == 4
    assert [unit.name for unit in planned.done] == ["4", "1"]
    assert [unit.name for unit in planned.todo] == ["2", "5"]
    assert planned.contents == ["content 4", "content 1"]
    assert [unit.name for unit in planned.left.units] == ["2", "5"]
    assert not planned.left.done
    assert [unit.name for unit in planned.only("1", "2").todo] == ["2"]


def test_failed_units_end_the_stage_and_the_run_there(
    run: Run, dask_client: Client, events: list[Event]
) -> None:
    went_on: list[str] = []

    @stage("numbers")
    def numbering(work: Work) -> None:
        """Invert some numbers."""
        work.gather("parts", inverse, numbers(1, 3))
        went_on.append("numbers")

    @stage("after")
    def after(work: Work) -> None:
        went_on.append("after")

    assert numbering.__doc__ == "Invert some numbers."
    finished = in_order((numbering, after), run, dask_client, events.append)
    (outcome,) = finished.outcomes
    assert str(outcome) == "numbers: 0 done, 0 up to date, 1 failed"
    assert set(outcome.failed) == {"number 3"}
    assert (finished.release, went_on) == (None, [])
