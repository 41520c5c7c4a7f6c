"""Tests that start no process, server or browser, which `make test-fast` runs and holds to it.

A test is known by the fixtures it asks for, or by its mark ``process``. With ``SOILFT_NO_PROCESS``
set, one that starts a process all the same fails.
"""

import os
import sys
from collections.abc import Iterator
from multiprocessing import util

import pytest

FIXTURES = {"browser", "dask_client", "s3", "unbroken", "wheel"}
MARKS = ("kube", "netns", "s3")
EVENTS = {"os.fork", "os.posix_spawn", "subprocess.Popen"}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what asks for a fixture that starts processes."""
    needs = FIXTURES.intersection(getattr(item, "fixturenames", ()))
    if needs or any(item.get_closest_marker(name) for name in MARKS):
        item.add_marker(pytest.mark.process)


class NoProcess:
    """Lets a test fail that starts a process."""

    def __init__(self) -> None:
        self.testing = False
        sys.addaudithook(self.refuse)
        spawn = util.spawnv_passfds  # multiprocessing's, of which no hook hears

        def heard(path: str, arguments: list[str], fds: object) -> int:
            self.refuse("os.posix_spawn", arguments)
            return int(spawn(path, arguments, fds))

        util.spawnv_passfds = heard

    def refuse(self, event: str, arguments: object) -> None:
        if self.testing and event in EVENTS:
            raise RuntimeError(f"{event} {arguments}: mark this test with process")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        self.testing = True
        try:
            return (yield)
        finally:
            self.testing = False


def pytest_sessionstart(session: pytest.Session) -> None:
    """Hold tests to it where that is asked."""
    if "SOILFT_NO_PROCESS" in os.environ:
        session.config.pluginmanager.register(NoProcess())
