"""Store of a region's normals, named by their values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from soilft.channels import channel_coordinate, channel_names
from soilft.grid import Grid
from soilft.radiometers.normals import CARRIED, PARTS, Normals
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

_AXES = ("overpass", "channel")


def write(folder: str, normals: Normals, grid: Grid, about: Mapping[str, Any]) -> tuple[str, str]:
    """Write normals; give their URL, named by their values, and the digest.

    Parameters
    ----------
    folder
        URL of the folder of all such stores.
    about
        Provenance: what was fitted on what, when.
    """
    values = {
        "normal": np.asarray(normals.mean, "float32"),
        "carried": np.asarray(normals.carried, "float64"),
        "local_solar_hour": np.asarray(normals.hour, "float64"),
    }
    content = arrays_digest(values)
    url = objects.join(folder, f"{content[:16]}.zarr")
    template = Template(
        coordinates=(
            overpass_coordinate(tuple(overpass_names(normals.overpasses))),
            channel_coordinate(channel_names(normals.channels)),
            Coordinate("part", ("part",), np.arange(PARTS, dtype="int32")),
            Coordinate("way", ("way",), np.arange(len(CARRIED), dtype="int32")),
            *grid_coordinates(grid),
        ),
        variables=(
            Variable(
                "normal",
                (*_AXES, "part", "y", "x"),
                "float32",
                float("nan"),
                {
                    "long_name": f"mean brightness temperature of each of {PARTS} equal parts of "
                    "the year",
                    "units": "K",
                },
            ),
            Variable(
                "carried",
                ("way", *_AXES),
                "float64",
                float("nan"),
                {
                    "long_name": "share of a departure from the normal that is carried over",
                    "units": "1",
                },
            ),
            Variable(
                "local_solar_hour",
                ("overpass",),
                "float64",
                float("nan"),
                {"long_name": "mean local solar time of the passes", "units": "h"},
            ),
        ),
        chunks={"overpass": 1},
        attributes={
            **about,
            "title": "normals of brightness temperature over the year",
            "ways": list(CARRIED),
        },
    )
    store.write_whole(url, template, values)
    return url, content


@lru_cache(maxsize=1)
def read(url: str) -> Normals:
    """Read normals; a process reads those of a run once, for they are named by their values."""
    group = store.open_raw(url)
    arrays: dict[str, Any] = {
        name: np.asarray(store.array(group, name)[...])
        for name in ("overpass", "channel", "normal", "carried", "local_solar_hour")
    }
    return Normals(
        tuple(arrays["overpass"].tolist()),
        tuple(arrays["channel"].tolist()),
        arrays["normal"],
        arrays["carried"],
        arrays["local_solar_hour"],
    )
