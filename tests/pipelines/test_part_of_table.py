"""A table that fits no worker is judged by a part of it, and the scorecard says so."""

import shutil
from pathlib import Path

import pytest
from distributed import Client

from pipelines.config.region_file import load
from pipelines.events import silent
from pipelines.outcomes import Outcomes
from pipelines.run import Run
from pipelines.stages.train.stage import require_model
from pipelines.stages.validate import evidence as judging
from pipelines.stages.validate.evidence import gather
from pipelines.stages.validate.stage import subject
from pipelines.work import Work
from soilft.scores.scorecard import assemble
from soilft.training.table import read_table
from tests.support.small_run import region_file

pytestmark = pytest.mark.slow


def test_a_part_is_judged_and_said(
    dask_client: Client,
    small_archive: Path,
    unbroken: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(unbroken, tmp_path / "store")
    run = Run(load(region_file(tmp_path, small_archive)))
    rows = len(read_table(run.table_url()))
    monkeypatch.setattr(judging, "rows_that_fit", lambda *_: rows // 2)
    model, outcomes = require_model(run), Outcomes("validate")
    evidence = gather(Work(run, dask_client, silent, outcomes), model)
    assert not outcomes.failed, outcomes.failed
    found = assemble(subject(run, model, evidence.record), evidence)
    assert found["settings"]["table_rows"] == rows
    assert found["settings"]["judged_rows"] == rows // 2
    assert f"{rows // 2} of its {rows} rows" in " ".join(found["cautions"])
    judged = found["experiments"]["year_block"]["scores"]["rows"]
    assert 100 < judged <= rows // 2
    persistence = next(b for b in found["baselines"] if b["name"] == "persistence")
    assert persistence["overall_accuracy"] > 0.5
