"""Ablations: groups of features that forests are kept from, to measure their worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from soilft.predictors.features import GROUPS


@dataclass(frozen=True)
class Ablation:
    """Groups of features that a forest is grown without, and how the scorecard calls it."""

    title: str
    without: tuple[str, ...]


# `tb_only` keeps the radiometer's groups.
ABLATIONS: Mapping[str, Ablation] = {
    "without_gldas": Ablation("without the reanalysis", ("reanalysis", "memory")),
    "without_season": Ablation("without the day of year", ("season",)),
    "without_static": Ablation("without terrain and soil", ("terrain", "soil")),
    "tb_only": Ablation(
        "brightness temperatures alone",
        tuple(name for name, group in GROUPS.items() if group.needs != "tb"),
    ),
}


def columns_left(features: int, groups: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    """Columns that each ablation leaves; those that take nothing, or all, are no experiment.

    Parameters
    ----------
    features
        How many columns there are.
    groups
        Columns of each group of features.
    """
    found = {}
    for name, ablation in ABLATIONS.items():
        gone = {column for group in ablation.without for column in groups.get(group, ())}
        left = tuple(column for column in range(features) if column not in gone)
        if gone and left:
            found[name] = left
    return found
