"""The page on adding a source: its product is real, short, and goes the whole way of an input."""

import importlib
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from soilft.days import DaySpan
from soilft.ingest.archive import discover
from soilft.ingest.granules import ChunkOfDays, ingest_days, template_for
from soilft.schema import FROZEN
from soilft.store import zarr as store

PAGE = Path(__file__).parents[1] / "docs" / "adding-a-source.md"
DAY = date(2016, 1, 15)


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Give the page's test as a module, its product importable."""
    reader, test = blocks()
    (tmp_path / "frost_map.py").write_text(reader)
    (tmp_path / "page_of_frost_map.py").write_text(test)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("page_of_frost_map")
    for name in ("frost_map", "page_of_frost_map"):
        sys.modules.pop(name, None)


def test_the_product_of_the_page_takes_under_60_lines() -> None:
    reader, _ = blocks()
    assert len([line for line in reader.splitlines() if line.strip()]) < 60


def test_the_test_of_the_page_passes(page: ModuleType, tmp_path: Path) -> None:
    page.test_frost_map_keeps_the_promises_of_a_reader(tmp_path)


def test_the_product_of_the_page_is_ingested(page: ModuleType, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    page.written(archive, np.ones((2, 720, 1440), "uint8"))
    source, span, url = page.FrostMap(), DaySpan(DAY, DAY), str(tmp_path / "frost.zarr")
    found = tuple(discover(source, [f"{archive}/*"]))
    assert [item.granule.days for item in found] == [(DAY,)]
    store.create(url, template_for(source, page.WINDOW, span, 1))
    done = ingest_days(ChunkOfDays(url, source, page.WINDOW, span, span, found))
    assert not done.set_aside
    assert done.facts["coverage"] == [1.0]
    stored = store.array(store.open_raw(url), "freeze_thaw")[...]
    np.testing.assert_array_equal(stored, FROZEN)
