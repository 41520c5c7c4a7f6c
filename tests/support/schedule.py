"""Order of the tests in several processes: what takes long begins first.

Files go to processes whole, but for tests that take long and share no fixture of their file: these
go alone. `tests/durations.json` has the seconds of both, as measured by ``make durations``.
"""

import json
import os
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

RECORDED = Path(__file__).parents[1] / "durations.json"
# Seconds from which on a test goes alone, and those of a file that was never measured.
LONG, UNKNOWN = 3.0, 5.0
SHARES = "shares a fixture of its file"


def test_of(nodeid: str) -> str:
    """The test without its parameters."""
    return nodeid.partition("[")[0]


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


class LongestFirst(LoadScopeScheduling):
    """Files and long tests, in the order in which processes collect them."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        super().__init__(config, log)  # type: ignore[arg-type]
        config.option.loadscopereorder = False
        self.alone = frozenset(_recorded())

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if test_of(nodeid) in self.alone else file_of(nodeid)


def _recorded() -> dict[str, float]:
    found: dict[str, float] = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    return found


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LongestFirst:
    return LongestFirst(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what takes longest first, where several processes share the tests."""
    if "SOILFT_DURATIONS" in os.environ:
        for item in items:
            fixtures = item._fixtureinfo.name2fixturedefs.values()  # type: ignore[attr-defined]
            shares = any(defined[-1].scope == "module" for defined in fixtures)
            item.user_properties.append((SHARES, shares))
    if hasattr(config, "workerinput"):
        recorded = _recorded()

        def seconds(item: pytest.Item) -> float:
            file = recorded.get(file_of(item.nodeid), UNKNOWN)
            return recorded.get(test_of(item.nodeid), file)

        items.sort(key=lambda item: -seconds(item))


class Recorder:
    """Seconds of every test, written at the end as the next run needs them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, list[float]] = {}
        self.shares: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        parts = self.seconds.setdefault(report.nodeid, [])
        parts.append(report.duration)
        self.shares[report.nodeid] = dict(report.user_properties)[SHARES]

    def pytest_sessionfinish(self) -> None:
        found: dict[str, float] = {}
        for nodeid, parts in self.seconds.items():
            alone = sum(parts) >= LONG and not self.shares[nodeid]
            name = test_of(nodeid) if alone else file_of(nodeid)
            # Of a test's parameters the longest counts, of a file all tests.
            found[name] = (
                max(found.get(name, 0.0), sum(parts))
                if alone
                else (found.get(name, 0.0) + sum(parts))
            )
        rounded = {name: round(seconds, 1) for name, seconds in sorted(found.items())}
        self.path.write_text(json.dumps(rounded, indent=1) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    """Record seconds where asked, once for all processes."""
    asked = os.environ.get("SOILFT_DURATIONS")
    if asked and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(Path(asked)))
