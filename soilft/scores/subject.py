"""The record that a scorecard is about, and the settings that it is scored by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from soilft.days import DaySpan
from soilft.scores.held_out_scores import Draws
from soilft.training.held_out import ONE_WINTER


@dataclass(frozen=True)
class Subject:
    """The record that is scored, and how.

    Parameters
    ----------
    label, overpasses
        The label that was learnt, and the overpasses that are predicted.
    others
        Other satellites' labels, by name.
    set_aside
        Why granules were left out.
    model_digest, model_card
        Of the published forest.
    table_rows, labels
        Rows of the training table, and counts of labels by what became of them.
    block_degrees, correlation_degrees
        Side of the spatial blocks, and range of the predictors, None where it is not known.
    settings
        Of the validation, as JSON values.
    harmonization
        What is told of the inter-calibration of the radiometers, None where there is none.
    gap_levels
        Levels of gap filling that are allowed, None where no radiometer is among the inputs.
    lacking
        Sentences about inputs that lack days or cells.
    """

    title: str
    days: DaySpan
    label: str
    overpasses: tuple[str, ...]
    others: tuple[str, ...]
    simulated: bool
    set_aside: tuple[str, ...]
    model_digest: str
    model_card: Mapping[str, Any]
    table_rows: int
    labels: Mapping[str, int]
    block_degrees: float
    correlation_degrees: float | None
    settings: Mapping[str, Any]
    harmonization: Mapping[str, Any] | None = None
    gap_levels: tuple[str, ...] | None = None
    lacking: tuple[str, ...] = ()

    @property
    def one_winter(self) -> bool:
        """Whether the record is too short to hold out a year of it."""
        return len(self.days) <= ONE_WINTER

    @property
    def draws(self) -> Draws:
        """How intervals are drawn."""
        return Draws(self.settings["seed"], self.settings["replicates"])
