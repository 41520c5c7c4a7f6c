"""A forest that is no better than the majority class is not published without a word."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from pipelines import lineage
from pipelines.cli.exit_codes import ExitCode, exit_code
from pipelines.config.region_file import load
from pipelines.facts import Scored
from pipelines.run import Run
from pipelines.stages.publish import publish
from pipelines.stages.validate.stage import skill_of
from soilft.errors import ReleaseRefused
from soilft.release.checks import UNKNOWN
from soilft.release.publication import latest
from soilft.scores.skill import Skill
from soilft.store import objects
from soilft.store.ledger import Done
from tests.support.predicted import Predicted, predicted
from tests.support.small_run import region_file

NONE, SOME = Skill(0.01, -0.02, 0.04, 900), Skill(0.05, 0.03, 0.07, 900)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Predicted:
    return predicted(tmp_path_factory.mktemp("predicted"))


@pytest.fixture
def done(made: Predicted, tmp_path: Path) -> Predicted:
    """Give a copy of that store, to publish from."""
    store = shutil.copytree(made.run.store, tmp_path / "store")
    run = Run(made.run.config.model_copy(update={"store": str(store)}))
    model = run.model()
    assert model is not None
    return replace(made, run=run, model=model)


def judged(done: Predicted, skill: Skill | None) -> None:
    facts = Scored(None if skill is None else skill.to_json()).to_json()
    run_id = lineage.run_id(done.run, done.model)
    done.run.ledger.put("validate", run_id, Done("key", "content", facts))


def asking(done: Predicted, **changes: Any) -> Run:
    publication = done.run.config.publication.model_copy(update=changes)
    return Run(done.run.config.model_copy(update={"publication": publication}))


def caution_of(run: Run) -> object:
    pointer = latest(run.store) or {}
    return xr.open_zarr(objects.join(run.store, pointer["cube"])).attrs.get("caution")


def test_no_skill_is_refused_where_nothing_was_released(done: Predicted) -> None:
    judged(done, NONE)
    with pytest.raises(
        ReleaseRefused, match=r"above publication.min_skill, 0.0, found \+0.0100 "
    ) as error:
        publish(done.run)
    assert exit_code(error.value) is ExitCode.STORE
    assert latest(done.run.store) is None
    judged(done, SOME)
    with pytest.raises(ReleaseRefused, match=r"publication.min_skill, 0.03, found \+0.0500"):
        publish(asking(done, min_skill=0.03))


def test_with_the_key_lowered_it_is_published_with_a_caution(done: Predicted) -> None:
    judged(done, NONE)
    outcomes, release = publish(asking(done, min_skill=-0.5))
    assert release.fresh
    assert outcomes.cautions == [NONE.caution]
    assert outcomes.complete
    assert caution_of(done.run) == NONE.caution
    said = json.loads((Path(done.run.store) / "releases/v1.0/release.json").read_text())
    assert said["checks"]["skill"] == NONE.to_json()
    # A store that has a release goes on, whatever the key says.
    outcomes, release = publish(done.run)
    assert not release.fresh
    assert outcomes.cautions[0] == NONE.caution
    assert "The store has a release." in outcomes.cautions[1]


def test_skill_is_published_without_a_word(done: Predicted) -> None:
    judged(done, SOME)
    outcomes, release = publish(done.run)
    assert release.version == "v1.0"
    assert not outcomes.cautions
    assert caution_of(done.run) is None


def test_what_was_not_judged_is_said(done: Predicted) -> None:
    assert skill_of(done.run, done.model) is None
    outcomes, _ = publish(done.run)
    assert outcomes.cautions == [UNKNOWN]
    assert "soilft validate has not judged it" in UNKNOWN
    assert caution_of(done.run) is None


def test_a_scorecard_of_0_3_0_tells_of_the_skill(done: Predicted) -> None:
    judged(done, None)
    headline = {
        "scores": {"overall_accuracy": 0.9, "majority_share": 0.875, "rows": 90},
        "intervals": {"overall_accuracy": [0.75, 1.0]},
    }
    place = objects.join(done.run.report_url(done.model), "scorecard.json")
    objects.write(
        place, objects.to_json({"simulated": True, "experiments": {"year_block": headline}})
    )
    found = skill_of(done.run, done.model)
    assert found is not None
    assert found.gain == pytest.approx(0.025)
    assert (found.low, found.high, found.rows) == (-0.125, 0.125, 90)
    unknown = {"simulated": True, "experiments": {"year_block": {**headline, "intervals": None}}}
    objects.write(place, objects.to_json(unknown))
    assert skill_of(done.run, done.model) is None


def test_the_key_is_in_no_digest(tmp_path: Path) -> None:
    plain, lowered = (
        load(region_file(tmp_path / name, tmp_path / "archive", publication={"min_skill": least}))
        for name, least in (("plain", 0), ("lowered", -1))
    )
    assert plain.digest() == lowered.digest()
    assert lowered.publication.limits().min_skill == -1
