"""A real browser for tests: headless Chromium, everything it asks for and says kept.

With ``SOILFT_CHROMIUM=required``, as in continuous integration, a browser that is not there fails.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_until

SECONDS = 60
# The shell becomes the command, whose own exit code is seen then. Ctrl-C works in it, even where
# the tests themselves run in the background, behind a shell that has it ignored.
SHELL = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv("/bin/bash", ["bash", "-c", sys.argv[1]])
"""
# A container has no sandbox to offer, and nothing may go out on its own.
_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def need_chromium() -> str:
    """Path of Chromium; without one the test is skipped, or fails where it is required."""
    found = shutil.which("chromium")
    if found is None:
        message = "needs Debian's package chromium"
        if os.environ.get("SOILFT_CHROMIUM") == "required":
            pytest.fail(message)
        pytest.skip(message)
    return found


_running: list[Any] = []
"""Playwright's driver as often as there are browsers: a second would not start in its loop."""


@contextmanager
def _driver() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    driver = _running[-1] if _running else sync_playwright().start()
    _running.append(driver)
    try:
        yield driver
    finally:
        _running.pop()
        if not _running:
            driver.stop()


@contextmanager
def chromium() -> Iterator[Any]:
    """Run a browser for the length of a ``with`` block, with a profile that is new and goes."""
    path = need_chromium()
    with _driver() as driver:
        browser = driver.chromium.launch(executable_path=path, args=_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Seen:
    """A page under test, and what became of it.

    Parameters
    ----------
    requests
        Method, URL and asked-for range of each request.
    said
        What the console holds, and errors that nobody caught.
    """

    page: Any
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(1000 * SECONDS)
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on(
            "request",
            lambda r: self.requests.append((r.method, r.url, r.headers.get("range", ""))),
        )

    def open(self, url: str) -> "Seen":
        """Go to an address, and wait until its map is there."""
        self.page.goto(url)
        self.page.wait_for_selector("body[data-state=ready]")
        return self

    def shown(self) -> str:
        """Day and layer that the map shows: ``2015-01-30 state``."""
        return str(self.page.get_attribute("#main", "data-shown"))

    def until_shown(self, what: str) -> None:
        """Wait until the map shows this day and layer."""
        self.page.wait_for_selector(f"#main[data-shown='{what}'][aria-busy=false]")

    def until(self, ready: Any, what: str) -> None:
        """Wait for a fact that no selector tells."""
        wait_until(ready, what, seconds=SECONDS)

    def text(self, selector: str) -> str:
        return str(self.page.text_content(selector)).strip()

    def centre(self, row: int, column: int, shape: tuple[int, int]) -> tuple[float, float]:
        """Where the middle of a cell is on the map, in CSS pixels of the window."""
        box = self.page.locator("#over").bounding_box()
        return (
            box["x"] + (column + 0.5) * box["width"] / shape[1],
            box["y"] + (row + 0.5) * box["height"] / shape[0],
        )

    def colour(self, row: int, column: int, shape: tuple[int, int]) -> tuple[int, ...]:
        """Colour that is really on the map's canvas in the middle of a cell."""
        return tuple(
            self.page.evaluate(
                """([row, column, rows, columns]) => {
                    const map = document.getElementById("map");
                    const x = Math.floor(((column + 0.5) * map.width) / columns);
                    const y = Math.floor(((row + 0.5) * map.height) / rows);
                    return [...map.getContext("2d").getImageData(x, y, 1, 1).data];
                }""",
                [row, column, *shape],
            )
        )

    def legend(self) -> dict[str, tuple[int, ...]]:
        """Colour of each entry of the map's legend by its words."""
        found = self.page.evaluate(
            """() => [...document.querySelectorAll("#legend li")].map((item) => [
                item.innerText.trim(),
                [...item.querySelector("canvas").getContext("2d").getImageData(9, 9, 1, 1).data],
            ])"""
        )
        return {name: tuple(colour) for name, colour in found}


@contextmanager
def printed_line(line: str) -> Iterator[str]:
    """Run a printed ``soilft view`` verbatim in a shell of this environment; give the address."""
    process = subprocess.Popen(
        [sys.executable, "-c", SHELL, line],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    try:
        assert process.stdout is not None
        address = next((said.strip() for said in process.stdout if said.startswith("http://")), "")
        assert address, f"{line}: no address, status {process.wait(SECONDS)}"
        yield address
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(SECONDS) == 0
        assert "Ended." in process.stdout.read()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]
