"""State of the cube beside soil temperature measured at stations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan
from soilft.schema import FROZEN, MISSING, OVERPASSES, THAWED
from soilft.scores import held_out_scores as scorecard
from soilft.scores.baselines import FREEZING_K
from soilft.scores.held_out_scores import Draws
from soilft.store import objects
from soilft.store import zarr as store

# Kelvin around the melting point within which a station's state is in doubt.
DOUBT_K = 0.5
# Kelvin from the melting point below which soil counts as frozen, and how it is written.
_THRESHOLDS = {
    "stations": (0.0, "0 degC"),
    "stations_colder": (-DOUBT_K, "-0.5 degC"),
    "stations_warmer": (DOUBT_K, "+0.5 degC"),
}


@dataclass(frozen=True)
class AtStations:
    """What stations and the cube have at the stations' cells, each (day, overpass, station).

    Parameters
    ----------
    kelvin
        Soil temperature of 0-5 cm, K, NaN where missing.
    predicted
        Codes of the cube's state.
    """

    kelvin: npt.NDArray[Any]
    predicted: npt.NDArray[np.uint8]


def cells(url: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows and columns of the cells with stations, in the order of a store; none without one."""
    if not objects.exists(objects.join(url, "zarr.json")):
        return (), ()
    group = store.open_raw(url)
    rows, columns = (np.asarray(store.array(group, name)[...]) for name in ("row", "column"))
    return tuple(int(r) for r in rows), tuple(int(c) for c in columns)


def temperatures(url: str, overpasses: Sequence[str]) -> npt.NDArray[Any] | None:
    """Soil temperature of the stations in a store, K, (day, overpass, station).

    None where the store lacks one of the overpasses.
    """
    group = store.open_raw(url)
    codes = np.asarray(store.array(group, "overpass")[...]).tolist()
    wanted = [OVERPASSES[name] for name in overpasses]
    if not set(wanted) <= set(codes):
        return None
    kelvin = np.asarray(store.array(group, "soil_temperature")[...])
    return np.asarray(kelvin[:, [codes.index(code) for code in wanted]])


def clusters(days: DaySpan, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Year and station of each state as one number, what intervals resample: of a shape.

    Parameters
    ----------
    shape
        (day, overpass, station).
    """
    year = days.numbers.astype("datetime64[D]").astype("datetime64[Y]").astype("int64")
    return np.broadcast_to((year[:, None, None] << 32) + np.arange(shape[2]), shape)


def state(kelvin: npt.NDArray[Any], threshold: float) -> npt.NDArray[np.uint8]:
    """Codes of a state: frozen below a temperature, missing where none was measured."""
    found = np.where(kelvin < threshold, FROZEN, THAWED)
    return np.where(np.isfinite(kelvin), found, MISSING).astype("uint8")


def experiments(found: AtStations, days: DaySpan, draws: Draws) -> dict[str, Any]:
    """The cube at the stations: 0-5 cm below 273.15 K, and the same half a kelvin off."""
    cluster = clusters(days, found.predicted.shape).ravel()
    return {
        key: scorecard.experiment(
            f"The published cube at stations, frozen below {words}",
            "0-5 cm soil temperature of stations that were never trained on.",
            state(found.kelvin, FREEZING_K + melting).ravel(),
            found.predicted.ravel(),
            cluster,
            draws,
            against="stations",
        )
        for key, (melting, words) in _THRESHOLDS.items()
    }
