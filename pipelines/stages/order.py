"""Order of the stages: native granules in, a published cube out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from distributed import Client

from pipelines.events import Emit
from pipelines.outcomes import Outcomes
from pipelines.run import Run
from pipelines.stages.annual import annual
from pipelines.stages.harmonize.transfers import harmonize
from pipelines.stages.ingest.stage import ingest
from pipelines.stages.predict import predict
from pipelines.stages.publish import publish
from pipelines.stages.train.stage import train
from pipelines.stages.validate.stage import validate
from pipelines.work import Stage
from soilft.release.publication import Release

#: The stages that need a cluster, in order.
ON_CLUSTER: Mapping[str, Stage] = MappingProxyType(
    {
        "ingest": ingest,
        "harmonize": harmonize,
        "train": train,
        "predict": predict,
        "annual": annual,
        "validate": validate,
    }
)
NAMES = (*ON_CLUSTER, "publish")


@dataclass(frozen=True)
class Finished:
    """What a run came to: each stage's outcomes, and the release where there is one."""

    outcomes: tuple[Outcomes, ...]
    release: Release | None


def run_all(run: Run, client: Client, emit: Emit) -> Finished:
    """Every stage in order."""
    return in_order(ON_CLUSTER.values(), run, client, emit)


def in_order(stages: Iterable[Stage], run: Run, client: Client, emit: Emit) -> Finished:
    """Some stages in order, then publish; a stage with failed units ends the run there."""
    outcomes: list[Outcomes] = []
    for stage in stages:
        outcomes.append(stage(run, client, emit))
        if outcomes[-1].failed:
            return Finished(tuple(outcomes), None)
    published, release = publish(run, emit)
    return Finished((*outcomes, published), release)
