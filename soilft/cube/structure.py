"""Structure of the published cube, and the prediction of one chunk of its days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.cube.surface import Surface
from soilft.days import DaySpan
from soilft.forest.artefact import ModelRef
from soilft.forest.loaded import loaded
from soilft.grid import Grid
from soilft.predictors.features import QUALITY, FeatureSet, compute
from soilft.predictors.stores import InputRefs, predictor_bytes
from soilft.radiometers.gaps import LEVELS
from soilft.schema import (
    FROZEN,
    MISSING,
    THAWED,
    Template,
    Variable,
    flagged,
    grid_coordinates,
    masked,
    overpass_coordinate,
    time_coordinates,
)
from soilft.store import zarr as store
from soilft.store.digest import arrays_digest, digest

STATES = {"thawed": THAWED, "frozen": FROZEN}
# As the FT-ESDR's combined state (Kim et al. 2017), with our codes of thawed and frozen.
COMPOSITE = {**STATES, "AM_frozen_PM_thawed": 2, "AM_thawed_PM_frozen": 3}
SETS = {"thawed": 0, "frozen": 1, "both": 2, "neither": 3}
# Dissimilarity is stored in fiftieths, so that 5 times the training's mean distance still fits.
_DISSIMILARITY_STEP = 0.02
# Cells on a side of an inner chunk: a map takes few, a pixel's series reads little more.
_CHUNK_CELLS = 64
# Variables of cubes with brightness temperatures alone.
OF_RADIOMETERS = frozenset({"source_flag", "gap_fill_level"})
_DIMS = ("time", "y", "x")
_OVERPASS_DIMS = ("time", "overpass", "y", "x")


def variables(
    overpasses: Sequence[str], *, calibrated: bool, radiometers: Sequence[str] = ()
) -> tuple[Variable, ...]:
    """Variables of the cube; those by overpass only where there is more than one.

    Parameters
    ----------
    radiometers
        Their names by number; without any, there is neither a source nor a level of filling.
    """
    kind = "calibrated probability of" if calibrated else "share of the forest's votes for"
    kind += " frozen soil at"
    # The day is the one that the overpass lies in; nothing is averaged over it. A daily product is
    # merged from many overpasses, in a way that CF has no method for.
    single = "daily" not in overpasses
    at_overpass = {"cell_methods": "time: point (at the overpass)"} if single else {}
    of_state = ["frozen_probability", "prediction_set", "dissimilarity", "quality_flag"]
    if radiometers:
        of_state += ["source_flag", "gap_fill_level"]
    daily: tuple[Variable, ...] = (
        flagged(
            "freeze_thaw_state",
            _DIMS,
            "soil freeze/thaw state at the reference overpass",
            STATES,
            ancillary_variables=" ".join(of_state),
            coverage_content_type="thematicClassification",
            **at_overpass,
        ),
        _probability(
            "frozen_probability",
            _DIMS,
            f"{kind} the reference overpass",
            ancillary_variables="quality_flag",
            **at_overpass,
        ),
        flagged(
            "prediction_set",
            _DIMS,
            "states that the conformal set at the reference overpass holds",
            SETS,
            ancillary_variables="quality_flag",
            coverage_content_type="qualityInformation",
            **at_overpass,
            references="class-conditional split conformal sets, Sadinle et al. 2019",
        ),
        Variable(
            "dissimilarity",
            _DIMS,
            "uint8",
            MISSING,
            {
                "long_name": "dissimilarity of the predictors to those of the training",
                "units": "1",
                "scale_factor": _DISSIMILARITY_STEP,
                "valid_range": [0, 254],
                "coverage_content_type": "qualityInformation",
                **at_overpass,
                "references": "Meyer and Pebesma 2021, doi:10.1111/2041-210X.13650",
            },
        ),
        masked(
            "quality_flag",
            _DIMS,
            "why a pixel-day is missing or weaker than others",
            QUALITY,
            coverage_content_type="qualityInformation",
        ),
        flagged(
            "source_flag",
            _DIMS,
            "radiometer that the reference overpass is described by, missing where none saw it",
            {name: number for number, name in enumerate(radiometers)},
            coverage_content_type="auxiliaryInformation",
        ),
        flagged(
            "gap_fill_level",
            _DIMS,
            "how the brightness temperatures of the reference overpass came about",
            LEVELS,
            coverage_content_type="qualityInformation",
            comment="No predictor of a pixel-day comes from a level beyond its own.",
        ),
    )
    if not radiometers:
        daily = tuple(v for v in daily if v.name not in OF_RADIOMETERS)
    if len(overpasses) < 2:
        return daily
    return (
        *daily,
        flagged(
            "overpass_state",
            _OVERPASS_DIMS,
            "soil freeze/thaw state at each overpass",
            STATES,
            ancillary_variables="overpass_probability",
            coverage_content_type="thematicClassification",
            **at_overpass,
        ),
        _probability(
            "overpass_probability", _OVERPASS_DIMS, f"{kind} each overpass", **at_overpass
        ),
        *_composite(overpasses),
    )


def _composite(overpasses: Sequence[str]) -> tuple[Variable, ...]:
    if not {"AM", "PM"} <= set(overpasses):
        return ()
    return (
        flagged(
            "composite_state",
            _DIMS,
            "soil freeze/thaw state of the day by its morning and evening overpass",
            COMPOSITE,
            ancillary_variables="overpass_state overpass_probability",
            coverage_content_type="thematicClassification",
            comment="Missing where either overpass is.",
            references="Kim et al. 2017, doi:10.5194/essd-9-133-2017",
        ),
    )


def _probability(name: str, dims: tuple[str, ...], long_name: str, **further: Any) -> Variable:
    return Variable(
        name,
        dims,
        "uint8",
        MISSING,
        {
            "long_name": long_name,
            "units": "1",
            "scale_factor": 0.01,
            "valid_range": [0, 100],
            "coverage_content_type": "modelResult",
            **further,
        },
    )


def template(
    grid: Grid,
    days: DaySpan,
    overpasses: Sequence[str],
    shard_days: int,
    attributes: Mapping[str, Any],
    *,
    calibrated: bool = False,
    radiometers: Sequence[str] = (),
) -> Template:
    """Structure of the cube: one shard a chunk of days, whole in space, so one task writes it."""
    rows, columns = (min(_CHUNK_CELLS, size) for size in grid.shape)
    many = len(overpasses) > 1
    return Template(
        coordinates=(
            *time_coordinates(days),
            *grid_coordinates(grid),
            *((overpass_coordinate(tuple(overpasses)),) if many else ()),
        ),
        variables=variables(overpasses, calibrated=calibrated, radiometers=radiometers),
        chunks={"time": shard_days, "y": rows, "x": columns},
        shards={
            "time": shard_days,
            "y": -(-grid.shape[0] // rows) * rows,
            "x": -(-grid.shape[1] // columns) * columns,
        },
        attributes=attributes,
    )


@dataclass(frozen=True)
class PredictDays:
    """One task: predict and write one chunk of days.

    Parameters
    ----------
    cube_url
        The staging cube, its template made.
    reference
        Name of the overpass whose state is the day's.
    surface
        From what on snow, open water and relief are flagged.
    """

    cube_url: str
    inputs: InputRefs
    features: FeatureSet
    model: ModelRef
    reference: str
    span: DaySpan
    surface: Surface = field(default_factory=Surface)

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: the predictors, and its usable rows for the forest."""
        return 3 * predictor_bytes(self.inputs, self.features, self.span)


