"""When radiometers flew, where they hand over, and what links them."""

import numpy as np

from soilft.radiometers import eras
from soilft.radiometers.eras import flying, hand_overs, links

AMSRE = np.arange(0, 300, dtype="int32")
MWRI = np.arange(0, 3000, dtype="int32")
AMSR2 = np.arange(560, 3000, dtype="int32")
DAYS = {"amsr2": AMSR2, "amsr-e": AMSRE, "mwri": MWRI}


def test_what_never_met_the_reference_is_fitted_through_what_did() -> None:
    found, unreached = links(DAYS, "amsr2", 1000)
    assert [(link.one, link.other, len(link.days)) for link in found] == [
        ("mwri", "amsr2", 1000),
        ("amsr-e", "mwri", 300),
    ]
    assert found[0].days[0] == 560
    assert found[0].days[-1] == 1559
    assert unreached == []


def test_without_a_bridge_there_is_no_way() -> None:
    found, unreached = links({"amsr2": AMSR2, "amsr-e": AMSRE}, "amsr2")
    assert found == []
    assert unreached == ["amsr-e"]


def test_a_few_common_days_are_no_overlap() -> None:
    short = {"amsr2": AMSR2, "mwri": np.arange(500, 567, dtype="int32")}
    assert links(short, "amsr2")[1] == ["mwri"]


def test_the_reference_itself_is_preferred_to_a_longer_way() -> None:
    every = np.arange(3000, dtype="int32")
    days = {"a": np.arange(100, dtype="int32"), "b": every, "c": every}
    found, _ = links(days, "a")
    assert {(link.one, link.other) for link in found} == {("b", "a"), ("c", "a")}


def test_the_record_hands_over_where_the_preferred_one_begins_or_ends() -> None:
    found = hand_overs(DAYS, ("amsr2", "amsr-e", "mwri"))
    assert [(h.before, h.after, h.day) for h in found] == [
        ("amsr-e", "mwri", 300),
        ("mwri", "amsr2", 560),
    ]


def test_an_outage_is_no_hand_over_and_a_long_one_is() -> None:
    short = {**DAYS, "amsr2": np.setdiff1d(AMSR2, np.arange(1000, 1020))}
    assert len(hand_overs(short, ("amsr2", "amsr-e", "mwri"))) == 2
    long = {**DAYS, "amsr2": np.setdiff1d(AMSR2, np.arange(1000, 1050))}
    assert [(h.before, h.after, h.day) for h in hand_overs(long, ("amsr2", "amsr-e", "mwri"))][
        2:
    ] == [("amsr2", "mwri", 1000), ("mwri", "amsr2", 1050)]


def test_before_its_first_and_after_its_last_day_nothing_flies() -> None:
    numbers = np.array([-1, 0, 299, 300])
    assert flying(AMSRE, numbers).tolist() == [False, True, True, False]
    assert not flying(np.empty(0, "int32"), numbers).any()


def test_who_was_in_operation_is_told_in_spells() -> None:
    days = {
        "first": np.arange(10, 20, dtype="int32"),
        "second": np.arange(15, 30, dtype="int32"),
        "none": np.empty(0, "int32"),
    }
    numbers = np.arange(5, 35)
    found = eras.operating(days, ("first", "second", "none"), numbers)
    np.testing.assert_array_equal(found, [255] * 5 + [0] * 10 + [1] * 10 + [255] * 5)
    told = eras.spells(found)
    assert told == ((0, 255), (5, 0), (15, 1), (25, 255))
    np.testing.assert_array_equal(eras.spelt_out(told, len(numbers)), found)
    assert len(eras.spelt_out(told, len(numbers))) == 30


def test_one_that_gives_nothing_for_days_counts_as_gone_for_filling() -> None:
    outage = np.concatenate([np.arange(0, 20), np.arange(40, 60)]).astype("int32")
    days = {"first": outage, "second": np.arange(0, 32, dtype="int32")}
    numbers = np.arange(60)
    np.testing.assert_array_equal(eras.operating(days, ("first", "second"), numbers), 0)
    found = eras.operating(days, ("first", "second"), numbers, within=2)
    # Two days after its last and before its next it may be filled from; then the second is asked,
    # and where that has ended as well, nobody.
    assert eras.spells(found) == ((0, 0), (22, 1), (32, 255), (38, 0))
    assert [change.day for change in hand_overs(days, ("first", "second"))] == []
    np.testing.assert_array_equal(
        eras.near(outage, np.array([-3, -2, 21, 22, 61, 62]), 2), [0, 1, 1, 0, 1, 0]
    )
    assert not eras.near(np.empty(0, "int32"), numbers, 2).any()
