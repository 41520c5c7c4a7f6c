"""Stage predict: the forest applied to every chunk of days, into the staging cube."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from distributed import Client

from pipelines.events import Emit, silent
from pipelines.run import Run
from pipelines.stages.train.stage import require_model
from pipelines.work import Outcomes, check_memory, collect
from soilft.cube import structure as cube
from soilft.cube.attributes import Origin, global_attributes
from soilft.cube.structure import PredictDays, Predicted, predict_days
from soilft.days import DaySpan
from soilft.forest.artefact import ModelRef
from soilft.schema import Template
from soilft.store import objects
from soilft.store import zarr as store
from soilft.store.ledger import Record

STAGE = "predict"


def predict(run: Run, client: Client, emit: Emit = silent) -> Outcomes:
    """Plan the chunks that are missing, submit them, collect what becomes of each."""
    model = require_model(run)
    todo = missing(run, model)
    outcomes = Outcomes(STAGE, skipped=len(run.predict_spans()) - len(todo))
    if not todo:
        return outcomes
    store.sweep_partials(run.staging_url(model))
    store.create(run.staging_url(model), template_of(run, model))
    tasks = {
        run.predict_unit(model, span): PredictDays(
            run.staging_url(model),
            run.input_refs(),
            run.config.feature_set(),
            model,
            run.config.label.reference_overpass,
            span,
            run.config.quality.surface,
        )
        for span in todo
    }
    check_memory(
        client, STAGE, next(iter(tasks.values())).peak_bytes, "Make chunks.predict_days smaller."
    )

    def remember(unit: str, made: Predicted) -> None:
        facts = {
            "thawed": made.thawed,
            "frozen": made.frozen,
            "missing": made.missing,
            "days": list(made.days),
        }
        key = run.predict_key(model, tasks[unit].span)
        run.ledger.put(STAGE, unit, Record(key, made.content, facts))

    collect(client, predict_days, tasks, remember, outcomes, emit)
    return outcomes


def missing(run: Run, model: ModelRef) -> list[DaySpan]:
    """Chunks that the ledger does not have for this model and these inputs."""
    return [
        span
        for span in run.predict_spans()
        if not run.ledger.is_done(
            STAGE, run.predict_unit(model, span), run.predict_key(model, span)
        )
    ]


def template_of(run: Run, model: ModelRef) -> Template:
    """Structure of the staging cube, and what it says of itself by today's configuration."""
    config = run.config
    card: dict[str, Any] = objects.read_json(objects.join(model.url, "card.json"))
    return cube.template(
        config.to_region().grid,
        config.days,
        config.label.overpasses,
        config.chunks.predict_days,
        attributes(run, model),
        calibrated=card["uncertainty"] is not None,
        radiometers=run.radiometers(),
    )


def attributes(run: Run, model: ModelRef) -> dict[str, Any]:
    """Global attributes of the cube, by today's configuration."""
    config = run.config
    card: dict[str, Any] = objects.read_json(objects.join(model.url, "card.json"))
    daily = config.daily_sources().values()
    origin = Origin(
        run.references(),
        platforms=[source.platform for source in daily if source.platform],
        instruments=[source.instrument for source in daily if source.instrument],
        simulated=run.is_simulated(),
        created=created(run),
    )
    found = global_attributes(
        config.to_region(),
        config.days,
        title=config.title,
        reference_overpass=config.label.reference_overpass,
        origin=origin,
        made_by=config.metadata.credits(),
        identity={
            "model_digest": model.digest,
            "config_digest": config.digest(),
            "features": json.dumps(card["features"]),
        },
    )
    # Sets mean nothing without their level, and it is the model's, whatever is configured today.
    sets = (card["uncertainty"] or {}).get("conformal")
    return found if sets is None else {**found, "conformal_level": float(sets["level"])}


def created(run: Run) -> str:
    """Date for ``date_created``: SOURCE_DATE_EPOCH, else the newest day with data."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is not None:
        return datetime.fromtimestamp(int(epoch), UTC).date().isoformat()
    return run.newest_input_day()
