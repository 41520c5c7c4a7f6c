"""Trial of a forest for each radiometer against one for all, on the same held-out rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.scores import bootstrap
from soilft.scores.held_out_scores import Draws
from soilft.scores.predictions import Rows
from soilft.training.table import StoredTable


def verdict(
    table: StoredTable,
    rows: Rows,
    one: npt.NDArray[np.float64],
    own: npt.NDArray[np.float64],
    draws: Draws,
) -> dict[str, Any]:
    """Whether forests by radiometer are kept: where they are right more often, beyond chance.

    Parameters
    ----------
    rows
        Numbers of the held-out rows in the table.
    one, own
        Votes for them of the one forest and of those by radiometer, shape (row,).

    Returns
    -------
    dict
        ``kept``, ``why`` in words, and ``difference``; see `soilft.scores.bootstrap.difference`.
        Kept where the whole interval of the difference is above 0.
    """
    gain = bootstrap.difference(
        table.clusters(rows),
        table.label[rows],
        (own > 0.5).astype("uint8"),
        (one > 0.5).astype("uint8"),
        seed=draws.seed,
        replicates=draws.replicates,
    )
    interval = gain["interval"]
    kept = interval is not None and interval[0] > 0
    words = "no interval" if interval is None else f"95 % {interval[0]:+.4f} to {interval[1]:+.4f}"
    why = (
        f"On {gain['rows']} rows of held-out years and blocks a forest for each radiometer is "
        f"right more often by {gain['overall_accuracy']:+.4f} ({words}): "
        + ("kept, for the whole interval is above 0." if kept else "one forest for all is kept.")
    )
    return {"kept": kept, "why": why, "difference": gain}
