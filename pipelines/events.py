"""Events of a stage. Progress bars and logs listen; the stages know neither."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """How far a stage is.

    Parameters
    ----------
    stage
        Name of the stage.
    done, total
        Units of work; units found done count as done.
    note
        A sentence worth showing, such as what was set aside.
    """

    stage: str
    done: int
    total: int
    note: str = ""


Emit = Callable[[Event], None]


def silent(event: Event) -> None:
    """Listen to nothing."""
