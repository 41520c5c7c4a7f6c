"""Stage 6: publish the complete staging cube with its model and report."""

from __future__ import annotations

from pipelines import annual
from pipelines.events import Emit, Event, silent
from pipelines.outcomes import Outcomes
from pipelines.predict import missing
from pipelines.run import Run
from pipelines.train import require_model
from pipelines.validate import scorecard
from soilft import objects
from soilft.errors import StoreError
from soilft.forest.artefact import ModelRef
from soilft.ledger import digest
from soilft.publication import Release
from soilft.publication import publish as publish_prefix

STAGE = "publish"


def publish(run: Run, emit: Emit = silent) -> tuple[Outcomes, Release]:
    """Publish what is staged, unless exactly that is the latest release.

    Raises
    ------
    StoreError
        Where chunks of the cube are missing: a part is never published.
    """
    model = require_model(run)
    gaps = missing(run, model)
    if gaps:
        raise StoreError(
            run.staging_url(model),
            expected=f"all {len(run.predict_spans())} chunks of days",
            found=f"{len(gaps)} missing, the first {gaps[0]}",
            remedy="Run the stage predict.",
        )
    companions = {"model": model.url}
    if scorecard(run) is not None:
        companions["report"] = run.report_url(model)
    looks = annual.content(run, model) is not None and objects.listing(run.quicklooks_url(model))
    if looks:
        companions["quicklooks"] = run.quicklooks_url(model)
    release = publish_prefix(
        run.store,
        run.staging_url(model),
        identity(run, model),
        companions,
        {
            "title": run.config.title,
            "simulated": run.is_simulated(),
            "period": str(run.config.days),
            "model_digest": model.digest,
        },
        lambda done, total: emit(Event(STAGE, done, total)),
    )
    outcomes = Outcomes(STAGE, done=int(release.fresh), skipped=int(not release.fresh))
    return outcomes, release


def identity(run: Run, model: ModelRef) -> str:
    """Digest of what would be published: values, metadata, and the report beside them."""
    contents = []
    for span in run.predict_spans():
        record = run.ledger.get("predict", run.predict_unit(model, span))
        contents.append("" if record is None else record.content)
    metadata = objects.read(objects.join(run.staging_url(model), "zarr.json")) or b""
    return digest(contents, metadata.decode(), scorecard(run), annual.content(run, model))
