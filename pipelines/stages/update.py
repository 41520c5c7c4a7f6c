"""Command update: new days ingested, changed days predicted, the next release, the same model.

The forest, the transfers between radiometers and the normals stay those of the latest release, so
that a day which is published keeps its value unless its own inputs, or those of days near it, have
changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from distributed import Client

from pipelines.events import Emit
from pipelines.run import Pins, Run
from pipelines.stages.annual import annual
from pipelines.stages.ingest.stage import ingest
from pipelines.stages.order import Finished, in_order
from pipelines.stages.predict import predict
from soilft.errors import StoreConflict, StoreError
from soilft.forest.artefact import ModelRef
from soilft.release.publication import described, latest
from soilft.release.versions import prefix_of
from soilft.store import objects
from soilft.store.ledger import Done


def update(run: Run, client: Client, emit: Emit) -> Finished:
    """Bring the latest release up to the region file's last day and to late granules.

    Raises
    ------
    StoreError
        Where nothing was published yet.
    StoreConflict
        Where the region file asks for another method than the latest release's.
    """
    return in_order((ingest, predict, annual), pinned(run), client, emit)


def pinned(run: Run) -> Run:
    """The run with forest, transfers and normals as they were released.

    Raises
    ------
    StoreError, StoreConflict
        As `update`.
    """
    pointer = latest(run.store)
    said = None if pointer is None else described(run.store, pointer["version"])
    if said is None:
        raise StoreError(
            run.store,
            expected="a release to update",
            found="none",
            remedy="Make the first one: soilft run.",
        )
    method = said["method"]
    if method["config"] != run.config.digest():
        raise StoreConflict(
            prefix_of(run.store, said["version"]),
            expected=f"the region file it was made with (digest {method['config'][:12]})",
            found=f"one that asks for another product ({run.config.digest()[:12]})",
            remedy="Only the last day may differ. For a new version: soilft run.",
        )
    pins = Pins(
        _model(run, said),
        transfers=_record(method["transfers"]),
        normals=_record(method["normals"]),
    )
    return replace(run, pins=pins)


def _model(run: Run, said: dict[str, Any]) -> ModelRef:
    """The released forest: where it was trained, or the copy beside the cube."""
    digest = said["method"]["model"]
    trained = ModelRef(run.places.model(digest), digest)
    if run.is_whole(trained):
        return trained
    return ModelRef(objects.join(prefix_of(run.store, said["version"]), "model"), digest)


def _record(kept: dict[str, Any] | None) -> Done | None:
    return None if kept is None else Done("", kept["content"], kept["facts"])
