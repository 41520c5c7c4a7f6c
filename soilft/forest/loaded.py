"""Models held by a process: read from the store and checked once, then used by every task."""

from __future__ import annotations

from threading import Lock

from soilft.forest.artefact import Model, ModelRef, load

_lock = Lock()
_held: dict[ModelRef, Model] = {}


def loaded(reference: ModelRef) -> Model:
    """The model of a reference; the first call in a process loads it, another model replaces it.

    Raises
    ------
    ModelError
        Where the artefact fails its checks.
    """
    with _lock:  # threads of one worker wait for one load instead of doing it each
        if reference not in _held:
            _held.clear()
            _held[reference] = load(reference)
        return _held[reference]


def forget() -> None:
    """Let go of the model this process holds."""
    with _lock:
        _held.clear()
