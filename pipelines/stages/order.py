"""All stages in order: native granules in, a published cube out."""

from __future__ import annotations

from dataclasses import dataclass

from distributed import Client

from pipelines.annual import annual
from pipelines.events import Emit
from pipelines.harmonize import harmonize
from pipelines.ingest import ingest
from pipelines.outcomes import Outcomes
from pipelines.predict import predict
from pipelines.publish import publish
from pipelines.run import Run
from pipelines.train import train
from pipelines.validate import validate
from soilft.publication import Release

NAMES = ("ingest", "harmonize", "train", "predict", "annual", "validate", "publish")


@dataclass(frozen=True)
class Finished:
    """What a run came to: each stage's outcomes, and the release where there is one."""

    outcomes: tuple[Outcomes, ...]
    release: Release | None


def run_all(run: Run, client: Client, emit: Emit) -> Finished:
    """Every stage in order; a stage with failed units ends the run there."""
    outcomes: list[Outcomes] = []
    for stage in (ingest, harmonize, train, predict, annual, validate):
        outcomes.append(stage(run, client, emit))
        if outcomes[-1].failed:
            return Finished(tuple(outcomes), None)
    published, release = publish(run, emit)
    return Finished((*outcomes, published), release)
