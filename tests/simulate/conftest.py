"""Archives that the tests of this folder read and never change."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from soilft.simulate import (
    Archive,
    native_nsidc0302,
    write_day,
    write_static,
    write_stations,
)

TIBET, ALASKA = (89.0, 33.0, 94.0, 37.0), (-152.0, 64.0, -148.0, 67.0)
START, END = date(2015, 10, 10), date(2015, 11, 18)
DAYS = (START, date(2015, 10, 29), date(2015, 10, 30))
EARLY = date(2011, 8, 10)


def _written(root: Path, bounds: tuple[float, float, float, float]) -> Archive:
    archive = Archive(root, bounds, START, END, seed=5)
    write_static(archive)
    for day in DAYS:
        write_day(archive, day)
    write_stations(archive, DAYS)
    return archive


@pytest.fixture(scope="session")
def tibet(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Give an archive around 90 E, with the files of ``DAYS``."""
    return _written(tmp_path_factory.mktemp("tibet"), TIBET)


@pytest.fixture(scope="session")
def alaska(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Give an archive around 150 W, with the files of ``DAYS``."""
    return _written(tmp_path_factory.mktemp("alaska"), ALASKA)


@pytest.fixture(scope="session")
def early(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Give an archive around 90 E, with the files of two days in the time of AMSR-E."""
    root = tmp_path_factory.mktemp("early")
    archive = Archive(root, TIBET, EARLY, EARLY + timedelta(days=1), seed=5)
    write_day(archive, EARLY, nsidc=True)
    write_day(archive, archive.end)
    native_nsidc0302.write(archive, archive.end, bands=["36"], nodes=["A"], compressed=False)
    return archive