@dataclass(frozen=True)
class Predicted:
    """What a task made: digests of its values, and counts of pixel-days at the reference.

    Parameters
    ----------
    content
        Digest of all values.
    days
        Digest of the values of each day, (day,).
    """

    content: str
    days: tuple[str, ...]
    thawed: int
    frozen: int
    missing: int


def predict_days(task: PredictDays) -> Predicted:
    """Predict one chunk of days and write it whole. Runs on a worker.

    Raises
    ------
    ModelError
        Where the features at hand are not those the model was trained on.
    """
    model = loaded(task.model)
    inputs = task.inputs.open()
    predictors = compute(inputs, task.features, task.span)
    model.require_features(predictors.names)
    names = [target.name for target in task.features.targets]
    at = names.index(task.reference)
    usable = predictors.usable
    votes = np.full(usable.shape, np.nan)
    if usable.any():
        votes[usable] = model.votes(predictors.values[usable], predictors.radiometer[usable])
    measures = model.uncertainty
    probability = votes
    sets = np.full(usable[:, at].shape, MISSING, "uint8")
    dissimilarity = np.full(usable[:, at].shape, np.nan, "float32")
    quality = predictors.quality[:, at] | task.surface.flags(inputs, task.span)
    if measures is not None and usable.any():
        probability = np.full(usable.shape, np.nan)
        probability[usable] = measures.calibration.apply(votes[usable])
        sets = measures.conformal.sets(votes[:, at])
        area, here = measures.applicability, usable[:, at]
        dissimilarity[here] = area.dissimilarity(predictors.values[:, at][here])
        outside = here & ~area.inside(dissimilarity)
        quality = quality | np.where(outside, QUALITY["outside_area_of_applicability"], 0)
    state, percent = encode(probability)
    values = {
        "freeze_thaw_state": state[:, at],
        "frozen_probability": percent[:, at],
        "prediction_set": sets,
        "dissimilarity": _steps(dissimilarity),
        "quality_flag": quality.astype("uint16"),
    }
    if task.inputs.tb:
        values |= {
            "source_flag": np.where(usable[:, at], predictors.radiometer[:, at], MISSING),
            "gap_fill_level": np.where(usable[:, at], predictors.level[:, at], MISSING),
        }
    if len(names) > 1:
        values |= {"overpass_state": state, "overpass_probability": percent}
    if {"AM", "PM"} <= set(names):
        values["composite_state"] = composite(
            state[:, names.index("AM")], state[:, names.index("PM")]
        )
    store.write_region(task.cube_url, values, {"time": task.span.within(task.inputs.whole)})
    counts = [int((state[:, at] == code).sum()) for code in (THAWED, FROZEN, MISSING)]
    by_day = _by_day(values)
    return Predicted(digest(by_day), by_day, *counts)


