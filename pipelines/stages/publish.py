"""Stage publish: the complete staging cube, with its model and report, as a release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipelines import lineage
from pipelines.checked import held
from pipelines.events import Emit, Event, silent
from pipelines.facts import PredictedDays
from pipelines.outcomes import Outcomes
from pipelines.plan import Plan
from pipelines.run import Run
from pipelines.stages import annual
from pipelines.stages.predict import require_predicted, template_of
from pipelines.stages.train.stage import require_model
from pipelines.stages.validate.stage import scorecard, skill_of
from soilft.cube.structure import PredictDays
from soilft.errors import DamagedObject
from soilft.forest.artefact import ModelRef, require_whole
from soilft.release import changes
from soilft.release import checks as release_checks
from soilft.release import page as viewer
from soilft.release.layout import Layout
from soilft.release.publication import Release, described, latest
from soilft.release.publication import publish as publish_prefix
from soilft.release.staged import Staged
from soilft.store import checksums, objects
from soilft.store.digest import digest

STAGE = "publish"
NOT_COPIED = "changed or lost since it was published; this release has it from what is staged"
WITHOUT_ANNUAL = (
    "without annual layers, which the release before has: of this cube they are not made. Run "
    "soilft annual, then soilft publish"
)
# Path of the group of annual layers within the cube.
ANNUAL = "annual"


def publish(run: Run, emit: Emit = silent) -> tuple[Outcomes, Release]:
    """Publish what is staged, unless exactly that is the latest release.

    Raises
    ------
    StoreError
        Where chunks of the cube are missing: a part is never published.
    DamagedChunk
        Where one is not as it was predicted: soilft run makes it again.
    ReleaseRefused
        Where recent days are missing, states cannot be, or the forest of a first release is no
        better than the majority class, beyond the region file's limits.
    """
    with held(run):
        model = require_model(run)
        predicted = require_predicted(run, model)
        before = _latest_description(run)
        staged = staging(run, model, predicted, before)
        release = publish_prefix(
            run.store,
            staged,
            lambda done, total: emit(Event(STAGE, done, total)),
            seconds=run.config.publication.lease_seconds,
            compared=lambda cube: changes.compared(cube, staged.url, staged.new_days(before)),
        )
    outcomes = Outcomes(STAGE, done=int(release.fresh), skipped=int(not release.fresh))
    outcomes.cautions += staged.facts["checks"]["cautions"]
    outcomes.cautions += [f"{url}: {NOT_COPIED}" for url in release.damaged]
    if release.fresh and ANNUAL in (before or {}).get("groups", ()) and not staged.groups:
        outcomes.cautions.append(f"{release.version}: {WITHOUT_ANNUAL}")
    return outcomes, release


def staging(
    run: Run, model: ModelRef, predicted: Plan[PredictDays], before: Mapping[str, Any] | None
) -> Staged:
    """Everything that is to be published, checked; ``before`` is the latest release, described.

    Raises
    ------
    ReleaseRefused
        Where it must not be published.
    ModelError
        Where the model that would lie beside the cube is damaged.
    """
    limits, skill = run.config.publication.limits(), skill_of(run, model)
    report = objects.join(run.report_url(model), "report.html")
    checks = release_checks.require_skill(report, skill, limits, released=before is not None)
    require_whole(model)
    staged = _staged(run, model, predicted, before, skill.caution if skill else "")
    checks |= release_checks.check(
        staged.url, staged.days, staged.new_days(before), run.input_refs().reanalysis, limits
    )
    return staged.saying(checks=checks)


def _staged(
    run: Run,
    model: ModelRef,
    predicted: Plan[PredictDays],
    before: Mapping[str, Any] | None,
    caution: str,
) -> Staged:
    """Everything that is to be published, as yet unchecked; the cube says what is to be told."""
    method, layers = lineage.method(run, model), annual.content(run, model)
    template, contents = template_of(run, model), _contents(predicted)
    if caution:
        template = replace(template, attributes={**template.attributes, "caution": caution})
    return Staged(
        url=run.staging_url(model),
        template=template,
        days=run.config.days,
        contents=contents,
        layout=Layout.following(
            before,
            method,
            run.config.to_region().grid.shape,
            len(run.config.days),
            series=run.config.publication.series,
        ),
        method=method,
        groups={} if layers is None else {ANNUAL: (run.annual_url(model), layers)},
        companions=_companions(run, model, layers),
        files=viewer.files(),
        facts={
            "id": template.attributes["id"],
            "title": template.attributes["title"],
            "simulated": run.is_simulated(),
            "period": str(run.config.days),
            "model_digest": model.digest,
            "contents": digest(contents),
        },
    )


def _companions(run: Run, model: ModelRef, layers: str | None) -> dict[str, tuple[str, str]]:
    """What lies beside the cube, by folder: its URL, and the digest of what it was made from."""
    for folder in (run.report_url(model), run.quicklooks_url(model)):
        for name in sorted(checksums.known(folder)):
            checksums.hold(objects.join(folder, name), objects.read(objects.join(folder, name)))
    found = {"model": (model.url, model.digest)}
    scores = scorecard(run)
    if scores is not None:
        found["report"] = (run.report_url(model), digest(scores))
    if layers is not None and objects.listing(run.quicklooks_url(model)):
        found["quicklooks"] = (run.quicklooks_url(model), layers)
    return found


def _latest_description(run: Run) -> dict[str, Any] | None:
    pointer = latest(run.store)
    return None if pointer is None else described(run.store, pointer["version"])


def _contents(predicted: Plan[PredictDays]) -> list[str]:
    """Digest of the values of every day, from the ledger."""
    records = [predicted.records[unit.name] for unit in predicted.done]
    return [day for record in records for day in PredictedDays.of(record).days]


def is_published(run: Run, model: ModelRef, predicted: Plan[PredictDays]) -> bool:
    """Whether the latest release is what would be published: values, packing, what is beside."""
    pointer = latest(run.store)
    if pointer is None:
        return False
    try:
        before = described(run.store, pointer["version"])
    except DamagedObject:
        return False
    skill = skill_of(run, model)
    staged = _staged(run, model, predicted, before, skill.caution if skill else "")
    return bool(pointer["identity"] == staged.identity)
