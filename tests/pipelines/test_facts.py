"""What stages leave each other is read as release 0.3.0 wrote it, and written so."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.facts import (
    Blocks,
    Card,
    ErrorCorrelation,
    ForestGrown,
    ForestSearch,
    Harmonized,
    IngestedDays,
    IngestedUnit,
    InputUnit,
    NormalsFitted,
    Pictures,
    PredictedDays,
    RawTable,
    Scored,
    TrainingTable,
)
from soilft.days import DaySpan
from soilft.errors import DamagedObject
from soilft.store.ledger import Done, Facts
from tests.support.predicted import predicted

BLOCKS = {
    "block_degrees": 1.0,
    "block_degrees_configured": True,
    "correlation_range": {"kilometres": None, "degrees": None, "features": {}},
}
# Facts as the ledger of 0.3.0 has them.
WRITTEN: list[tuple[type[Facts], dict[str, Any]]] = [
    (
        Harmonized,
        {
            "tested_url": "harmonization/a/tested.zarr",
            "used_url": "harmonization/a/used.zarr",
            "reference": "amsr2",
            "links": [{"one": "mwri", "other": "amsr2"}],
            "unreached": ["amsr-e"],
            "hand_overs": [],
        },
    ),
    (NormalsFitted, {"url": "normals/a.zarr", "days": 31}),
    (Blocks, BLOCKS),
    (
        TrainingTable,
        {"rows": 9, "frozen": 4, "candidates": 20, "strata": 3, "labels": {"used": 9}, **BLOCKS},
    ),
    (PredictedDays, {"thawed": 1, "frozen": 2, "missing": 3, "days": ["a", "b"]}),
    (RawTable, {"rows": 9, "left_out": 2}),
    (
        ForestSearch,
        {
            "chosen": {"n_estimators": 9},
            "best": {"n_estimators": 12},
            "why": "It is as good.",
            "points": [{"score": 0.9}],
            "seconds": [0.5],
            "rows": 100,
            "folds": 3,
        },
    ),
    (ForestGrown, {"asked": "a digest"}),
    (
        ErrorCorrelation,
        {
            "lags": [1, 2],
            "pairs": [9, 8],
            "correlations": [0.5, None],
            "scales": [4.0, None],
            "weights": [0.25, 0.75],
        },
    ),
    (Pictures, {"pictures": ["mean_frozen_days"], "left_out": ""}),
]


@pytest.mark.parametrize(
    ("kind", "written"), WRITTEN, ids=lambda value: getattr(value, "__name__", "")
)
def test_facts_are_read_and_written_as_the_ledger_of_0_3_0_has_them(
    kind: type[Facts], written: dict[str, Any]
) -> None:
    assert kind.of(Done("key", "content", written)).to_json() == written


def test_facts_of_ingested_units_leave_alone_what_people_ask_for() -> None:
    asked = {"sha256": {"a.nc": "0"}, "replaced": {}, "first": "2015-10-01"}
    days = {"coverage": [1.0, 0.0], "granules": [2, 0], "last": "2015-10-02"}
    record = Done("key", "", {"simulated": True, "newest_day": "2015-10-01", **days, **asked})
    assert IngestedDays.of(record) == IngestedDays(
        True, [1.0, 0.0], [2, 0], "2015-10-02", "2015-10-01"
    )
    assert IngestedUnit.of(record) == IngestedUnit(True)
    assert IngestedDays.of(Done("key", "", {"simulated": False})).newest_day == ""


def test_days_with_data_are_those_of_any_coverage() -> None:
    span = DaySpan(date(1970, 1, 3), date(1970, 1, 5))
    facts = IngestedDays(simulated=False, coverage=[0.5, 0.0, 0.001])
    assert facts.days_with_data(span) == [2, 4]
    with pytest.raises(DamagedObject, match="simulated"):
        IngestedUnit.of(Done("key", ""))


def test_an_update_uses_again_what_a_release_kept() -> None:
    harmonized = Harmonized.from_json(WRITTEN[0][1])
    assert harmonized.kept == {"used_url": "harmonization/a/used.zarr", "unreached": ["amsr-e"]}
    assert Harmonized.from_json(harmonized.kept).used_url == harmonized.used_url
    assert NormalsFitted.from_json(NormalsFitted("n.zarr", 3).kept).url == "n.zarr"
    assert Scored.of(Done("key", "content")).skill is None
    assert set(harmonized.told) == {"reference", "links", "unreached", "hand_overs"}


def test_units_of_inputs_are_named_as_the_ledger_of_0_3_0_has_them() -> None:
    span = DaySpan(date(2015, 10, 1), date(2015, 10, 9))
    units = (
        InputUnit.of_days("smos", span),
        InputUnit.of_static("soil"),
        InputUnit.of_stations("ismn"),
    )
    assert [str(unit) for unit in units] == ["smos/2015-10-01", "soil/static", "ismn/stations"]
    assert [unit.is_static for unit in units] == [False, True, False]


def test_a_card_is_read_once(tmp_path: Path) -> None:
    done = predicted(tmp_path)
    card = done.run.card(done.model)
    assert card == Card([], {})
    assert card.calibrated
    assert card.set_level is None
    (Path(done.model.url) / "card.json").unlink()
    assert done.run.card(done.model) is card
    assert not Card([], None).calibrated
    assert Card([], {"conformal": {"level": 0.9}}).set_level == 0.9
