"""Order of the stages: native granules in, a published cube out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from distributed import Client

from pipelines.events import Emit, Event
from pipelines.outcomes import DAMAGED, Outcomes
from pipelines.run import Run
from pipelines.stages.annual import annual
from pipelines.stages.harmonize.transfers import harmonize
from pipelines.stages.ingest.stage import ingest
from pipelines.stages.predict import predict
from pipelines.stages.publish import publish
from pipelines.stages.train.stage import train
from pipelines.stages.validate.stage import validate
from pipelines.work import Stage
from soilft.errors import DamagedChunk
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
    """Some stages in order, then publish; a stage with failed units ends the run there.

    Where a stage finds chunks that are not as an earlier one wrote them, all begin again: what
    wrote such chunks is to do once more, what is sound is skipped.
    """
    stages = tuple(stages)
    again: list[str] = []
    told: list[str] = []
    finished = _once(stages, run, client, emit)
    while set(finished.outcomes[-1].damaged) - set(again):
        last = finished.outcomes[-1]
        again += sorted(set(last.damaged))
        told += [caution for outcome in finished.outcomes for caution in outcome.cautions]
        emit(Event(last.stage, 0, 0, f"{last.damaged[0]}: {DAMAGED}. It is made again"))
        finished = _once(stages, run, client, emit)
    made = sorted(set(again) - set(finished.outcomes[-1].damaged))
    first = finished.outcomes[0].cautions
    first += [f"{url}: {DAMAGED}, and made again" for url in made]
    first += [caution for caution in dict.fromkeys(told) if caution not in first]
    return finished


def _once(stages: Iterable[Stage], run: Run, client: Client, emit: Emit) -> Finished:
    outcomes: list[Outcomes] = []
    for stage in stages:
        outcomes.append(stage(run, client, emit))
        if outcomes[-1].failed:
            return Finished(tuple(outcomes), None)
    try:
        published, release = publish(run, emit)
    except DamagedChunk as error:
        outcomes.append(Outcomes("publish"))
        outcomes[-1].add_damaged(error)
        return Finished(tuple(outcomes), None)
    return Finished((*outcomes, published), release)
