"""Stage predict: the forest applied to every chunk of days, into the staging cube."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from pipelines import lineage
from pipelines.facts import PredictedDays
from pipelines.plan import Plan, Unit
from pipelines.run import Run
from pipelines.stages.ingest.sufficiency import require_sufficient
from pipelines.stages.train.stage import require_model
from pipelines.work import Work, stage
from soilft.cube import structure as cube
from soilft.cube.attributes import Provenance, global_attributes
from soilft.cube.structure import (
    PredictDays,
    Predicted,
    RecordedDays,
    predict_days,
    write_recorded,
)
from soilft.errors import StoreError
from soilft.forest.artefact import ModelRef
from soilft.predictors.features import kind
from soilft.schema import Template
from soilft.store import zarr as store
from soilft.store.ledger import Done

STAGE = "predict"
CHANGED = "was changed or lost after 0.3.0 predicted it, and is predicted again"


@stage(STAGE)
def predict(work: Work) -> None:
    """Predict the chunks of days that are missing, each whole, into the staging cube.

    Raises
    ------
    AbsentInput
        Where an input lacks so much that nothing may be predicted from what is there.
    """
    run = work.run
    require_sufficient(run)
    model = require_model(run)
    planned = plan(run, model)
    if planned.todo:
        store.sweep_partials(run.staging_url(model))
    work.create(run.staging_url(model), template_of(run, model))
    earlier = _without_checksums(planned)
    again = work.note("earlier days", write_recorded, earlier)
    work.outcomes.cautions += [
        f"{run.staging_url(model)}: {unit.task.task.span} {CHANGED}"
        for unit in earlier.only(*again).units
    ]
    if earlier.units:
        planned = plan(run, model)
    work.do(predict_days, planned, _record, remedy="Make chunks.predict_days smaller.")


def _without_checksums(planned: Plan[PredictDays]) -> Plan[RecordedDays]:
    """Chunks that release 0.3.0 predicted: its records have digests of days alone.

    They are held to these once, before anything is made of them: the next release would have been
    whole by the shards of the one before, but is written from what is staged.
    """
    units = [
        Unit(unit.name, unit.key, RecordedDays(unit.task, tuple(PredictedDays.of(record).days)))
        for unit in planned.done
        for record in [planned.records[unit.name]]
        if not record.chunks
    ]
    return Plan(STAGE, tuple(units), planned.records)


def plan(run: Run, model: ModelRef) -> Plan[PredictDays]:
    """The chunks of the staging cube, keyed by the model and the inputs of their days."""
    config, inputs, features = run.config, run.input_refs(), run.config.feature_set()
    reference, surface = config.label.reference_overpass, config.quality.surface
    units = [
        Unit(
            lineage.predict_unit(run, model, span),
            lineage.predict_key(run, model, span),
            PredictDays(run.staging_url(model), inputs, features, model, reference, span, surface),
        )
        for span in run.predict_spans()
    ]
    return Plan.of(run.ledger, STAGE, units)


def _record(key: str, made: Predicted) -> Done:
    facts = PredictedDays(list(made.days), made.thawed, made.frozen, made.missing)
    return Done(key, made.content, facts.to_json())


def require_predicted(run: Run, model: ModelRef) -> Plan[PredictDays]:
    """The chunks of the staging cube, all of them there.

    Raises
    ------
    StoreError
        Where chunks are missing.
    """
    planned = plan(run, model)
    if planned.todo:
        raise StoreError(
            run.staging_url(model),
            expected=f"all {len(planned)} chunks of days",
            found=f"{len(planned.todo)} missing, the first {planned.todo[0].task.span}",
            remedy="Run the stage predict.",
        )
    return planned


def template_of(run: Run, model: ModelRef) -> Template:
    """Structure of the staging cube, and what it says of itself by today's configuration."""
    config = run.config
    return cube.template(
        config.to_region().grid,
        config.days,
        config.label.overpasses,
        config.chunks.predict_days,
        attributes(run, model),
        calibrated=run.card(model).calibrated,
        radiometers=run.radiometers(),
    )


def attributes(run: Run, model: ModelRef) -> dict[str, Any]:
    """Global attributes of the cube, by today's configuration and the model's card."""
    config, card, empty = run.config, run.card(model), run.without_data()
    daily = [source for name, source in config.daily_sources().items() if name not in empty]
    features = with_data(card.features, {source.role for source in daily})
    origin = Provenance(
        run.references(),
        platforms=[source.platform for source in daily if source.platform],
        instruments=[source.instrument for source in daily if source.instrument],
        simulated=run.is_simulated(),
        created=created(run),
        predictors={kind(name) for name in features},
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
            "features": json.dumps(features),
        },
    )
    # Sets mean nothing without their level, and it is the model's, whatever is configured today.
    level = card.set_level
    return found if level is None else {**found, "conformal_level": level}


def with_data(features: Sequence[str], roles: Collection[str]) -> list[str]:
    """Features that any input tells of, by the roles of the inputs with days that have data."""
    needed = {"microwave": "tb", "reanalysis": "reanalysis"}
    return [name for name in features if needed.get(kind(name)) in {None, *roles}]


def created(run: Run) -> str:
    """Date for ``date_created``: SOURCE_DATE_EPOCH, else the newest day with data."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is not None:
        return datetime.fromtimestamp(int(epoch), UTC).date().isoformat()
    return run.newest_input_day()
