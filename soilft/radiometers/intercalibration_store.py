"""Store of the inter-calibration coefficients, with residual spread and counts of pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.channels import channel_coordinate, channel_names
from soilft.grid import Grid
from soilft.radiometers.intercalibration import PIXEL_TERMS, TERMS, Axes, Transfer
from soilft.radiometers.intercalibration_fit import Fitted
from soilft.schema import (
    Coordinate,
    Template,
    Variable,
    grid_coordinates,
    overpass_coordinate,
    overpass_names,
)
from soilft.store import objects
from soilft.store import zarr as store
from soilft.store.digest import arrays_digest

_AXES = ("radiometer", "overpass", "channel")
_SPREADS = {
    "raw": "root mean squared difference before, on left-out pixels and days",
    "regional": "root mean squared residual of the regional form, on left-out pixels and days",
    "pixel": "root mean squared residual with the pixel's own terms, on left-out days",
}


def axes_of(urls: Iterable[str]) -> Axes:
    """Codes of the overpasses and channels that any of some radiometers' stores has."""
    stores = [store.open_cube(url) for url in urls]
    passes, channels = (
        tuple(sorted({int(code) for opened in stores for code in opened[axis].values}))
        for axis in ("overpass", "channel")
    )
    return passes, channels


def values_of(
    fitted: Mapping[str, Fitted], names: Sequence[str], grid: Grid, axes: Axes
) -> dict[str, Any]:
    """Arrays of the store: every fit on common axes of radiometer, overpass and channel."""
    passes, channels = axes
    where = (len(names), len(passes), len(channels))
    found: dict[str, npt.NDArray[Any]] = {
        "coefficient": np.full((*where, len(TERMS)), np.nan),
        "deviation": np.zeros((*where, len(PIXEL_TERMS), *grid.shape), "float32"),
        "lowest": np.full(where, np.nan, "float32"),
        "highest": np.full(where, np.nan, "float32"),
        "pairs": np.zeros((*where, *grid.shape), "int32"),
        **{f"spread_{name}": np.full(where, np.nan, "float32") for name in _SPREADS},
    }
    for name, fit in fitted.items():
        n, transfer = names.index(name), fit.transfer
        for i, code in enumerate(transfer.overpasses):
            for j, channel in enumerate(transfer.channels):
                at = n, passes.index(code), channels.index(channel)
                found["coefficient"][at] = transfer.regional[i, j]
                found["deviation"][at] = transfer.deviation[i, j]
                found["lowest"][at] = transfer.low[i, j]
                found["highest"][at] = transfer.high[i, j]
                found["pairs"][at] = fit.pairs[i, j]
                for spread, values in fit.spread.items():
                    found[f"spread_{spread}"][at] = values[i, j]
    return found


def write(
    folder: str,
    fitted: Mapping[str, Fitted],
    names: Sequence[str],
    reference: str,
    grid: Grid,
    axes: Axes,
    about: Mapping[str, Any],
) -> tuple[str, str]:
    """Write the transfers of a region; give their URL, named by their values, and the digest.

    Parameters
    ----------
    folder
        URL of the folder of all such stores.
    names
        Radiometers in the order of the region file, the reference among them.
    axes
        Codes of the overpasses and channels that any of them has; what was not fitted is NaN.
    about
        Provenance: what was fitted on what, when, with which seed.
    """
    values = values_of(fitted, names, grid, axes)
    content = arrays_digest(values)
    url = objects.join(folder, f"{content[:16]}.zarr")
    passes, channels = axes
    template = Template(
        coordinates=(
            Coordinate("radiometer", ("radiometer",), np.arange(len(names), dtype="int32")),
            overpass_coordinate(tuple(overpass_names(passes))),
            channel_coordinate(channel_names(channels)),
            Coordinate("term", ("term",), np.arange(len(TERMS), dtype="int32")),
            Coordinate("own_term", ("own_term",), np.arange(len(PIXEL_TERMS), dtype="int32")),
            *grid_coordinates(grid),
        ),
        variables=tuple(_variables()),
        chunks={"radiometer": 1},
        attributes={
            **about,
            "title": "brightness temperatures of several radiometers made like those of one",
            "radiometers": list(names),
            "reference": reference,
            "terms": list(TERMS),
            "own_terms": list(PIXEL_TERMS),
        },
    )
    store.write_whole(url, template, values)
    return url, content


def _variables() -> list[Variable]:
    def kelvin(name: str, dims: tuple[str, ...], words: str, dtype: str = "float32") -> Variable:
        return Variable(name, dims, dtype, float("nan"), {"long_name": words, "units": "K"})

    own = (*_AXES, "own_term", "y", "x")
    return [
        kelvin(
            "coefficient",
            (*_AXES, "term"),
            "of 1, t, t2 with t = (TB - 260 K) / 30 K, of (V - H) / 10 K, and of cosine and sine "
            "of the year and of half the year: together what is added to TB",
            "float64",
        ),
        kelvin("deviation", own, "of a pixel's own offset and slope from the regional ones"),
        kelvin("lowest", _AXES, "least brightness temperature fitted on; held constant below"),
        kelvin("highest", _AXES, "largest brightness temperature fitted on; held constant above"),
        Variable(
            "pairs",
            (*_AXES, "y", "x"),
            "int32",
            -1,
            {"long_name": "pairs of observations of both radiometers", "units": "1"},
        ),
        *(kelvin(f"spread_{name}", _AXES, words) for name, words in _SPREADS.items()),
    ]


def read(
    url: str, axes: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> tuple[Transfer | None, ...]:
    """Transfers of the radiometers, on the axes of their own stores; None of the reference.

    Parameters
    ----------
    axes
        Codes of each radiometer's overpasses and channels, in the order of the region file. One
        that was not fitted gets coefficients of NaN: it is missing in the common record.
    """
    group = store.open_raw(url)
    names = [str(name) for name in group.attrs["radiometers"]]  # type: ignore[union-attr]
    reference = names.index(str(group.attrs["reference"]))
    wanted = ("overpass", "channel", "coefficient", "deviation", "lowest", "highest")
    stored = {name: np.asarray(store.array(group, name)[...]) for name in wanted}
    return tuple(
        None if number == reference else _transfer(stored, number).on_axes(*both)
        for number, both in enumerate(axes)
    )


def _transfer(stored: Mapping[str, Any], number: int) -> Transfer:
    return Transfer(
        tuple(stored["overpass"].tolist()),
        tuple(stored["channel"].tolist()),
        *(stored[name][number] for name in ("coefficient", "deviation", "lowest", "highest")),
    )
