"""Listeners to events: bars on a terminal, one structured line a step elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pipelines.events import Emit, Event, silent


@contextmanager
def listening(console: Console, *, quiet: bool = False) -> Iterator[Emit]:
    """Give a listener for the length of a command: none, bars, or log lines on stderr."""
    if quiet:
        yield silent
    elif console.is_terminal:
        with _bars(console) as emit:
            yield emit
    else:
        yield _lines()


@contextmanager
def _bars(console: Console) -> Iterator[Emit]:
    columns = (
        TextColumn("{task.description:10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bars: dict[str, TaskID] = {}

        def emit(event: Event) -> None:
            if event.stage not in bars:
                bars[event.stage] = progress.add_task(event.stage, total=event.total)
            if event.total:
                progress.update(bars[event.stage], total=event.total, completed=event.done)
            if event.note:
                progress.console.print(f"[dim]{event.stage}:[/dim] {event.note}", highlight=False)

        yield emit


def _lines() -> Emit:
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    log = structlog.get_logger()
    shown: dict[str, int] = {}

    def emit(event: Event) -> None:
        if event.note:
            log.info(event.stage, done=event.done, total=event.total, note=event.note)
        elif event.total:
            tenth = 10 * event.done // event.total
            if shown.get(event.stage) != tenth:
                shown[event.stage] = tenth
                log.info(event.stage, done=event.done, total=event.total)

    return emit
