"""The training table as it lies in the store."""

from pathlib import Path

import numpy as np
import pytest

from soilft.training import table as table_module
from soilft.training.held_out import year_block_folds
from soilft.training.table import feature_names, held_table, read_table
from tests.support import tables


def test_it_reads_back_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    features = rng.normal(size=(120, 3))
    features[5, 1] = np.nan
    given = tables.table_of(features, rng.integers(0, 2, 120), radiometer=np.arange(120) % 3)
    url, content = tables.stored_table(tmp_path, given)
    found = read_table(url)
    for name in ("features", "label", "day", "overpass", "cell", "block", "radiometer"):
        np.testing.assert_array_equal(getattr(found, name), getattr(given, name), name)
    assert found.names == feature_names(url) == ("f0", "f1", "f2")
    assert found.radiometers == ("one", "two")
    assert [len(found.rows_of(part)) for part in ("train", "validation", "test")] == [84, 18, 18]
    (tmp_path / "again").mkdir()
    assert tables.stored_table(tmp_path / "again", given)[1] == content


def test_a_row_knows_its_year_and_month(tmp_path: Path) -> None:
    days = np.array(["1969-12-31", "2012-02-29", "2012-12-31", "2013-01-01"], "datetime64[D]")
    table = tables.table_of(np.zeros((4, 1)), np.arange(4) % 2, day=days.astype("int64"))
    found = read_table(tables.stored_table(tmp_path, table)[0])
    assert found.year.tolist() == [1969, 2012, 2012, 2013]
    assert found.month.tolist() == [12, 2, 12, 1]


@pytest.mark.parametrize(
    ("first", "last", "years", "names"),
    [
        ("2014-08-01", "2015-07-31", {2014}, {"2014/15"}),
        ("2015-08-01", "2016-07-31", {2015}, {"2015/16"}),  # 366 days
        ("2015-01-01", "2015-12-31", {2015}, {"2015"}),
        ("2014-08-01", "2015-08-02", {2014, 2015}, {"2014", "2015"}),
    ],
)
def test_rows_of_one_winter_are_of_one_year(
    tmp_path: Path, first: str, last: str, years: set[int], names: set[str]
) -> None:
    days = np.array([first, last], "datetime64[D]").astype("int64")
    table = tables.table_of(np.zeros((8, 1)), np.arange(8) % 2, day=np.repeat(days, 4))
    found = read_table(tables.stored_table(tmp_path, table)[0])
    assert set(found.year.tolist()) == years
    assert set(found.year_name.tolist()) == names
    folds = year_block_folds(found.year, np.arange(8) % 4, 2, 0)
    one_year = len(years) == 1
    # Of one winter the days of a fold are trained on elsewhere; of two years never.
    assert {bool(set(found.day[f.train]) & set(found.day[f.test])) for f in folds} == {one_year}


def test_a_process_reads_a_table_once(tmp_path: Path) -> None:
    table = tables.table_of(np.zeros((4, 1)), np.arange(4) % 2)
    url, content = tables.stored_table(tmp_path, table)
    assert held_table(url, content) is held_table(url, content)
    assert held_table(url, "another") is not held_table(url, content)


def test_a_part_is_random_the_same_every_time_and_read_as_the_whole_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "ROWS_A_CHUNK", 40)
    rng = np.random.default_rng(2)
    given = tables.table_of(rng.normal(size=(120, 3)), rng.integers(0, 2, 120))
    url, content = tables.stored_table(tmp_path, given)
    whole, part = read_table(url), read_table(url, 50)
    assert len(part) == len(held_table(url, content, 50)) == 50
    rows = np.searchsorted(whole.day, part.day)  # a row a day
    assert len(set(rows)) == 50
    assert (np.diff(rows) > 0).all()
    assert rows.max() - rows.min() > 90
    for name in ("features", "label", "split", "overpass", "cell", "block", "radiometer"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[rows], name)
    np.testing.assert_array_equal(read_table(url, 50).day, part.day)
    assert len(read_table(url, 500)) == 120
