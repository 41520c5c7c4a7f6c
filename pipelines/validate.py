"""Stage 4: score the model, and write scorecard and report beside the staging cube."""

from __future__ import annotations

from typing import Any

from distributed import Client

from pipelines.events import Emit, silent
from pipelines.outcomes import Outcomes, collect
from pipelines.run import Run
from pipelines.train import check_table_fits, require_model
from soilft import __version__, objects
from soilft.forest.artefact import ModelRef
from soilft.ledger import Record, digest
from soilft.report import render
from soilft.validation import ScoreFold, ScoreSplits, evaluate, pooled

STAGE = "validate"


def validate(run: Run, client: Client, emit: Emit = silent) -> Outcomes:
    """Score on the random split, on held-out blocks, and with shuffled labels."""
    model = require_model(run)
    outcomes = Outcomes(STAGE)
    key = scorecard_key(run, model)
    if run.ledger.is_done(STAGE, run.run_id(model), key):
        outcomes.skipped += 1
        return outcomes
    folds = _folds(run, shuffle=False)
    control = _folds(run, shuffle=True) if run.config.validation.negative_control else {}
    tasks: dict[str, ScoreSplits | ScoreFold] = {
        "splits": ScoreSplits(run.table_url(), model),
        **folds,
        **control,
    }
    table = run.ledger.get("train", "table")
    if table is not None:
        check_table_fits(run, client, STAGE, table)
    found: dict[str, Any] = {}
    collect(client, evaluate, tasks, found.__setitem__, outcomes, emit)
    if outcomes.failed:
        return outcomes
    scorecard = {
        "title": run.config.title,
        "simulated": run.is_simulated(),
        "days": len(run.config.days),
        "period": str(run.config.days),
        "model_digest": model.digest,
        "label": run.config.label.input,
        "random_split_for_comparison_only": found["splits"],
        "spatial_blocks": pooled([found[unit] for unit in folds]),
        "shuffled_labels": pooled([found[unit] for unit in control]) if control else None,
        "validation": run.config.validation.model_dump(mode="json"),
        "set_aside": [item.reason for item in run.set_aside()],
    }
    content = objects.to_json(scorecard)
    objects.write(objects.join(run.report_url(model), "scorecard.json"), content)
    html = render(scorecard)
    objects.write(objects.join(run.report_url(model), "report.html"), html.encode())
    run.ledger.put(STAGE, run.run_id(model), Record(key, digest(scorecard)))
    return outcomes


def scorecard_key(run: Run, model: ModelRef) -> str:
    """What a scorecard depends on."""
    table = run.ledger.get("train", "table")
    settings = run.config.validation.model_dump(mode="json")
    forest = repr(run.config.forest.settings())
    reasons = [item.reason for item in run.set_aside()]
    content = "" if table is None else table.content
    return digest(__version__, run.run_id(model), content, settings, forest, reasons)


def scorecard(run: Run) -> dict[str, Any] | None:
    """The scorecard of today's model, or None where it was not made."""
    model = run.model()
    if model is None:
        return None
    found: dict[str, Any] | None = objects.read_json(
        objects.join(run.report_url(model), "scorecard.json")
    )
    return found


def _folds(run: Run, *, shuffle: bool) -> dict[str, ScoreFold]:
    settings = run.config.validation
    name = "shuffled labels, fold" if shuffle else "blocks, fold"
    return {
        f"{name} {fold}": ScoreFold(
            run.table_url(),
            run.config.forest.settings(),
            run.config.to_region(),
            settings.block_degrees,
            settings.folds,
            fold,
            settings.seed,
            shuffle,
        )
        for fold in range(settings.folds)
    }
