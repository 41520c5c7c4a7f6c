"""A stored training table of given predictors and labels; the rest is filled in plausibly."""

from pathlib import Path
from typing import Any

import numpy as np

from soilft.training.held_out import random_split
from soilft.training.sampling import Table
from soilft.training.table import write_table


def table_of(features: np.ndarray, label: np.ndarray, **columns: Any) -> Table:
    """Give a table whose rows are one a day from 2012-01-01, but for the columns given."""
    count = len(label)
    number = np.arange(count)
    found = {
        "day": 15340 + number,
        "overpass": np.zeros(count),
        "cell": number,
        "block": number // 50,
        "radiometer": np.zeros(count),
        "level": np.zeros(count),
        "order": number,
        **columns,
    }
    types = {"day": "int32", "overpass": "uint8", "cell": "int32", "block": "int32"}
    types |= {"radiometer": "uint8", "level": "uint8", "order": "uint64"}
    arrays = {name: np.asarray(found[name]).astype(kind) for name, kind in types.items()}
    return Table(features.astype("float32"), label.astype("uint8"), **arrays)


def stored_table(folder: Path, table: Table, seed: int = 1) -> tuple[str, str]:
    """Write a table with a random split; give its URL and digest."""
    split = random_split(len(table), (0.7, 0.15, 0.15), seed)
    url = str(folder / "table.zarr")
    names = [f"f{i}" for i in range(table.features.shape[1])]
    return url, write_table(url, table, split, names, ["one", "two"])
