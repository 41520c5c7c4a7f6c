"""From granules to a chunk of an input store: which granule counts, and what is remembered."""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import xarray as xr

from soilft.days import DaySpan
from soilft.errors import FormatMismatch, NoGranules
from soilft.grid import Grid
from soilft.ingest.archive import discover
from soilft.ingest.granules import ChunkOfDays, ingest_days, template_for
from soilft.schema import measured
from soilft.sources.protocol import Arrays, Granule, Role
from soilft.store import zarr as store

GRID = Grid("EPSG:4326", 90.0, 35.0, 0.25, 0.25, (2, 3))
DAYS = DaySpan(date(2015, 1, 1), date(2015, 1, 4))
_NAME = re.compile(r"number_(\d{8})_([AD])_v(\d+)\.json$")


@dataclass(frozen=True)
class Numbers:
    """One number a file, for all cells; the sum of the day's files."""

    role: ClassVar[Role] = "reanalysis"
    product: ClassVar[str] = "numbers"
    version: ClassVar[str] = "0.3.0"
    references: ClassVar[str] = "these tests"
    overpasses = ()
    coordinates = ()
    variables = (measured("number", ("time", "y", "x"), "1", "number"),)

    def granule(self, url: str) -> Granule | None:
        match = _NAME.search(url)
        if match is None:
            return None
        day = date(int(match[1][:4]), int(match[1][4:6]), int(match[1][6:]))
        return Granule((day,), match[2], match[3], url)

    def read(self, path: Path) -> xr.Dataset:
        value = json.loads(path.read_text())
        if not isinstance(value, float):
            raise FormatMismatch(path.name, expected="a number", found=str(value))
        return xr.Dataset({"number": value}, attrs={"simulated": "true"})

    def place(
        self,
        dataset: xr.Dataset,
        granule: Granule,  # noqa: ARG002
        day: date,  # noqa: ARG002
        grid: Grid,
    ) -> Arrays:
        return {"number": np.full(grid.shape, float(dataset.number), "float32")}

    def combine(
        self,
        parts: Sequence[tuple[Granule, Arrays]],
        day: date,  # noqa: ARG002
        grid: Grid,  # noqa: ARG002
    ) -> Arrays:
        return {"number": np.sum([part["number"] for _, part in parts], axis=0)}


def task(archive: Path, url: str) -> ChunkOfDays:
    found = discover(Numbers(), [f"{archive}/*"])
    return ChunkOfDays(url, Numbers(), GRID, DAYS, DAYS, tuple(found))


def ingested(archive: Path, url: str) -> tuple[list[float], ChunkOfDays, dict]:
    work = task(archive, url)
    store.create(url, template_for(Numbers(), GRID, DAYS, len(DAYS)))
    made = ingest_days(work)
    assert made.set_aside == ()
    return store.open_cube(url).number.values[:, 0, 0].tolist(), work, dict(made.facts)


def test_granules_of_a_day_are_combined_and_missing_days_stay(
    archive: Path, tmp_path: Path
) -> None:
    values, _, facts = ingested(archive, str(tmp_path / "a.zarr"))
    np.testing.assert_array_equal(values, [3.0, np.nan, 4.0, np.nan])
    assert facts["granules"] == [2, 0, 1, 0]
    assert facts["coverage"] == [1.0, 0.0, 1.0, 0.0]
    assert facts["newest_day"] == "2015-01-03"
    assert facts["simulated"] is True
    assert facts["replaced"] == {}


def test_newest_version_of_a_slot_wins_and_what_it_replaced_is_recorded(
    archive: Path, tmp_path: Path
) -> None:
    _, before, _ = ingested(archive, str(tmp_path / "a.zarr"))
    (archive / "number_20150101_A_v11.json").write_text("100.0")
    (archive / "number_20150101_A_v09.json").write_text("500.0")
    values, after, facts = ingested(archive, str(tmp_path / "a.zarr"))
    assert after.key != before.key
    np.testing.assert_array_equal(values, [102.0, np.nan, 4.0, np.nan])
    assert facts["replaced"] == {
        "number_20150101_A_v11.json": ["number_20150101_A_v09.json", "number_20150101_A_v10.json"]
    }
    assert facts["granules"] == [2, 0, 1, 0]


def test_order_of_delivery_does_not_matter(archive: Path, tmp_path: Path) -> None:
    for version in (12, 11):
        (archive / f"number_20150101_A_v{version}.json").write_text(f"{version}.0")
    late = archive / "again"
    late.mkdir()
    (late / "number_20150101_D_v10.json").write_text("7.0")
    patterns = [f"{archive}/*.json", f"{archive}/again/*.json"]
    found = discover(Numbers(), patterns)
    assert found == discover(Numbers(), patterns[::-1])
    # Of equal versions the file whose URL sorts last.
    names = [f.granule.url.removeprefix(f"{archive}/") for f in found]
    assert names == [
        "number_20150101_A_v12.json",
        "number_20150101_D_v10.json",
        "number_20150103_A_v10.json",
    ]


def test_redelivered_file_of_the_same_name_makes_the_chunk_anew(
    archive: Path, tmp_path: Path
) -> None:
    _, before, _ = ingested(archive, str(tmp_path / "a.zarr"))
    assert task(archive, before.url).key == before.key
    path = archive / "number_20150103_A_v10.json"
    path.write_text("5.0")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000_000))
    assert task(archive, before.url).key != before.key


def test_records_name_the_digest_of_every_file(archive: Path, tmp_path: Path) -> None:
    _, _, facts = ingested(archive, str(tmp_path / "a.zarr"))
    assert facts["sha256"] == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in archive.glob("*.json")
    }


def test_pattern_without_granules_is_refused(archive: Path) -> None:
    with pytest.raises(NoGranules, match="none named like one"):
        discover(Numbers(), [f"{archive}/*.txt"])
