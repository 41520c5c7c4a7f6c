"""The table of days and sources."""

import json
from datetime import date

import numpy as np
import pytest

from soilft.days import DaySpan
from soilft.ingest.availability import Availability, SourceDays, joined
from soilft.ingest.granules import daily_coverage
from soilft.schema import MISSING, flagged, measured

DAYS = DaySpan(date(2015, 1, 1), date(2015, 1, 10))


def test_parts_join_on_the_whole_axis_and_other_days_have_nothing() -> None:
    parts = [
        (DaySpan(date(2015, 1, 2), date(2015, 1, 3)), SourceDays((4, 0), (0.5, 0.0))),
        (DaySpan(date(2015, 1, 9), date(2015, 1, 10)), SourceDays((1, 2), (0.25, 1.0))),
    ]
    found = joined(DAYS, parts)
    assert found.granules == (0, 4, 0, 0, 0, 0, 0, 0, 1, 2)
    assert found.coverage == (0, 0.5, 0, 0, 0, 0, 0, 0, 0.25, 1.0)
    assert found.days_with_data == 3
    assert found.mean_coverage == pytest.approx(1.75 / 3)


def test_longest_gap_lies_between_days_with_data() -> None:
    source = SourceDays((0,) * 10, (0, 0.5, 0, 0.5, 0, 0, 0, 0.5, 0, 0))
    table = Availability(DAYS, {"amsr2": source, "none": SourceDays((0,) * 10, (0.0,) * 10)})
    assert str(table.longest_gap("amsr2")) == "2015-01-05..2015-01-07"
    assert table.longest_gap("none") is None


def test_table_reads_back_from_its_json() -> None:
    table = Availability(DAYS, {"amsr2": SourceDays((1,) * 10, (0.25,) * 10)})
    assert Availability.from_json(json.loads(json.dumps(table.to_json()))) == table


def test_coverage_counts_cells_with_any_value() -> None:
    tb = np.full((2, 2, 3, 2, 2), np.nan, "float32")
    tb[1, 1, 2, 0, 0] = 250.0
    variable = measured("tb", ("time", "overpass", "channel", "y", "x"), "K", "tb")
    assert daily_coverage(variable, tb) == [0.0, 0.25]
    state = np.full((1, 2, 2, 2), MISSING, "uint8")
    state[0, 0, 0] = 0
    variable = flagged("freeze_thaw", ("time", "overpass", "y", "x"), "state", {"thawed": 0})
    assert daily_coverage(variable, state) == [0.5]


def test_chart_shows_missing_days_as_missing() -> None:
    pytest.importorskip("matplotlib")
    from soilft.report.style import availability_chart

    table = Availability(DAYS, {"amsr2": SourceDays((1,) * 10, (0.0,) * 9 + (0.25,))})
    figure = availability_chart(table, "SIMULATED: a title")
    axis = figure.axes[0]
    assert axis.get_title() == "SIMULATED: a title"
    assert [label.get_text() for label in axis.get_yticklabels()] == ["amsr2"]
    drawn = axis.collections[0].get_array()
    assert drawn.count() == 1
    assert drawn.compressed()[0] == 0.25
