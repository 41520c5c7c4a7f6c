"""Waiting for something that becomes true elsewhere."""

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Ask `holds` again and again until it gives a true value.

    Raises
    ------
    TimeoutError
        When it did not within `seconds`, naming `what` was waited for.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not so within {seconds:g} s")
        time.sleep(0.05)
