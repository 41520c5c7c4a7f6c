"""Withheld pixel-days: known states described again from each gap-filling level alone.

Of a day, pixels are taken that some fold holds out together with their year. Their own pass is
withheld, and all that comes before a level in the order, so that this level alone can fill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan, day_of
from soilft.geo.spatial_blocks import spatial_blocks
from soilft.predictors.features import FeatureSet, Predictors, compute
from soilft.predictors.stores import InputRefs, predictor_bytes
from soilft.predictors.window import REACH_DAYS, Inputs
from soilft.radiometers.gaps import LEVELS, Hidden
from soilft.schema import FROZEN, OVERPASSES, THAWED
from soilft.training.sampling import Table, labels
from soilft.training.table import StoredTable
from soilft.trials.experiments import folds_of
from soilft.trials.rules import Rules

OBSERVED = LEVELS["observed"]


@dataclass(frozen=True)
class WithheldDay:
    """One task: rows of a day as it was observed, and by each level of filling.

    Parameters
    ----------
    day
        Since 1970-01-01.
    blocks
        Numbers of the spatial blocks that are held out together with the day's year.
    block_degrees
        Their side.
    levels
        Names of the levels to try.
    """

    inputs: InputRefs
    features: FeatureSet
    label_url: str
    day: int
    blocks: tuple[int, ...]
    block_degrees: float
    levels: tuple[str, ...]

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: its inputs as read, and a block of one day."""
        opened = self.inputs.open()
        span = DaySpan(day_of(self.day), day_of(self.day))
        cells = opened.grid.shape[0] * opened.grid.shape[1]
        axes = sum(r.sizes["overpass"] * (r.sizes["channel"] + 1) for r in opened.tb)
        a_day = 4 * cells * (axes + len(opened.reanalysis_names))
        return 2 * (2 * REACH_DAYS + 1) * a_day + 2 * predictor_bytes(
            self.inputs, self.features, span
        )


def withheld_rows(task: WithheldDay) -> tuple[Table, tuple[str, ...]]:
    """Rows of one day, those of each level after those of the day as seen. Runs on a worker."""
    span = DaySpan(day_of(task.day), day_of(task.day))
    whole = task.inputs.open()
    place = spatial_blocks(whole.grid, task.block_degrees)
    here = np.isin(place, task.blocks)
    mask = here if whole.mask is None else here & whole.mask
    inputs = replace(whole.near(span), mask=mask)
    parts = []
    names: tuple[str, ...] = ()
    for target in task.features.targets:
        features = replace(task.features, targets=(target,))
        code = OVERPASSES[target.name]
        label, doubtful = labels(task.label_url, [code], span.within(whole.whole))
        known = (label == THAWED) | (label == FROZEN)
        if doubtful is not None:
            known &= ~doubtful
        as_seen = compute(inputs, features, span)
        names = as_seen.names
        known &= as_seen.usable & (as_seen.level == OBSERVED)
        parts.append(_rows(as_seen, known, label, code, task.day, place))
        # Of a state at no node's overpass, no pass is its own that could be taken away.
        if target.name in inputs.nodes and known.any():
            for level in task.levels:
                found = compute(_hidden(inputs, level, task.day), features, span)
                filled = known & found.usable & (found.level == LEVELS[level])
                parts.append(_rows(found, filled, label, code, task.day, place))
    return joined(parts), names


def _hidden(inputs: Inputs, level: str, day: int) -> Inputs:
    if inputs.gaps is None:
        raise RuntimeError("a level of filling without gaps to fill")
    return replace(inputs, gaps=replace(inputs.gaps, hidden=Hidden(level, day)))


def _rows(
    found: Predictors,
    taken: npt.NDArray[np.bool_],
    label: npt.NDArray[np.uint8],
    overpass: int,
    day: int,
    place: npt.NDArray[np.int32],
) -> Table:
    at = np.nonzero(taken)
    count = len(at[0])
    y, x = at[2:]
    return Table(
        found.values[at],
        label[at],
        np.full(count, day, "int32"),
        np.full(count, overpass, "uint8"),
        (y * taken.shape[3] + x).astype("int32"),
        place[y, x],
        found.radiometer[at],
        found.level[at],
        np.zeros(count, "uint64"),
    )


def joined(parts: Sequence[Table]) -> Table:
    """Rows of all parts, one after the other."""
    return Table(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Table)))


def blocks_by_day(table: StoredTable, rules: Rules, a_month: int) -> dict[int, tuple[int, ...]]:
    """Days to withhold, since 1970-01-01, each with the blocks that a fold holds out in its year.

    Parameters
    ----------
    a_month
        Days of a calendar month at most; see `days_to_withhold`.
    """
    held = np.unique(np.concatenate([f.test for f in folds_of(table, "year_block", rules)]))
    day, year, block = table.day[held], table.year[held], table.block[held]
    return {
        int(one): tuple(np.unique(block[year == year[day == one][0]]).tolist())
        for one in days_to_withhold(day, a_month)
    }


def days_to_withhold(day: npt.NDArray[np.int32], a_month: int) -> npt.NDArray[np.int32]:
    """Some days of each calendar month, evenly spread over those there are.

    Parameters
    ----------
    day
        Days since 1970-01-01, in any order and number.
    a_month
        How many at most, of all years together.
    """
    known = np.unique(day)
    month = known.astype("datetime64[D]").astype("datetime64[M]").astype("int64") % 12
    chosen = []
    for number in np.unique(month):
        mine = known[month == number]
        count = min(a_month, len(mine))
        chosen.append(mine[np.linspace(0, len(mine) - 1, count).round().astype("intp")])
    return np.sort(np.concatenate(chosen)) if chosen else known
