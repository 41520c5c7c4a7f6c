"""Commands for what is published: update, releases, rollback, verify and prune."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

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
    from pipelines.config.store import StoreOfReleases
    from pipelines.run import Run

Where = Annotated[
    str,
    typer.Argument(
        metavar="STORE",
        help="A store (s3://bucket/prefix, or a folder), or the region file that names one.",
    ),
]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="A release, such as v1.0.")]
VersionOrLatest = Annotated[
    str | None,
    typer.Argument(metavar="[VERSION]", help="A release, such as v1.0; otherwise the latest."),
]
StoreInstead = Annotated[
    str | None, typer.Option("--store", help="In place of the region file's store.")
]
Asked = TypeVar("Asked", str, str | None)
_VERSION = re.compile(r"v\d+\.\d+")


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


def _store_of(where: str, store: str | None) -> StoreOfReleases:
    """The store that an argument means; of a region file nothing else is asked."""
    from pipelines.config.store import StoreOfReleases

    return StoreOfReleases.of(where, store)


def _in_order(where: str, version: Asked) -> tuple[str, Asked]:
    """Store and version; 0.3.0 took the version first."""
    if version is not None and _VERSION.fullmatch(where) and not _VERSION.fullmatch(version):
        return version, where
    return where, version


def releases(where: Where, store: StoreInstead = None) -> None:
    """List the releases of a store, and which of them readers see."""
    from soilft.release import retention

    it = _store_of(where, store)
    table = Table("version", "days", "state", "replaced")
    for kept in retention.releases(it.store):
        state = "latest" if kept.current else "kept" if kept.complete else "never finished"
        when = "" if kept.replaced is None else f"{kept.replaced:%Y-%m-%d %H:%M} UTC"
        table.add_row(kept.version, kept.period, state + (", damaged" * bool(kept.damage)), when)
        if kept.damage:
            err.print(kept.damage, highlight=False, markup=False)
    out.print(table)


def rollback(where: Where, version: Version, store: StoreInstead = None) -> None:
    """Make an earlier release the latest again. Nothing is copied or removed."""
    from soilft.release import retention
    from soilft.release.publication import latest
    from soilft.store import objects

    where, version = _in_order(where, version)
    it = _store_of(where, store)
    moved = retention.point_to(it.store, version)
    pointer = latest(it.store) or {}
    out.print(f"{'Now' if moved else 'Already'} the latest: {version}\n", highlight=False)
    out.print(opening_lines(objects.join(it.store, pointer["cube"])), highlight=False, markup=False)


def verify(where: Where, version: VersionOrLatest = None, store: StoreInstead = None) -> None:
    """Read every object of a release and hold it against what was published.

    Without a version, the latest release is looked at. Exit code 4 where there is damage.
    """
    from soilft.release import verification

    where, version = _in_order(where, version)
    found = verification.verify(_store_of(where, store).store, version)
    lines = [f"{found.version}: {found.sound} objects are as they were published"]
    if found.uncovered:
        lines.append(
            f"{len(found.uncovered)} objects are not covered by what {found.version} says of "
            f"itself: whether they are as they were published is not known"
        )
        lines += [f"  {name}" for name in found.uncovered]
    out.print("\n".join(lines), highlight=False, markup=False)
    found.require()


def prune(
    where: Where,
    store: StoreInstead = None,
    keep_days: Annotated[
        int | None,
        typer.Option(min=0, help="In place of the region file's publication.keep_days."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False,
) -> None:
    """Remove releases that were replaced long ago, and publications that never finished."""
    from soilft.release import retention

    it = _store_of(where, store)
    days = it.publication.keep_days if keep_days is None else keep_days
    keep = timedelta(days=days)
    gone = retention.prunable(it.store, keep) if dry_run else retention.prune(it.store, keep)
    for kept in gone:
        out.print(f"{'would remove' if dry_run else 'removed'} {kept.version}", highlight=False)
    if not gone:
        limit = datetime.now(UTC) - keep
        out.print(f"Nothing to remove: none was replaced before {limit:%Y-%m-%d %H:%M} UTC.")
