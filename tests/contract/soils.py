"""Soil of HWSD 2.0, GSDE and of China, from their listings."""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

from tests.contract import listing
from tests.contract.written import write

DEPTHS = (4.5, 9.1, 16.6, 28.9, 49.3, 82.9, 138.3, 229.6)
WEST, NORTH, COLUMNS, ROWS = 89.0, 37.0, 840, 840
"""Of the maps written here: 7 x 7 degrees at 120 cells a degree."""
# sand, silt, clay in %, bulk density in g/cm3, organic carbon in %, of each unit's soils.
UNITS = {
    7: [(70, (60, 30, 10, 1.4, 1.0)), (30, (20, 40, 40, 1.2, 3.0))],
    4711: [(100, (80, 15, 5, 1.5, 0.5))],
    9000: [(100, (-9, -9, -9, -9, -9))],
}


def hwsd(folder: Path, unit: "np.ndarray[Any, Any] | None" = None) -> tuple[Path, Path]:
    """Write a map as GeoTIFF, of 7 in the west and 4711 in the east, and the table."""
    if unit is None:
        unit = np.full((ROWS, COLUMNS), 7)
        unit[:, COLUMNS // 2 :] = 4711
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "HWSD2.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=COLUMNS, height=ROWS, count=1, dtype="uint16",
        crs="EPSG:4326", transform=Affine(1 / 120, 0, WEST, 0, -1 / 120, NORTH),
        compress="deflate",
    ) as file:  # fmt: skip
        file.write(unit.astype("uint16"), 1)
        file.update_tags(SIMULATED="true")
    return path, table(folder)


def table(folder: Path, units: dict[int, Any] = UNITS) -> Path:
    """Write the table of layers, the lower ones of pure sand."""
    columns = listing.load("hwsd2")["table"]["columns"]
    lines = [",".join(columns)]
    number = 0
    for unit, soils in units.items():
        for sequence, (share, (sand, silt, clay, bulk, carbon)) in enumerate(soils, 1):
            for layer in range(1, 8):
                number += 1
                row = {
                    "ID": number, "HWSD2_SMU_ID": unit, "SEQUENCE": sequence, "SHARE": share,
                    "WRB2": "CM", "LAYER": f"D{layer}", "TOPDEP": 20 * (layer - 1),
                    "BOTDEP": 20 * layer, "COARSE": 3,
                    "SAND": sand if layer == 1 else 100, "SILT": silt if layer == 1 else 0,
                    "CLAY": clay if layer == 1 else 0, "BULK": bulk, "ORG_CARBON": carbon,
                    "PH_WATER": "",
                }  # fmt: skip
                lines.append(",".join(str(row[name]) for name in columns))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "HWSD2_LAYERS.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


LAYERED = {
    "gsde": ("1", {"SAND": 50, "SILT": 30, "CLAY": 20, "BD": 140, "OC": 120}),
    "china_soil": ("", {"SA": 50, "SI": 30, "CL": 20, "BD": 140, "SOM": 207}),
}
"""Ending of the file names, and what is stored in the first layer."""


def layered(
    folder: Path, product: str, *, south_first: bool = False, only: str | None = None
) -> list[Path]:
    """Write the files of a product: sand gives 5 % to clay with each layer down."""
    ending, variables = LAYERED[product]
    lat = NORTH - (np.arange(ROWS) + 0.5) / 120
    lon = WEST + (np.arange(COLUMNS) + 0.5) / 120
    made = []
    for place, (variable, first) in enumerate(variables.items()):
        if only is not None and variable != only:
            continue
        count = 4 if product == "gsde" else 8
        step = {0: -5, 2: 5}.get(place, 0)
        layers = first + step * np.minimum(np.arange(count), 2)
        field = np.broadcast_to(layers[:, None, None], (count, ROWS, COLUMNS)).copy()
        field[:, :, :120] = {True: -100, False: -999}[place < 3]  # no soil west of 90 E
        order = slice(None, None, -1 if south_first else 1)
        values = {
            "depth": np.array(DEPTHS[:count]),
            "lat": lat[order],
            "lon": lon,
            variable: field[:, order],
        }
        path = folder / f"{variable}{ending}.nc"
        made.append(
            write(
                path, product, values, texts={"simulated": "true"},
                sizes={"lat": ROWS, "lon": COLUMNS},
            )
        )  # fmt: skip
    return made
