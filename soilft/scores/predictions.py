"""Predictions of a forest on rows that it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.schema import MISSING

Floats = npt.NDArray[Any]

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class HeldOut:
    """What a forest says of rows that it, their year and their block were kept from.

    Parameters
    ----------
    rows
        Numbers of the rows in the table.
    label
        Labels that they are tested on; shuffled where the experiment shuffles.
    raw, probability
        Share of the votes for frozen, and calibrated; the same where nothing was calibrated.
    sets
        Conformal sets, 255 where none were made.
    inside
        1 inside the area of applicability, 0 outside, 255 where it was not asked for.
    nearby
        Climatology of the nearest labels it was trained on: share of frozen, NaN where none.
    trained_on
        Rows that the forest was grown on.
    importance
        Fall of the accuracy when a group of features is permuted.
    withheld
        Rows of the table of withheld pixel-days whose year and block were kept from the forest, and
        the probabilities it gives them.
    majority
        Class of most of the rows that it was grown on, thawed where they are as many; 255 where it
        was not asked for.
    """

    rows: Rows
    label: npt.NDArray[np.uint8]
    raw: Floats
    probability: Floats
    sets: npt.NDArray[np.uint8]
    inside: npt.NDArray[np.uint8]
    nearby: Floats
    trained_on: int
    calibration: str = "none"
    importance: Mapping[str, float] = field(default_factory=dict)
    withheld: tuple[Rows, Floats] | None = None
    majority: int = MISSING

    @property
    def state(self) -> npt.NDArray[np.uint8]:
        """The more probable class; a tie is thawed."""
        return (self.probability > 0.5).astype("uint8")
