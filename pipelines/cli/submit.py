"""Unattended runs: sent away, or into the background here; followed and ended.

A job is called after its region, so all commands take the same argument, and one store is written
by one job.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from cluster import ClusterSpec, background
from cluster.kubernetes import render
from cluster.registry import vendor_module
from cluster.spec import LONGEST_NAME
from cluster.unattended import JobState
from pipelines.cli.terminal import ConfigPath, Scheduler, out
from soilft.errors import ConfigError

if TYPE_CHECKING:
    from pipelines.config.region_file import Config

#: Bytes that the API server takes in one ConfigMap, less what stands around the region file.
LARGEST_REGION_FILE = 900_000


class Where(StrEnum):
    """Where an unattended run goes, with the profile that counts where none is named."""

    LOCAL = "local"
    ADDRESS = "address"
    KUBERNETES = "kubernetes"
    COILED = "coiled"

    @property
    def profile(self) -> str:
        """Profile of those who name none."""
        return {"local": "laptop", "kubernetes": "kubernetes-small"}.get(self, str(self))

    @property
    def is_here(self) -> bool:
        """Whether the run itself is a process of this machine."""
        return self in (Where.LOCAL, Where.ADDRESS)


On = Annotated[
    Where,
    typer.Option(
        "--on",
        help="Where the run goes: a process of this machine with workers of its own (local) or "
        "with those of a running scheduler (address), or machines elsewhere.",
    ),
]
#: Where a job can be followed; Coiled's own commands do that for Coiled.
Followed = Literal["local", "address", "kubernetes"]
SentTo = Annotated[Followed, typer.Option("--on", help="Where the job was sent.")]
Profile = Annotated[
    str | None, typer.Option("--cluster", metavar="NAME", help="Profile, or a file like one.")
]


def spec_of(config: Config, where: Where, profile: str | None, **options: Any) -> ClusterSpec:
    """Describe the cluster of a job: the named profile, the region file's, or the place's own.

    Raises
    ------
    ConfigError
        Where the profile is of another kind.
    """
    from pipelines.cli import clusters

    spec = clusters.chosen(config.cluster, profile_of(config, where, profile), options)
    if spec.kind != where:
        raise ConfigError(
            "--on, --cluster, --scheduler",
            expected=f"a cluster of the kind {where}",
            found=f"one of the kind {spec.kind}",
        )
    return spec


def profile_of(config: Config, where: Where, profile: str | None) -> str | None:
    """Profile of a job: the named one, or the place's own where the region file has another."""
    from pipelines.cli import clusters

    if profile is None and clusters.kind_of(config.cluster) != where:
        return where.profile
    return profile


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
    scheduler: Scheduler = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be sent, and send nothing.")
    ] = False,
) -> None:
    """Send a run that needs no terminal and nobody to wait. A job that ended is replaced."""
    from pipelines.config.region_file import load, shipped

    path = shipped(config)
    loaded = load(path, {} if store is None else {"store": store})
    spec = spec_of(loaded, on, cluster, workers=workers, memory=memory, address=scheduler)
    name = job_name(loaded, spec)
    arguments = _given(**{"--store": store})
    if on.is_here:
        arguments += _given(
            **{"--cluster": profile_of(loaded, on, cluster), "--scheduler": scheduler},
            **{"--workers": workers, "--memory": memory},
        )
        _start_here(name, path.read_text(encoding="utf-8"), arguments, config, dry_run=dry_run)
        return
    text = region_text(path, loaded)
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
    namespace = _kubernetes().submit(spec, name, job)
    out.print(f"Sent: job {name} in the namespace {namespace}.", highlight=False)
    _say_how_to_follow(config, on)


def _given(**options: object) -> tuple[str, ...]:
    """Give options as a command line has them, without those that say nothing."""
    return tuple(
        part for name, value in options.items() if value is not None for part in (name, str(value))
    )


def _start_here(
    name: str, text: str, arguments: tuple[str, ...], config: str, *, dry_run: bool
) -> None:
    run = ("run", f"{{folder}}/{render.REGION_FILE}", *arguments)
    if dry_run:
        folder = str(background.Place(name).folder)
        typer.echo(shlex.join(("soilft", *(part.replace("{folder}", folder) for part in run))))
        return
    # Not by the folder this is called from: a folder `cluster` in it would be taken for ours.
    command = (sys.executable, "-P", "-m", "pipelines.cli.unattended", "{folder}", *run)
    pid = background.submit(name, command, {render.REGION_FILE: text})
    out.print(f"Started: job {name} on this machine, process {pid}.", highlight=False)
    _say_how_to_follow(config, Where.LOCAL)


def _say_how_to_follow(config: str, on: Where) -> None:
    chosen = "" if on is Where.KUBERNETES else f" --on {on}"
    for line in (
        f"soilft logs {config}{chosen} --follow",
        f"soilft status {config} --on {on}",
        f"soilft cancel {config}{chosen}",
    ):
        out.print(f"  {line}", highlight=False, markup=False)


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
    on: SentTo = "kubernetes",
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the job ends.")] = False,
    cluster: Profile = None,
) -> None:
    """Print what the job of a region has written."""
    for line in _lines(config, Where(on), cluster, follow=follow):
        typer.echo(line)


def _lines(config: str, on: Where, profile: str | None, *, follow: bool) -> Iterator[str]:
    name, spec = _job_of(config, on, profile)
    if on.is_here:
        return background.logs(name, follow=follow)
    found: Iterator[str] = _kubernetes().logs(name, spec.namespace, follow=follow)
    return found


def cancel(config: ConfigPath, on: SentTo = "kubernetes", cluster: Profile = None) -> None:
    """End the job of a region. The store stays as it is: a new job goes on there."""
    where = Where(on)
    name, spec = _job_of(config, where, cluster)
    if where.is_here:
        background.cancel(name)
        out.print(f"Cancelled: job {name} on this machine.", highlight=False)
        return
    namespace = _kubernetes().cancel(name, spec.namespace)
    out.print(f"Cancelled: job {name} in the namespace {namespace}.", highlight=False)


def print_state(config: str, on: Followed, profile: str | None = None) -> None:
    """Show how the job of a region is."""
    where = Where(on)
    name, spec = _job_of(config, where, profile)
    found: JobState = (
        background.state(name) if where.is_here else _kubernetes().state(name, spec.namespace)
    )
    ended = "" if found.exit_code is None else f", exit code {found.exit_code}"
    table = Table("part", "state", title=f"job {name}: {found.state}{ended}")
    for part, state in found.parts.items():
        table.add_row(part, state)
    out.print(table)


def _job_of(config: str, where: Where, profile: str | None) -> tuple[str, ClusterSpec]:
    from pipelines.config.region_file import load, shipped

    loaded = load(shipped(config))
    # An image is needed to start pods, and an address to join it; not to ask after a job.
    needed = {
        Where.KUBERNETES: {"image": "not-used"},
        Where.ADDRESS: {"address": "not://used"},
    }
    spec = spec_of(loaded, where, profile, **needed.get(where, {}))
    return job_name(loaded, spec), spec


def _kubernetes() -> Any:
    return vendor_module("kubernetes", "cluster.kubernetes.jobs")


def register(app: typer.Typer) -> None:
    """Add the commands of unattended runs."""
    for command in (submit, logs, cancel):
        app.command()(command)
