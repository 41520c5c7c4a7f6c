"""Reference states of table rows: baselines of pixel series, other labels, simulated truth.

Worked in bands of rows of the grid, each with its whole series, so that a result never depends on
how time was cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan, day_of
from soilft.predictors.stores import InputRefs
from soilft.predictors.window import Inputs, Target, load
from soilft.rows import RowSpan
from soilft.schema import MISSING, OVERPASSES, overpass_place
from soilft.scores import baselines
from soilft.store import zarr as store
from soilft.training.table import held_table

AIR = "Tair_f_inst_mean"
CHANNEL, PARTNER = "36.5V", "36.5H"
# Days read at once where brightness temperatures of the whole period would not fit.
_DAYS = 180

Columns: TypeAlias = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class ReferenceBand:
    """One task: reference states of the table's rows in some rows of the grid.

    Parameters
    ----------
    label_url
        Of the label that was learnt.
    others
        Stores with ``freeze_thaw`` (time, overpass, y, x) by name: other labels, and the truth
        where it is known. ``label_quality`` bits are given beside, where a store has them.
    rows
        First and one past the last row of the grid.
    most
        Rows of the table to know of, all where None.
    """

    inputs: InputRefs
    targets: tuple[Target, ...]
    table_url: str
    table_content: str
    label_url: str
    others: tuple[tuple[str, str], ...]
    rows: RowSpan
    most: int | None = None

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: the series of label, threshold and climatology."""
        cells = self.rows.height * self.inputs.region.grid.shape[1]
        return cells * (len(self.inputs.whole) * (2 + 8 * 4) + 366 * 2 * 8)


def states_of_band(task: ReferenceBand) -> Columns:
    """Reference states of one band. Runs on a worker.

    Returns
    -------
    dict
        ``row``, the rows' numbers in the table, and for each: ``climatology_probability`` float32,
        states uint8 of the baselines and of the other stores, ``<name>_quality`` bits.
    """
    table = held_table(task.table_url, task.table_content, task.most)
    columns = task.inputs.region.grid.shape[1]
    y = table.cell // columns
    here = np.flatnonzero((y >= task.rows.first) & (y < task.rows.stop))
    found: Columns = {"row": here}
    band = task.rows.slice
    places = y[here] - task.rows.first, table.cell[here] % columns
    day = table.day[here] - task.inputs.whole.numbers[0]
    opened = task.inputs.open().window(band, slice(0, columns))
    for target in task.targets:
        code = OVERPASSES[target.name]
        mine = np.flatnonzero(table.overpass[here] == code)
        at = day[mine], places[0][mine], places[1][mine]
        for name, values, fill in _series(task, opened, target, band):
            column = found.setdefault(name, np.full(len(here), fill, values.dtype))
            column[mine] = values[at]
    return found


def _series(task: ReferenceBand, opened: Inputs, target: Target, band: slice) -> Any:
    """Give name, values (day, y, x) and fill of every reference state."""
    numbers = task.inputs.whole.numbers
    label = _states(task.label_url, target, band)
    if label is not None:
        calendar = [day_of(int(n)).timetuple().tm_yday for n in numbers]
        share = baselines.climatology(label, np.array(calendar))
        yield "climatology_probability", share, np.nan
        yield "persistence", baselines.persistence(label), MISSING
        del share, label
    for name, url in task.others:
        other = _states(url, target, band)
        if other is not None:
            yield name, other, MISSING
        quality = _states(url, target, band, "label_quality")
        if quality is not None:
            yield f"{name}_quality", quality, MISSING
    if CHANNEL in opened.channels and AIR in opened.reanalysis_names:
        tb, air = _warmth(opened, target, task.inputs.whole)
        year = np.array([day_of(int(n)).year for n in numbers])
        yield "seasonal_threshold", baselines.seasonal_threshold(tb, air, year)[0], MISSING


def _states(
    url: str, target: Target, band: slice, name: str = "freeze_thaw"
) -> npt.NDArray[np.uint8] | None:
    group = store.open_raw(url)
    overpasses = np.asarray(store.array(group, "overpass")[...]).tolist()
    at = overpass_place(target.name, overpasses)
    if name not in group or at is None:
        return None
    return np.asarray(store.array(group, name)[:, at, band])


def _warmth(opened: Inputs, target: Target, whole: DaySpan) -> tuple[Any, Any]:
    """Brightness temperature at 36.5V of the overpass's node, and air temperature, (day, y, x)."""
    reanalysis = opened.reanalysis
    # Both polarizations: what makes one radiometer like another may take their difference.
    narrow = replace(
        opened.with_channels((CHANNEL, PARTNER)),
        reanalysis=None if reanalysis is None else reanalysis[[AIR]],
    )
    node = target.name if target.name in narrow.nodes else narrow.nodes[0]
    tb, air = [], []
    for span in whole.chunks(_DAYS):
        window = load(narrow, [target], span, ("tb", "reanalysis"))[0]
        tb.append(window.tb[CHANNEL, node, 0])
        air.append(window.reanalysis[AIR])
    return np.concatenate(tb), np.concatenate(air)


def bands_that_fit(
    rows: int, columns: int, days: int, limit_bytes: int, least: int
) -> list[RowSpan]:
    """Cut a grid's rows into bands that fit a worker, at least as many as asked for."""
    a_row = columns * (days * 34 + 366 * 16)
    return RowSpan(0, rows).cut(max(least, -(-rows * a_row // limit_bytes)))


def gathered(parts: list[Columns], rows: int) -> Columns:
    """Join the columns of all bands, in the order of the table's rows."""
    whole: Columns = {}
    for part in parts:
        for name, values in part.items():
            if name != "row":
                fill: Any = np.nan if values.dtype.kind == "f" else MISSING
                column = whole.setdefault(name, np.full(rows, fill, values.dtype))
                column[part["row"]] = values
    return whole


def climatology_state(columns: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.uint8]:
    """Frozen where the climatology gives it more than a half; 255 where it knows nothing."""
    share = columns["climatology_probability"]
    state = np.where(share > 0.5, 1, 0)
    return np.where(np.isfinite(share), state, MISSING).astype("uint8")
