"""Design of the experiments: features that each forest is given, and rows its folds hold out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from soilft.errors import ConfigError
from soilft.predictors.features import FeatureSet, names_by_group
from soilft.predictors.window import Inputs
from soilft.scores.ablations import columns_left
from soilft.scores.evidence import HEADLINE, SHUFFLED
from soilft.training.table import StoredTable
from soilft.trials.experiments import Experiment, folds_of


def columns_by_group(
    names: Sequence[str], inputs: Inputs, features: FeatureSet
) -> dict[str, tuple[int, ...]]:
    """Columns of a table by group of features, those groups that have any.

    Parameters
    ----------
    names
        Of the table's features, in order.
    inputs, features
        What the table was made from.
    """
    at = {name: i for i, name in enumerate(names)}
    groups = names_by_group(inputs, features)
    return {group: tuple(at[name] for name in members) for group, members in groups if members}


def trials(
    first: Experiment,
    table: StoredTable,
    groups: Mapping[str, tuple[int, ...]],
    *,
    withheld: tuple[str, str] | None,
    ablations: bool,
    negative_control: bool,
    alone: Sequence[Literal["year", "block"]],
) -> dict[str, Experiment]:
    """Experiments of held-out years and blocks by name, each by its first fold.

    Parameters
    ----------
    first
        What they have in common: all features, years and blocks held out together.
    groups
        Columns of each group of features.
    withheld
        Table of withheld pixel-days, for the headline to predict as well.
    negative_control
        Whether a forest learns labels that were dealt out at random.
    alone
        Years or blocks to be held out alone as well. Of one year or one block the headline itself
        holds out the other alone, and there is no more to learn.
    """
    features = len(table.names)
    found = {
        HEADLINE: replace(first, groups=tuple(groups.items()), uncertainty=True, withheld=withheld)
    }
    if ablations:
        left = columns_left(features, groups)
        found |= {name: replace(first, columns=columns) for name, columns in left.items()}
    if negative_control:
        found[SHUFFLED] = replace(first, shuffle=True)
    if len(np.unique(table.year)) > 1 and len(np.unique(table.block)) > 1:
        found |= {kind: replace(first, kind=kind) for kind in alone}
    return found


def require_a_fold(headline: Experiment, table: StoredTable) -> None:
    """Refuse to score where no fold of the headline has rows to train on and rows to judge.

    Raises
    ------
    ConfigError
        Naming every fold and what it lacks.
    """
    left_out = headline.left_out(table)
    folds = folds_of(table, headline.kind, headline.rules)
    if any(len(fold.test) for number, fold in enumerate(folds) if number not in left_out):
        return
    lacks = dict.fromkeys(range(len(folds)), "no rows to judge") | left_out
    raise ConfigError(
        "validation",
        expected="a fold with rows of both classes to train on, and rows to judge",
        found="; ".join(f"fold {number + 1} with {rows}" for number, rows in lacks.items()),
        remedy="Use fewer folds, smaller blocks, a longer period or a larger region.",
    )
