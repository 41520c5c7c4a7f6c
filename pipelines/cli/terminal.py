"""Options, cluster and exit codes that every command shares."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from pipelines.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from distributed import Client

    from pipelines.outcomes import Outcomes
    from pipelines.run import Run
    from soilft.release.publication import Release

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

ConfigPath = Annotated[
    str, typer.Argument(metavar="CONFIG", help="Region file (YAML), or the name of a shipped one.")
]
StoreUrl = Annotated[
    str | None,
    typer.Option("--store", help="Where to write instead: a path or s3://bucket/prefix."),
]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Worker processes.")]
Memory = Annotated[str | None, typer.Option("--memory", help="Memory a worker, such as 4GiB.")]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", help="Join this running Dask scheduler, such as tcp://host:8786."),
]
OnCluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="NAME",
        help="Where to run: a profile (laptop, kubernetes-small, kubernetes-spot, coiled), a file "
        "like them, or a kind (address).",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress, only the outcome.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
RetrySetAside = Annotated[
    bool,
    typer.Option(
        "--retry-set-aside",
        help="Look again at granules that were set aside, though their files are the same.",
    ),
]


def run_of(config: str, store: str | None, *, retry_set_aside: bool = False) -> Run:
    """The run that a command's arguments name."""
    from pipelines.config.region_file import load, shipped
    from pipelines.run import Run

    read = load(shipped(config), {} if store is None else {"store": store})
    return Run(read, retry_set_aside=retry_set_aside)


@contextmanager
def client_of(
    it: Run,
    workers: int | None,
    memory: str | None,
    scheduler: str | None = None,
    profile: str | None = None,
) -> Iterator[Client]:
    """The cluster that the region file, a profile and a command's options ask for."""
    import cluster
    from pipelines.cli import clusters

    given: dict[str, Any] = {"workers": workers, "memory": memory, "address": scheduler}
    with clusters.running(it, clusters.chosen(it.config.cluster, profile, given)) as client:
        link = cluster.dashboard_link(client)
        if link is not None:
            err.print(f"Dask dashboard: {link}", highlight=False)
        yield client


def finish(outcomes: tuple[Outcomes, ...], release: Release | None) -> None:
    """Say how each stage ended and how to open the release; exit with 3 if anything is left out."""
    for outcome in outcomes:
        out.print(str(outcome), highlight=False)
        for sentence in (*outcome.failed.values(), *outcome.set_aside, *outcome.cautions):
            err.print(f"  {sentence}", highlight=False, markup=False)
    if release is not None:
        done = "Published" if release.fresh else "Published before, unchanged:"
        out.print(f"\n{done} {release.version}. Open it:\n", highlight=False)
        out.print(opening_lines(release.cube), highlight=False, markup=False)
        # Beside the lines for Python, which can be cut out of the output as they are.
        err.print(f"\nLook at it:\n\n{viewing_line(release.cube)}", highlight=False, markup=False)
        if release.changed is not None:
            from soilft.release import changes

            for line in changes.text(release.changed):
                err.print(line, highlight=False, markup=False)
    if not all(outcome.complete for outcome in outcomes):
        raise typer.Exit(ExitCode.INCOMPLETE)


def opening_lines(cube: str) -> str:
    """The two lines that open a published cube."""
    options = ', storage_options={"anon": True}' if cube.startswith("s3://") else ""
    return f'import xarray as xr\nds = xr.open_zarr("{cube}"{options})'


def viewing_line(cube: str) -> str:
    """The command that shows a published cube in the browser."""
    return f"soilft view {shlex.quote(cube.rpartition('/')[0])}"
