"""A scorecard with all that a report shows, in small numbers."""

from typing import Any


def scores(right: int = 90) -> dict[str, Any]:
    wrong = 100 - right
    return {
        "rows": 2 * 100,
        "confusion": [[right, wrong], [wrong, right]],
        "majority_share": 0.5,
        "overall_accuracy": right / 100,
        "balanced_accuracy": right / 100,
        "recall_thawed": right / 100,
        "recall_frozen": None,
        "f1_frozen": right / 100,
        "kappa": None,
        "mcc": 0.8,
    }


def experiment(title: str, right: int = 90, **more: Any) -> dict[str, Any]:
    return {
        "title": title,
        "note": "",
        "comparison_only": False,
        "against": "label",
        "scores": scores(right),
        "intervals": {"overall_accuracy": [right / 100 - 0.0123, right / 100 + 0.0123]},
        **more,
    }


def card() -> dict[str, Any]:
    month = {"key": "01", **scores(71)}
    covered = {"coverage_thawed": 0.9, "coverage_frozen": 0.91, "both": 0.1, "neither": 0.02}
    difference = {"overall_accuracy": 0.0456, "interval": [0.0345, 0.0567]}
    return {
        "schema": "soilft-scorecard/2",
        "title": "Plateau <& co>",
        "simulated": True,
        "period": "2011-01-01..2020-12-31",
        "days": 3653,
        "label": "smos",
        "model_digest": "ab" * 32,
        "cautions": ["SIMULATED: beware <b>", "second caution"],
        "set_aside": ["a granule & its fault"],
        "labels": {"thawed": 10, "frozen": 20, "partially_frozen": 3, "low_quality": 4},
        "settings": {"folds": 10, "forest": {"n_estimators": 50, "class_weight": None}},
        "experiments": {
            "random_train": experiment("Random split, train", 99, comparison_only=True),
            "random_test": experiment("Random split, test", 97, comparison_only=True),
            "year_block": experiment(
                "Held-out years and blocks",
                folds=10,
                blocks=12,
                probability={
                    "brier": 0.071,
                    "brier_skill": None,
                    "calibration_error": 0.013,
                    "reliability": [{"predicted": 0.125, "observed": 0.135, "rows": 77}],
                },
                by={
                    "season": [],
                    "month": [month],
                    "applicability": [{"key": "inside", **scores(93)}],
                },
            ),
            "smap_am": experiment("Against SMAP AM", 80, against="smap"),
            "stations": {
                **experiment("At stations"),
                "scores": None,
                "intervals": None,
                "reason": "no pixel-day is in both",
            },
        },
        "baselines": [
            {
                "name": "gldas",
                "title": "GLDAS soil",
                "is_satellite_label": False,
                "rows": 200,
                "against": "label",
                "overall_accuracy": 0.8544,
                "balanced_accuracy": 0.85,
                "model_overall_accuracy": 0.9,
                "difference": difference,
                "mcnemar": {"only_first_right": 30, "only_second_right": 10, "p_value": 0.002},
            },
            {"name": "dfa", "title": "DFA", "is_satellite_label": False, "reason": "no 18.7 GHz"},
        ],
        "ablations": [
            {
                "name": "tb",
                "title": "TB only",
                "features": 17,
                "scores": scores(88),
                "difference": difference,
            }
        ],
        "importance": [{"group": "brightness", "drop": 0.0789, "interval": None}],
        "conformal": {
            "level": 0.9,
            "against": "label",
            "thawed": {"rows": 100, "coverage": 0.9012},
            "frozen": {"rows": 100, "coverage": 0.9034},
            "both": 0.1,
            "neither": 0.02,
            "by_month": [{"key": "01", "rows": 40, **covered}],
            "by_region": [],
        },
        "applicability": {"threshold": 0.3, "inside_share": 0.97},
        "annual": {
            "reference": "truth",
            "layers": [
                {
                    "name": "frozen_days",
                    "unit": "d",
                    "mean": 151.5,
                    "bias": -1.25,
                    "mean_absolute_error": 3.5,
                    "rows": 300,
                    "trend": {
                        "slope": -0.375,
                        "interval": [-0.5, 0.25],
                        "p_value": 0.04,
                        "years": 10,
                    },
                }
            ],
        },
        "harmonization": {
            "links": [
                {
                    "one": "mwri",
                    "other": "amsr2",
                    "days": 1461,
                    "first": "2012-07-03",
                    "last": "2016-07-02",
                    "channels": [
                        {
                            "channel": "36.5V",
                            "node": "AM",
                            "pairs": 51234,
                            "terms": ["offset", "slope"],
                            "own_terms": [],
                            "spread_raw": 5.6,
                            "spread_regional": 0.912,
                            "spread_pixel": None,
                        }
                    ],
                }
            ],
            "unreached": ["amsr-e"],
            "hand_overs": [
                {
                    "before": "mwri",
                    "after": "amsr2",
                    "day": "2012-07-03",
                    "margin": 0.5,
                    "frozen_days": {
                        "margin": 2.0,
                        "pixel_days": 4321,
                        "raw": [6.25, 5.1, 7.3],
                        "raw_equivalent": False,
                        "raw_outside": True,
                        "harmonized": [0.31, -0.4, 1.02],
                        "equivalent": True,
                    },
                    "steps": [
                        {
                            "channel": "36.5V",
                            "node": "AM",
                            "pairs": 2113,
                            "raw": [5.536, 5.357, 5.715],
                            "harmonized": [-0.189, -0.459, 0.08],
                            "equivalent": True,
                            "raw_equivalent": False,
                        }
                    ],
                },
                {
                    "before": "amsr-e",
                    "after": "mwri",
                    "day": "2011-10-05",
                    "steps": [],
                    "reason": "No day with both was left out of the fit.",
                },
            ],
            "transfer": {
                "left_out": 1234,
                "pairs": [
                    {
                        "trained": "mwri",
                        "judged": "amsr2",
                        "rows": 2345,
                        "raw": {
                            "overall_accuracy": 0.8123,
                            "balanced_accuracy": 0.8012,
                            "kappa": 0.611,
                        },
                        "harmonized": {
                            "overall_accuracy": 0.9012,
                            "balanced_accuracy": 0.8998,
                            "kappa": 0.822,
                        },
                        "difference": {
                            "overall_accuracy": 0.0889,
                            "interval": [0.0712, 0.1034],
                        },
                    },
                    {
                        "trained": "amsr2",
                        "judged": "mwri",
                        "reason": "the rows of amsr2 are of one class",
                    },
                ],
            },
            "trend": {
                "years": [2011, 2012],
                "cells": 321,
                "pixel_days": 98765,
                "records": [
                    {
                        "record": "raw",
                        "series": [151.25, 160.75],
                        "trend": {
                            "slope": 1.25,
                            "interval": [0.5, 2.0],
                            "p_value": 0.01,
                            "years": 10,
                        },
                    },
                    {
                        "record": "harmonized",
                        "series": [150.5, 149.5],
                        "trend": {"slope": None, "reason": "2 years have a value"},
                    },
                ],
            },
        },
        "noise": [
            {
                "scale": 0.5,
                "overall_accuracy": 0.95,
                "interval": [0.94, 0.96],
                "ceiling": 0.97,
                "against_truth": None,
            }
        ],
        "search": {
            "chosen": {"max_features": "sqrt"},
            "why": "the cheapest of the good",
            "points": [{"params": {"max_features": "sqrt"}, "score": 0.9123, "nodes": 1234}],
        },
        "per_era": {"kept": False, "why": "one forest for all radiometers is kept"},
    }
