"""Checks before work is sent to a cluster whose environment somebody else made.

Every question is asked on every process at once; everything that is off is told together.
"""

# distributed is typed in part only.
# mypy: disable-error-code="no-untyped-call"

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from distributed import Client

from cluster import workers
from cluster.errors import ClusterError

#: Seconds that a clock may be off: stores refuse signatures that are minutes old, and what lies in
#: the future looks newer than it is.
CLOCK_SECONDS = 60.0

#: Packages whose version decides what comes out, or whether processes understand each other.
PACKAGES = (
    "soilft",
    "dask",
    "distributed",
    "cloudpickle",
    "msgpack",
    "numpy",
    "numcodecs",
    "pandas",
    "scikit-learn",
    "scipy",
    "xarray",
    "zarr",
    "s3fs",
    "numba",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a process says of itself: packages by version, and its clock.

    Parameters
    ----------
    packages
        Version by name, with ``python`` as major and minor; empty where it is not installed.
    clock
        Seconds since 1970.
    """

    packages: dict[str, str]
    clock: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is off: on which process, what, and what was expected there."""

    where: str
    what: str
    expected: str
    found: str


def machine(packages: Sequence[str] = PACKAGES) -> Machine:
    """Describe this process. Runs on client, scheduler and workers."""
    python = ".".join(map(str, sys.version_info[:2]))
    return Machine({"python": python} | {name: _version(name) for name in packages}, time.time())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def image_tag() -> str:
    """Tag of the image that fits this process: version of soilft and minor of Python.

    The tag is what ``make image`` and the documentation give to images.
    """
    return f"{_version('soilft')}-py{sys.version_info.major}.{sys.version_info.minor}"


def check(
    client: Client,
    *,
    peak_bytes: int = 0,
    reaches_store: Callable[[], None] | None = None,
    packages: Sequence[str] = PACKAGES,
) -> None:
    """Ask scheduler and workers everything, and refuse the cluster where something is off.

    Parameters
    ----------
    peak_bytes
        What the largest task of the plan declares, with what an idle worker holds.
    reaches_store
        Writes to the store with the credentials of the process it runs in; raises where it cannot.
        It travels by name.

    Raises
    ------
    ClusterError
        ``cluster.preflight``, with a table of what is off.
    """
    found = findings(client, peak_bytes=peak_bytes, reaches_store=reaches_store, packages=packages)
    if found:
        raise ClusterError(
            "cluster.preflight",
            f"cluster at {client.scheduler_info(n_workers=0)['address']}",
            expected="processes that fit this one and the plan",
            found=f"{len(found)} things that are off\n{table(found)}\n",
            remedy=remedy(found),
        )


def findings(
    client: Client,
    *,
    peak_bytes: int = 0,
    reaches_store: Callable[[], None] | None = None,
    packages: Sequence[str] = PACKAGES,
) -> list[Finding]:
    """Everything that is off, process by process; see `check`."""
    here = machine(packages)
    off: list[Finding] = []
    for where, answer, asked in _machines(client, packages):
        if isinstance(answer, BaseException):
            missing = f"cannot say: {type(answer).__name__}: {answer}"
            off.append(Finding(where, "soilft", here.packages.get("soilft", ""), missing))
        else:
            off += _versions(where, here, answer) + _clock(where, answer, asked)
    off += _memory(client, peak_bytes)
    # A process that lacks the package cannot run the probe either; it has been named already.
    mute = {finding.where for finding in off if finding.found.startswith("cannot say")}
    if reaches_store is not None:
        for address, said in workers.each_of_them(client, _attempt, reaches_store).items():
            if said is not None and address not in mute:
                off.append(Finding(address, "store", "the worker's credentials suffice", str(said)))
    return off


def _attempt(probe: Callable[[], None]) -> str | None:
    try:
        probe()
    except Exception as error:  # noqa: BLE001  whatever the store's client raises is the finding
        return f"{type(error).__name__}: {error}"
    return None


def _machines(
    client: Client, packages: Sequence[str]
) -> list[tuple[str, Machine | BaseException, tuple[float, float]]]:
    """Ask scheduler and workers; give who, what they said, and between which times."""
    before = time.time()
    try:
        scheduler: Any = client.run_on_scheduler(machine, packages)
    except Exception as error:  # noqa: BLE001  the scheduler's own error is the finding
        scheduler = error
    answered = [("scheduler", scheduler, (before, time.time()))]
    before = time.time()
    answers = workers.each_of_them(client, machine, packages)
    after = time.time()
    return answered + [(address, answer, (before, after)) for address, answer in answers.items()]


def _versions(where: str, here: Machine, there: Machine) -> list[Finding]:
    return [
        Finding(where, name, wanted or "not installed", there.packages.get(name) or "not installed")
        for name, wanted in here.packages.items()
        if there.packages.get(name, "") != wanted
    ]


def _clock(where: str, there: Machine, asked: tuple[float, float]) -> list[Finding]:
    """Compare a clock with the time in which it must have been read."""
    before, after = asked
    behind, ahead = before - there.clock, there.clock - after
    if max(behind, ahead) <= CLOCK_SECONDS:
        return []
    seconds = f"{behind:.0f} s behind" if behind > ahead else f"{ahead:.0f} s ahead"
    return [Finding(where, "clock", f"within {CLOCK_SECONDS:.0f} s of this machine's", seconds)]


def _memory(client: Client, peak_bytes: int) -> list[Finding]:
    joined = client.scheduler_info(n_workers=-1)["workers"]
    expected = f"{peak_bytes / 2**20:.0f} MiB for the largest task"
    return [
        Finding(address, "memory", expected, f"a limit of {worker['memory_limit'] / 2**20:.0f} MiB")
        for address, worker in joined.items()
        if worker["memory_limit"] and worker["memory_limit"] < peak_bytes
    ]


def table(found: Sequence[Finding]) -> str:
    """Set findings as a table of text, one a line, equal ones of several processes together.

    >>> print(table([Finding("tcp://a:1", "zarr", "3.4", "3.1"),
    ...              Finding("tcp://b:1", "zarr", "3.4", "3.1")]))
    where                     what  expected  found
    tcp://a:1 and 1 more      zarr  3.4       3.1
    """
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for item in found:
        grouped.setdefault((item.what, item.expected, item.found), []).append(item.where)
    rows = [("where", "what", "expected", "found")]
    for (what, expected, seen), where in grouped.items():
        more = f" and {len(where) - 1} more" if len(where) > 1 else ""
        rows.append((where[0] + more, what, expected, seen))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    widths[0] = max(widths[0], 24)
    return "\n".join(
        "  ".join((*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3])).rstrip()
        for row in rows
    )


def remedy(found: Sequence[Finding]) -> str:
    """What to do about the findings, one sentence for each sort of them."""
    sorts = {item.what for item in found}
    sentences: list[str] = []
    if sorts - {"clock", "memory", "store"}:
        sentences.append(
            f"Run scheduler and workers from an image with the tag {image_tag()}, or make this "
            "environment like theirs."
        )
    if "memory" in sorts:
        sentences.append("Give workers more memory, or make chunks smaller.")
    if "store" in sorts:
        sentences.append("Give the workers themselves credentials for the store.")
    if "clock" in sorts:
        sentences.append("Set the clock of that machine.")
    return " ".join(sentences)
