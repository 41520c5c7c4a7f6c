"""Commands for what is published: update, releases, rollback, verify and prune."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipelines.cli.progress import listening
from pipelines.cli.terminal import (
    ConfigPath,
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
    opening_lines,
    out,
    run_of,
)
from soilft.errors import ConfigError

if TYPE_CHECKING:
    from pipelines.run import Run

Version = Annotated[str, typer.Argument(metavar="VERSION", help="A release, such as v1.0.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("update")(update)
    app.command("releases")(releases)
    app.command("rollback")(rollback)
    app.command("verify")(verify)
    app.command("prune")(prune)


def update(
    config: ConfigPath,
    store: StoreUrl = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Last day, in place of the region file's period.end."
        ),
    ] = None,
    workers: Workers = None,
    memory: Memory = None,
    scheduler: Scheduler = None,
    on: OnCluster = None,
    retry_set_aside: RetrySetAside = False,
    quiet: Quiet = False,
) -> None:
    """Bring the latest release up to date: new days, and days whose granules came late.

    The forest stays the released one, so published days keep their values unless their inputs have
    changed. Cheap enough to be run every day: soilft update my-region.yaml --until 2026-01-31
    """
    from pipelines.stages import update as updating
    from soilft.store import objects

    it = run_of(config, store, retry_set_aside=retry_set_aside)
    if until is not None:
        it = _until(it, until)
    objects.check_writable(it.store)
    with (
        client_of(it, workers, memory, scheduler, on) as client,
        listening(err, quiet=quiet) as emit,
    ):
        finished = updating.update(it, client, emit)
    finish(finished.outcomes, finished.release)


def _until(run: Run, last: datetime) -> Run:
    from pydantic import ValidationError

    from pipelines.config.sections import PeriodSection

    try:
        period = PeriodSection(start=run.config.period.start, end=last.date())
    except ValidationError as error:
        raise ConfigError(
            "--until",
            expected=f"a day from {run.config.period.start} on",
            found=str(last.date()),
        ) from error
    return replace(run, config=run.config.model_copy(update={"period": period}))


def releases(config: ConfigPath, store: StoreUrl = None) -> None:
    """List the releases of a store, and which of them readers see."""
    from soilft.release import retention

    it = run_of(config, store)
    table = Table("version", "days", "state", "replaced")
    for kept in retention.releases(it.store):
        state = "latest" if kept.current else "kept" if kept.complete else "never finished"
        when = "" if kept.replaced is None else f"{kept.replaced:%Y-%m-%d %H:%M} UTC"
        table.add_row(kept.version, kept.period, state, when)
    out.print(table)


def rollback(version: Version, config: ConfigPath, store: StoreUrl = None) -> None:
    """Make an earlier release the latest again. Nothing is copied or removed."""
    from soilft.release import retention
    from soilft.release.publication import latest
    from soilft.store import objects

    it = run_of(config, store)
    moved = retention.point_to(it.store, version)
    pointer = latest(it.store) or {}
    out.print(f"{'Now' if moved else 'Already'} the latest: {version}\n", highlight=False)
    out.print(opening_lines(objects.join(it.store, pointer["cube"])), highlight=False, markup=False)


def verify(version: Version, config: ConfigPath, store: StoreUrl = None) -> None:
    """Read every object of a release and hold it against its checksum."""
    from soilft.release import retention

    it = run_of(config, store)
    count = retention.verify(it.store, version)
    out.print(f"{version}: {count} objects are as they were published", highlight=False)


def prune(
    config: ConfigPath,
    store: StoreUrl = None,
    keep_days: Annotated[
        int | None,
        typer.Option(min=0, help="In place of the region file's publication.keep_days."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False,
) -> None:
    """Remove releases that were replaced long ago, and publications that never finished."""
    from soilft.release import retention

    it = run_of(config, store)
    days = it.config.publication.keep_days if keep_days is None else keep_days
    keep = timedelta(days=days)
    gone = retention.prunable(it.store, keep) if dry_run else retention.prune(it.store, keep)
    for kept in gone:
        out.print(f"{'would remove' if dry_run else 'removed'} {kept.version}", highlight=False)
    if not gone:
        limit = datetime.now(UTC) - keep
        out.print(f"Nothing to remove: none was replaced before {limit:%Y-%m-%d %H:%M} UTC.")
