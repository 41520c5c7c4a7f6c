"""Command line ``soilft``.

What a command needs is imported where it is carried out, so that the version and the help of every
command are there at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli import releases as release_commands
from pipelines.cli import submit
from pipelines.cli.exit_codes import exit_code
from pipelines.cli.progress import listening
from pipelines.cli.terminal import (
    ConfigPath,
    DryRun,
    Memory,
    OnCluster,
    Quiet,
    RetrySetAside,
    Scheduler,
    StoreUrl,
    Workers,
    client_of,
    err,
    finish,
    out,
    run_of,
)
from soilft import __version__
from soilft.errors import SoilftError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from distributed import Client

    from pipelines.run import Run

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Daily soil freeze/thaw records: native satellite and reanalysis granules in, a published "
    "Zarr cube out, on a Dask cluster.\n\nStart with: soilft demo",
    epilog="Exit codes: 0 all done; 2 wrong configuration; 3 done, but granules were set aside or "
    "chunks failed; 4 the store refused; 5 no cluster; 1 anything unexpected.",
)


StatusOn = Annotated[
    submit.Followed | None,
    typer.Option("--on", help="Show how the region's job is there, instead of the store."),
]


@app.command()
def run(
    config: ConfigPath,
    store: StoreUrl = None,
    workers: Workers = None,
    memory: Memory = None,
    scheduler: Scheduler = None,
    on: OnCluster = None,
    dry_run: DryRun = False,
    retry_set_aside: RetrySetAside = False,
    quiet: Quiet = False,
) -> None:
    """Do everything, from ingest to publish. What is done already is skipped."""
    from pipelines.cli import status
    from pipelines.stages import order
    from soilft.store import objects

    it = run_of(config, store, retry_set_aside=retry_set_aside)
    if dry_run:
        out.print(status.table(it, title="Would be done"))
        return
    objects.check_writable(it.store)
    with (
        client_of(it, workers, memory, scheduler, on) as client,
        listening(err, quiet=quiet) as emit,
    ):
        finished = order.run_all(it, client, emit)
    _print_scores(it)
    finish(finished.outcomes, finished.release)


def _print_scores(it: Run) -> None:
    from pipelines.stages.validate.stage import scorecard
    from soilft.report import page

    scores = scorecard(it)
    if scores is not None:
        out.print(page.text(scores), highlight=False, markup=False)


def _carry_out(
    name: str, it: Run, cluster: AbstractContextManager[Client], *, dry_run: bool, quiet: bool
) -> None:
    """Carry out a stage that needs a cluster, and say what became of its units."""
    from pipelines.cli import status
    from pipelines.stages import order
    from soilft.store import objects

    if dry_run:
        out.print(status.table(it, title="State of all stages"))
        return
    objects.check_writable(it.store)
    with cluster as client, listening(err, quiet=quiet) as emit:
        outcome = order.ON_CLUSTER[name](it, client, emit)
    if name == "validate":
        _print_scores(it)
    if name == "harmonize":
        for table in status.hand_over_tables(it):
            out.print(table)
    finish((outcome,), None)


@app.command()
def ingest(
    config: ConfigPath,
    store: StoreUrl = None,
    workers: Workers = None,
    memory: Memory = None,
    scheduler: Scheduler = None,
    on: OnCluster = None,
    dry_run: DryRun = False,
    retry_set_aside: RetrySetAside = False,
    quiet: Quiet = False,
) -> None:
    """Bring native granules into the input stores."""
    it = run_of(config, store, retry_set_aside=retry_set_aside)
    cluster = client_of(it, workers, memory, scheduler, on)
    _carry_out("ingest", it, cluster, dry_run=dry_run, quiet=quiet)


def _stage(name: str, does: str) -> None:
    """Register a stage that needs a cluster as a command of its own."""

    def command(
        config: ConfigPath,
        store: StoreUrl = None,
        workers: Workers = None,
        memory: Memory = None,
        scheduler: Scheduler = None,
        on: OnCluster = None,
        dry_run: DryRun = False,
        quiet: Quiet = False,
    ) -> None:
        it = run_of(config, store)
        cluster = client_of(it, workers, memory, scheduler, on)
        _carry_out(name, it, cluster, dry_run=dry_run, quiet=quiet)

    command.__doc__ = does
    app.command(name)(command)


_stage(
    "harmonize",
    "Fit the radiometers to one of them, and test the record for steps where they hand over.",
)
_stage("train", "Draw the training table and grow the forest on the cluster.")
_stage("predict", "Apply the forest to every chunk of days.")
_stage(
    "annual",
    "Make annual layers of the predicted cube: frozen days, onsets, cycles, their trends.",
)
_stage("validate", "Score the forest; write scorecard.json and report.html.")


@app.command("publish")
def publish_command(
    config: ConfigPath, store: StoreUrl = None, dry_run: DryRun = False, quiet: Quiet = False
) -> None:
    """Publish the complete staged cube under a fresh prefix. Needs no cluster."""
    from pipelines.cli import status
    from pipelines.stages.publish import publish
    from soilft.release.lease import check_publishable

    it = run_of(config, store)
    if dry_run:
        out.print(status.table(it, title="State of all stages"))
        return
    check_publishable(it.store)
    with listening(err, quiet=quiet) as emit:
        outcome, release = publish(it, emit)
    finish((outcome,), release)


release_commands.register(app)


@app.command("view")
def view_command(
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="A store, a release such as STORE/releases/v1.0, or a cube.zarr: a folder or "
            "s3://bucket/prefix, read with your own credentials.",
        ),
    ],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes a free one.")
    ] = 0,
    browser: Annotated[
        bool,
        typer.Option("--browser/--no-browser", help="Open the page where there is a screen."),
    ] = True,
) -> None:
    """Look at a cube in the browser: maps of any day, and the whole record of a cell.

    Serves the page and the cube on this machine alone, and only to read, until Ctrl-C. Of a store
    it shows the latest release. A release holds the page itself: from a bucket that anyone
    can read, open releases/v1.0/view/index.html there and serve nothing.

    soilft view demo-output/demo-tibet/store
    """
    from pipelines.cli.view import serve

    serve(path, port, browser=browser)


@app.command("status")
def status_command(
    config: ConfigPath, store: StoreUrl = None, on: StatusOn = None, profile: submit.Profile = None
) -> None:
    """Show what is done, what is to do, what was set aside, and the latest release."""
    if on is not None:
        submit.print_state(config, on, profile)
        return
    from pipelines.cli import status

    it = run_of(config, store)
    out.print(status.table(it, title=it.config.title))
    for line in status.report(it):
        out.print(line, highlight=False, markup=False)


@app.command("availability")
def availability_command(
    config: ConfigPath,
    store: StoreUrl = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw days and sources into this file (PNG, PDF, SVG).")
    ] = None,
) -> None:
    """Show which days each source has. The full table is inputs/availability.json in the store."""
    from pipelines.cli import status

    it = run_of(config, store)
    out.print(status.availability_table(it, title=it.config.title))
    if plot is not None:
        # matplotlib is an extra.
        from pipelines.stages.ingest.stage import availability
        from soilft.report.style import availability_chart

        title = ("SIMULATED: " if it.is_simulated() else "") + it.config.title
        availability_chart(availability(it), title).savefig(plot, dpi=120)
        out.print(f"Drawn: {plot}", highlight=False)


@app.command("export")
def export_command(
    cube: Annotated[str, typer.Argument(metavar="CUBE", help="Path or URL of a cube.zarr.")],
    output: Annotated[Path, typer.Argument(metavar="OUT.nc", help="The file to write.")],
    days: Annotated[
        str | None, typer.Option(help="Such as 2015-01-30..2015-01-31; all where left out.")
    ] = None,
) -> None:
    """Write days of a cube as one NetCDF-4 file, stored values and attributes as they are."""
    from soilft.cube import netcdf
    from soilft.days import DaySpan

    span = netcdf.export(cube, output, None if days is None else DaySpan.of(days))
    out.print(f"Written: {output}, {len(span)} days, {span}", highlight=False)


@app.command()
def regions() -> None:
    """List the region files that ship with soilft."""
    from rich.table import Table

    from pipelines.config.region_file import as_written, region_files

    table = Table("name", "title", "store")
    for path in region_files():
        raw = as_written(path)
        table.add_row(path.stem, str(raw["title"]), str(raw["store"]))
    out.print(table)


@app.command()
def demo(
    output: Annotated[Path, typer.Option(help="Folder for archive and store.")] = Path(
        "demo-output"
    ),
    region: Annotated[
        str, typer.Option(help="demo-tibet or demo-alaska, or a region file like them.")
    ] = "demo-tibet",
    workers: Workers = None,
    quiet: Quiet = False,
) -> None:
    """Simulate a small archive of native files and run everything on it. All of it is SIMULATED."""
    # The simulator is no part of a run on real granules: loaded only here.
    from pipelines.cli import demo as quick_start
    from pipelines.cli import status

    it = quick_start.prepare(output, region)
    with client_of(it, workers, None) as client, listening(err, quiet=quiet) as emit:
        finished = quick_start.simulate_and_run(it, client, emit)
    out.print(status.availability_table(it, title=quick_start.said_of_inputs(it)))
    _print_scores(it)
    finish(finished.outcomes, finished.release)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        out.print(f"soilft {__version__}", highlight=False)
        raise typer.Exit


submit.register(app)


def main() -> None:
    """Run the command; errors raised on purpose become one line and an exit code."""
    try:
        app()
    except SoilftError as error:
        err.print(f"error[{error.code}]: {error}", highlight=False, markup=False, style="red")
        sys.exit(exit_code(error))
