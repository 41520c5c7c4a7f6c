"""Stage validate: scores of the model and its cube; scorecard and report beside the cube."""

from __future__ import annotations

from functools import partial
from typing import Any

from pipelines import lineage
from pipelines.facts import Harmonized, Scored, TrainingTable
from pipelines.plan import Plan, single
from pipelines.run import Run
from pipelines.stages.ingest import sufficiency
from pipelines.stages.train.stage import require_model
from pipelines.stages.validate.evidence import STAGE, gather, references
from pipelines.stages.validate.figures import figures
from pipelines.work import Work, stage
from soilft.forest.artefact import ModelRef, card_of
from soilft.report.page import render
from soilft.scores.evidence import HEADLINE, TRUTH
from soilft.scores.scorecard import assemble, skill
from soilft.scores.skill import Skill
from soilft.scores.subject import Subject
from soilft.store import documents, objects
from soilft.store.digest import digest
from soilft.store.ledger import Done


@stage(STAGE)
def validate(work: Work) -> None:
    """Score on held-out years and blocks, beside baselines, other labels, stations and truth."""
    run = work.run
    model = require_model(run)
    planned = plan(run, model)
    work.outcomes.skipped += len(planned.done)
    # What is counted is the tasks that the evidence takes.
    work.once(planned, partial(_score, work, model), counted=False)


def plan(run: Run, model: ModelRef) -> Plan[None]:
    """The scorecard of a model and its cube."""
    key = lineage.scorecard_key(run, model, list(references(run)))
    return single(run.ledger, STAGE, lineage.run_id(run, model), key)


def _score(work: Work, model: ModelRef, key: str) -> Done:
    run = work.run
    evidence = gather(work, model)
    about = subject(run, model, evidence.record)
    found, gained = assemble(about, evidence), skill(about, evidence)
    folder = run.report_url(model)
    objects.write(objects.join(folder, "scorecard.json"), objects.to_json(found))
    page = render(found, figures(run, model, evidence, found))
    objects.write(objects.join(folder, "report.html"), page.encode())
    facts = Scored(None if gained is None else gained.to_json())
    return Done(key, digest(found), facts.to_json())


def subject(run: Run, model: ModelRef, record: Done) -> Subject:
    """What the scorecard of a model is about; the record is that of its training table."""
    config, harmonized, table = run.config, run.harmonization(), TrainingTable.of(record)
    skip = {TRUTH, config.label.input}
    return Subject(
        config.title,
        config.days,
        config.label.input,
        config.label.overpasses,
        tuple(name for name in references(run) if name not in skip),
        run.is_simulated(),
        tuple(item.reason for item in run.set_aside()),
        model.digest,
        card_of(model),
        table.rows,
        table.labels,
        table.block_degrees,
        table.correlation_range["degrees"],
        config.validation.model_dump(mode="json"),
        None if harmonized is None else Harmonized.of(harmonized).told,
        config.gap_filling.levels if run.radiometers() else None,
        tuple(sufficiency.cautions(run)),
    )


def skill_of(run: Run, model: ModelRef) -> Skill | None:
    """Skill of a model on its held-out rows; None where it was not judged, or has no interval.

    An update goes on with newer inputs than those of the model's scorecard; its rows are the same.
    """
    record = run.ledger.get(STAGE, lineage.run_id(run, model))
    told = None if record is None else Scored.of(record).skill
    if told is not None:
        return Skill.from_json(told)
    # Records of 0.3.0 tell of no skill, their scorecards of nearly the same.
    found = _scorecard(run, model)
    return None if found is None else Skill.of_scorecard(found)


def scorecard(run: Run) -> dict[str, Any] | None:
    """The scorecard of today's model, or None where it was not made."""
    model = run.model()
    if model is None:
        return None
    return _scorecard(run, model)


def _scorecard(run: Run, model: ModelRef) -> dict[str, Any] | None:
    record = run.places.url("ledger", STAGE, f"{lineage.run_id(run, model)}.json")
    return documents.read(
        objects.join(run.report_url(model), "scorecard.json"),
        {"simulated": bool, "experiments": {HEADLINE: {"?scores": dict}}},
        f"Put it back from a copy, or remove {record} to have it made anew: soilft validate.",
    )
