"""Archives that the tests of this folder read and never change."""

from datetime import date
from pathlib import Path

import pytest

from soilft.simulate import Archive, write_day, write_static

TIBET, ALASKA = (89.0, 33.0, 94.0, 37.0), (-152.0, 64.0, -148.0, 67.0)
START, END = date(2015, 10, 10), date(2015, 11, 18)
DAYS = (START, date(2015, 10, 29), date(2015, 10, 30))


def _written(root: Path, bounds: tuple[float, float, float, float]) -> Archive:
    archive = Archive(root, bounds, START, END, seed=5)
    write_static(archive)
    for day in DAYS:
        write_day(archive, day)
    return archive


@pytest.fixture(scope="session")
def tibet(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Give an archive around 90 E, with the files of ``DAYS``."""
    return _written(tmp_path_factory.mktemp("tibet"), TIBET)


@pytest.fixture(scope="session")
def alaska(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Give an archive around 150 W, with the files of ``DAYS``."""
    return _written(tmp_path_factory.mktemp("alaska"), ALASKA)
