"""The best rule is the one that the forest gains least over, and no label."""

from typing import Any

from soilft.scores.best_rule import best_rule


def beside(name: str, gain: float, rows: int = 100, **more: Any) -> dict[str, Any]:
    difference = {"overall_accuracy": gain, "interval": [gain - 0.01, gain + 0.01]}
    entry = {"name": name, "title": f"rule of {name}", "is_label": False, "rows": rows}
    return {**entry, "overall_accuracy": 0.8, "difference": difference, **more}


def test_the_least_gain_counts_though_another_rule_is_right_more_often() -> None:
    # On the rows that it knows the other is right more often, and so is the forest.
    rows = [beside("a", 0.03, overall_accuracy=0.99), beside("b", 0.02), beside("c", 0.04)]
    assert best_rule(rows, 100) == {
        "name": "b",
        "title": "rule of b",
        "rows": 100,
        "overall_accuracy": 0.8,
        "difference": rows[1]["difference"],
    }


def test_a_rule_that_beats_the_forest_is_named_with_a_negative_gain() -> None:
    found = best_rule([beside("a", 0.03), beside("b", -0.05), beside("c", -0.01)], 100)
    assert (found["name"], found["difference"]["overall_accuracy"]) == ("b", -0.05)


def test_labels_and_rules_of_less_than_half_the_rows_do_not_count() -> None:
    half, less = beside("half", 0.05, rows=50), beside("less", -0.3, rows=49)
    label = beside("label", -0.2, is_label=True)
    assert best_rule([label, less, beside("all", 0.06), half], 100)["name"] == "half"


def test_no_rule_has_a_reason() -> None:
    silent = {"name": "a", "title": "a", "is_label": False, "rows": 0, "reason": "no day"}
    for rows in ([], [silent], [beside("a", 0.1, rows=1)]):
        assert best_rule(rows, 100) == {
            "reason": "no rule has a state for half of the held-out pixel-days"
        }


def test_of_equal_gains_the_first_is_named() -> None:
    assert best_rule([beside("a", 0.1), beside("b", 0.1)], 100)["name"] == "a"
