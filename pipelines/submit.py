"""Unattended runs: send one to Kubernetes or Coiled, follow it there, end it.

A job is called after its region, so all commands take the same argument, and one store is written
by one job.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cluster import ClusterSpec
from cluster.kubernetes import render
from cluster.registry import vendor_module
from cluster.spec import LONGEST_NAME
from pipelines import clusters
from pipelines.config import Config, load, shipped
from soilft.errors import ConfigError

#: Bytes that the API server takes in one ConfigMap, less what stands around the region file.
LARGEST_REGION_FILE = 900_000


class Where(StrEnum):
    """Where an unattended run goes, with the profile that counts where none is named."""

    KUBERNETES = "kubernetes"
    COILED = "coiled"

    @property
    def profile(self) -> str:
        """Profile of those who name none."""
        return {"kubernetes": "kubernetes-small", "coiled": "coiled"}[self]


ConfigPath = Annotated[
    str, typer.Argument(metavar="CONFIG", help="Region file (YAML), or the name of a shipped one.")
]
On = Annotated[Where, typer.Option("--on", help="Where the run goes.")]
Profile = Annotated[
    str | None, typer.Option("--cluster", metavar="NAME", help="Profile, or a file like one.")
]
out = Console(soft_wrap=True)


def spec_of(config: Config, where: Where, profile: str | None, **options: Any) -> ClusterSpec:
    """Describe the cluster of a job: the named profile, the region file's, or the place's own.

    Raises
    ------
    ConfigError
        Where the profile is of another kind.
    """
    if profile is None and clusters.kind_of(config.cluster) != where:
        profile = where.profile
    spec = clusters.chosen(config.cluster, profile, options)
    if spec.kind != where:
        raise ConfigError(
            "--cluster", expected=f"a profile of the kind {where}", found=f"one of {spec.kind}"
        )
    return spec


def job_name(config: Config, spec: ClusterSpec) -> str:
    """Name of the job of a region."""
    return spec.name or f"soilft-{config.region.name}"[:LONGEST_NAME].rstrip("-")


def region_text(path: Path, config: Config) -> str:
    """Text of a region file that can run where this machine's disks are not.

    Raises
    ------
    ConfigError
        Where the store is a path of this machine, or the file is larger than a job can carry.
    """
    if "://" not in config.store or config.store.startswith("file://"):
        raise ConfigError(
            f"{path}: store",
            expected="a URL that machines elsewhere reach, such as s3://bucket/prefix",
            found=config.store,
            remedy="Give one with --store.",
        )
    text = path.read_text(encoding="utf-8")
    if len(text.encode()) > LARGEST_REGION_FILE:
        raise ConfigError(
            str(path), expected=f"at most {LARGEST_REGION_FILE} bytes", found=f"{len(text)}"
        )
    return text


def submit(
    config: ConfigPath,
    on: On,
    cluster: Profile = None,
    store: Annotated[str | None, typer.Option("--store", help="Where to write instead.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Workers.")] = None,
    memory: Annotated[str | None, typer.Option("--memory", help="Memory a worker.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be sent, and send nothing.")
    ] = False,
) -> None:
    """Send a run that needs no machine here to stay awake. A job that ended is replaced."""
    path = shipped(config)
    loaded = load(path, {} if store is None else {"store": store})
    spec = spec_of(loaded, on, cluster, workers=workers, memory=memory)
    name, text = job_name(loaded, spec), region_text(path, loaded)
    arguments = () if store is None else ("--store", store)
    if on is Where.COILED:
        _submit_to_coiled(spec, name, text, arguments, dry_run=dry_run)
        return
    job = render.Job(text, arguments)
    if dry_run:
        # Rendering asks no server: the namespace is the one named, or what kubectl calls default.
        namespace = spec.namespace or "default"
        manifests = (
            *render.surroundings(spec, name, namespace, job),
            render.dask_job(spec, name, namespace, job),
        )
        typer.echo(render.to_yaml(manifests), nl=False)
        return
    namespace = _jobs().submit(spec, name, job)
    out.print(f"Sent: job {name} in the namespace {namespace}.", highlight=False)
    out.print(f"  soilft logs {config} --follow", highlight=False, markup=False)
    out.print(f"  soilft status {config} --on kubernetes", highlight=False, markup=False)
    out.print(f"  soilft cancel {config}", highlight=False, markup=False)


def _submit_to_coiled(
    spec: ClusterSpec, name: str, text: str, arguments: tuple[str, ...], *, dry_run: bool
) -> None:
    coiled = vendor_module("coiled", "cluster.on_coiled")
    if dry_run:
        typer.echo(coiled.script(spec, text, arguments), nl=False)
        return
    number = coiled.submit(spec, name, text, arguments)
    out.print(f"Sent: batch job {name}, cluster {number}.", highlight=False)
    for command in ("status", "logs"):
        out.print(f"  coiled batch {command} {number}", highlight=False)
    out.print(f"  coiled cluster stop {name}", highlight=False)


def logs(
    config: ConfigPath,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the job ends.")] = False,
    cluster: Profile = None,
) -> None:
    """Print what the job of a region has written, on Kubernetes."""
    for line in _lines(config, cluster, follow=follow):
        typer.echo(line)


def _lines(config: str, profile: str | None, *, follow: bool) -> Iterator[str]:
    name, spec = _job_of(config, profile)
    found: Iterator[str] = _jobs().logs(name, spec.namespace, follow=follow)
    return found


def cancel(config: ConfigPath, cluster: Profile = None) -> None:
    """End the job of a region, on Kubernetes. The store stays as it is: a new job goes on there."""
    name, spec = _job_of(config, cluster)
    namespace = _jobs().cancel(name, spec.namespace)
    out.print(f"Cancelled: job {name} in the namespace {namespace}.", highlight=False)


def print_state(config: str, profile: str | None = None) -> None:
    """Show how the job of a region is, on Kubernetes."""
    name, spec = _job_of(config, profile)
    found = _jobs().state(name, spec.namespace)
    ended = "" if found.exit_code is None else f", exit code {found.exit_code}"
    table = Table("pod", "state", title=f"job {name}: {found.state}{ended}")
    for pod, state in found.pods.items():
        table.add_row(pod, state)
    out.print(table)


def _job_of(config: str, profile: str | None) -> tuple[str, ClusterSpec]:
    loaded = load(shipped(config))
    # An image is needed to start pods, not to ask after them.
    spec = spec_of(loaded, Where.KUBERNETES, profile, image="not-used")
    return job_name(loaded, spec), spec


def _jobs() -> Any:
    return vendor_module("kubernetes", "cluster.kubernetes.jobs")


def register(app: typer.Typer) -> None:
    """Add the commands of unattended runs."""
    for command in (submit, logs, cancel):
        app.command()(command)
