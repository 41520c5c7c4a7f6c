"""Design of the experiments: the features that each forest is given, and what folds hold out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from soilft.scores.ablations import columns_left
from soilft.scores.evidence import HEADLINE, SHUFFLED
from soilft.training.table import StoredTable
from soilft.trials.experiments import Kind


def features_given(
    features: int, groups: Mapping[str, Sequence[int]], *, ablations: bool, negative_control: bool
) -> dict[str, tuple[int, ...] | None]:
    """Columns for the forests of each experiment on held-out years and blocks, None for all.

    Parameters
    ----------
    features
        How many columns the table has.
    groups
        Columns of each group of features.
    negative_control
        Whether a forest learns labels that were dealt out at random.
    """
    given: dict[str, tuple[int, ...] | None] = {HEADLINE: None}
    if ablations:
        given |= columns_left(features, groups)
    if negative_control:
        given[SHUFFLED] = None
    return given


def held_out_alone(table: StoredTable, kinds: Sequence[Kind]) -> tuple[Kind, ...]:
    """Which of years and blocks are held out alone as well.

    Of one year or one block the headline itself holds out the other alone.
    """
    both = len(np.unique(table.year)) > 1 and len(np.unique(table.block)) > 1
    return tuple(kinds) if both else ()