@dataclass(frozen=True)
class RecordedDays:
    """A chunk of days that is predicted, and what its record has: a digest of each day's values."""

    task: PredictDays
    days: tuple[str, ...]

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most, which is less than to predict the days."""
        return self.task.peak_bytes


def write_recorded(recorded: RecordedDays) -> bool:
    """Write a chunk of days once more, if it has the values of its record. Runs on a worker.

    Returns
    -------
    bool
        Whether it has: nothing is written where it was changed or lost.
    """
    task = recorded.task
    rows = task.span.within(task.inputs.whole)
    cube = store.open_raw(task.cube_url)
    names = [name for name, array in cube.arrays() if array.ndim >= len(_DIMS)]
    try:
        values = {name: np.asarray(store.array(cube, name)[rows]) for name in names}
    except (RuntimeError, ValueError):  # bytes that Blosc cannot decode
        return False
    if _by_day(values) != recorded.days:
        return False
    store.write_region(task.cube_url, values, {"time": rows})
    return True


def _by_day(values: Mapping[str, npt.NDArray[Any]]) -> tuple[str, ...]:
    """Digest of the values of each day, by variable of shape (day, ...)."""
    count = len(next(iter(values.values())))
    return tuple(arrays_digest({n: v[i] for n, v in values.items()}) for i in range(count))


def _steps(dissimilarity: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Dissimilarity as stored; what is larger than the largest code is given as that code."""
    known = np.isfinite(dissimilarity)
    steps = np.rint(np.where(known, dissimilarity, 0) / _DISSIMILARITY_STEP)
    return np.where(known, np.minimum(steps, MISSING - 1), MISSING).astype("uint8")


def composite(
    morning: npt.NDArray[np.uint8], evening: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """State of the day by both overpasses; missing where either is.

    Examples
    --------
    >>> am, pm = np.array([[0, 1, 1, 0, 255, 1], [0, 1, 0, 1, 1, 255]], "uint8")
    >>> composite(am, pm).tolist()
    [0, 1, 2, 3, 255, 255]
    """
    falling, rising = COMPOSITE["AM_thawed_PM_frozen"], COMPOSITE["AM_frozen_PM_thawed"]
    changed = np.where(morning == FROZEN, rising, falling)
    known = (morning <= FROZEN) & (evening <= FROZEN)
    state = np.where(morning == evening, morning, changed)
    return np.where(known, state, MISSING).astype("uint8")


def encode(
    probability: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """State and probability in hundredths as stored; NaN becomes missing in both.

    Examples
    --------
    >>> state, percent = encode(np.array([0.2, 0.5, 0.504, np.nan]))
    >>> state.tolist(), percent.tolist()
    ([0, 0, 1, 255], [20, 50, 50, 255])
    """
    known = np.isfinite(probability)
    filled = np.where(known, probability, 0.0)
    # A tie is thawed, as in scikit-learn: the first of equal classes.
    state = np.where(filled > 0.5, FROZEN, THAWED)
    percent = np.rint(100 * filled)
    return (
        np.where(known, state, MISSING).astype("uint8"),
        np.where(known, percent, MISSING).astype("uint8"),
    )
