"""Questions to the workers of a cluster, which may end and come while they are asked."""

# distributed is typed in part only.
# mypy: disable-error-code="no-untyped-call"

import time
from collections.abc import Callable
from typing import Any, TypeVar

from distributed import Client

# Seconds until workers are asked again, where one of them ended meanwhile: by the last of them its
# scheduler knows.
_PAUSES = (0.5, 2.0, 10.0, 30.0)

Answer = TypeVar("Answer")


def all_of_them(ask: Callable[[], Answer]) -> Answer:
    """Ask all workers at once, and again where one of them ended meanwhile.

    Raises
    ------
    OSError
        Where a worker cannot be reached for three quarters of a minute.
    """
    for pause in _PAUSES:
        try:
            return ask()
        except OSError:
            time.sleep(pause)
    return ask()


def each_of_them(
    client: Client, function: Callable[..., Answer], *arguments: object
) -> dict[str, Answer | Exception]:
    """Call a function on each worker, and again on one that ends or comes meanwhile.

    Returns
    -------
    dict
        By address of the workers that are there at the end, what the function gave or raised; an
        OSError where a worker cannot be reached for three quarters of a minute.
    """
    answers: dict[str, Any] = {}
    for pause in (*_PAUSES, None):
        joined = client.scheduler_info(n_workers=-1)["workers"]
        answers = {address: answers[address] for address in joined if address in answers}
        unheard = [a for a in joined if isinstance(answers.get(a, OSError()), OSError)]
        if unheard:
            answers |= client.run(function, *arguments, workers=unheard, on_error="return")
        if pause is None or not any(isinstance(answer, OSError) for answer in answers.values()):
            break
        time.sleep(pause)
    return answers


def wait_for_one(client: Client, seconds: float) -> None:
    """Wait until a worker takes tasks.

    Parameters
    ----------
    seconds
        For how long; at least a tenth of one, for a timeout of zero would mean none at all.

    Raises
    ------
    TimeoutError
        With what was found instead: none, or workers that are paused, for their memory is full.
    """
    try:
        client.wait_for_workers(1, timeout=max(seconds, 0.1))
    except TimeoutError as error:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        paused = [
            f"{worker['metrics'].get('memory', 0) / 2**20:.0f} of "
            f"{worker['memory_limit'] / 2**20:.0f} MiB"
            for worker in workers
            if worker["status"] == "paused"
        ]
        found = f"none but paused ones, whose memory is full: {', '.join(paused)} in use"
        raise TimeoutError(found if paused else "none") from error
