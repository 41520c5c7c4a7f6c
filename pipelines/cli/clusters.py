"""Cluster of a command: region file, profile and options put together."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from distributed import Client
from pydantic import ValidationError

import cluster
from cluster import ClusterSpec, preflight, profiles
from pipelines.config.as_written import read
from pipelines.config.cluster import ClusterSection
from pipelines.outcomes import IDLE_WORKER_BYTES
from pipelines.run import Run
from pipelines.stages.ingest import units as ingest_units
from soilft.errors import ConfigError, NoGranules
from soilft.store import credentials, objects

IMAGE_VARIABLE = "SOILFT_IMAGE"
#: Set in the pods of a job by those who start it, and read by Dask's own commands.
SCHEDULER_VARIABLE = "DASK_SCHEDULER_ADDRESS"


def chosen(
    section: ClusterSection, profile: str | None = None, options: Mapping[str, Any] | None = None
) -> ClusterSpec:
    """Describe the cluster of a command.

    Of a setting, the first counts that says something: options, the profile of the command line,
    the region file, the profile that the region file names, the defaults.

    Parameters
    ----------
    profile
        Name of a profile, path of one, or a bare kind.
    options
        Settings of the command line; None says nothing.

    Raises
    ------
    ConfigError
        Naming the keys that are wrong.
    ClusterError
        Where there is no such profile, or no such cluster can be.
    """
    written = section.model_dump(exclude_unset=True)
    own = written.pop("profile", None)
    given = {key: value for key, value in (options or {}).items() if value is not None}
    if "address" in given:
        given.setdefault("kind", "address")
    merged: dict[str, Any] = {}
    for settings in (_settings(own), written, _settings(profile), given):
        merged |= settings
    _fill_from_environment(merged)
    for key, value in merged.items():
        credentials.refuse_in(str(value), f"cluster.{key}")
    try:
        spec: ClusterSpec = ClusterSection.model_validate(merged).spec()
    except ValidationError as error:
        keys = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()
        )
        raise ConfigError(f"cluster settings of {profile or own}", found=keys) from error
    return spec


def kind_of(section: ClusterSection) -> str:
    """Kind of the cluster that a region file asks for."""
    written = section.model_dump(exclude_unset=True)
    return str({**_settings(section.profile), **written}.get("kind", section.kind))


def _settings(profile: str | None) -> dict[str, Any]:
    return {} if profile is None else profiles.load(profile, lambda path: read(path).values)


def _fill_from_environment(merged: dict[str, Any]) -> None:
    kind = merged.get("kind", "local")
    if kind != "address":
        merged.pop("address", None)
    elif merged.get("address") is None:
        merged["address"] = os.environ.get(SCHEDULER_VARIABLE)
    if kind in ("kubernetes", "coiled") and merged.get("image") is None:
        merged["image"] = os.environ.get(IMAGE_VARIABLE)


@contextmanager
def running(run: Run, spec: ClusterSpec) -> Iterator[Client]:
    """Start or join the cluster, and look before work is sent that it fits this run.

    Workers of this machine are this very environment, and are not asked.
    """
    with cluster.start(spec) as client:
        if spec.kind != "local":
            preflight.check(
                client,
                peak_bytes=declared_peak(run),
                reaches_store=partial(objects.check_writable, run.store),
            )
        yield client


def declared_peak(run: Run) -> int:
    """Bytes that a worker must have for the largest task that is known before anything runs.

    Later stages hold what they plan against the workers when they have planned it.
    """
    try:
        todo = ingest_units.plan(run).todo
    except NoGranules:  # told by the stage, which may find them by then
        return IDLE_WORKER_BYTES
    peaks = [unit.task.peak_bytes for unit in todo]
    return max(peaks, default=0) + IDLE_WORKER_BYTES
