"""Layers of SoilGrids in their projection, written small, and how a task opens them."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine

from soilft.errors import InputError
from soilft.grid import Grid, Region
from soilft.sources.soilgrids import SLOTS, SoilGrids

SOURCE = SoilGrids()
IGH = "+proj=igh +datum=WGS84 +units=m +no_defs"
# As ISRIC's files name it.
HOMOLOSINE_WKT = (
    'PROJCS["Homolosine",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,'
    '298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],'
    'PROJECTION["Interrupted_Goode_Homolosine"],UNIT["Meter",1]]'
)
VOID = -32768
PLATEAU = (88.0, 32.0, 89.0, 33.0)
GRIDS = {
    preset: Region("window", preset, PLATEAU).grid for preset in ("latlon-0.25", "ease2-north-25km")
}
ONE_CELL = Region("window", "latlon-0.25", (88.25, 32.5, 88.5, 32.75)).grid
FORWARD = pyproj.Transformer.from_crs("EPSG:4326", IGH, always_xy=True)


def lattice(bounds: tuple[float, float, float, float]) -> tuple[Affine, tuple[int, int]]:
    """Cells of 250 m around bounds in degrees, with a few to spare."""
    west, south, east, north = bounds
    lon, lat = np.meshgrid(np.linspace(west, east, 41), np.linspace(south, north, 41))
    x, y = FORWARD.transform(lon, lat)
    left, top = (np.floor(x.min() / 250) - 8) * 250, (np.ceil(y.max() / 250) + 8) * 250
    shape = (int((top - y.min()) / 250) + 9, int((x.max() - left) / 250) + 9)
    return Affine(250, 0, left, 0, -250, top), shape


def shifted(transform: Affine, columns: float, rows: float) -> Affine:
    a, b, c, d, e, f = transform[:6]
    return Affine(a, b, c + columns * a, d, e, f + rows * e)


def write(
    path: Path,
    values: np.ndarray,
    transform: Affine,
    *,
    crs: str | None = HOMOLOSINE_WKT,
    nodata: float | None = VOID,
    units: str | None = None,
    scale: float = 1.0,
    offset: float = 0.0,
    **profile: Any,
) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1,
        dtype=values.dtype, crs=crs, transform=transform, nodata=nodata, **profile,
    ) as raster:  # fmt: skip
        raster.write(values, 1)
        if units:
            raster.units = (units,)
        if scale != 1 or offset != 0:
            raster.scales, raster.offsets = (scale,), (offset,)
    return path


# Mapped values of the upper and the lower layer.
PLAIN = {
    "sand": (500, 400), "silt": (300, 380), "clay": (200, 220), "bdod": (120, 140), "soc": (310, 90)
}  # fmt: skip


def uniform(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    return {
        f"{code}_{depth}_mean": np.full(shape, value, "int16")
        for code, pair in PLAIN.items()
        for depth, value in zip(("0-5cm", "5-15cm"), pair, strict=True)
    }


def ragged(shape: tuple[int, int], seed: int = 0) -> dict[str, np.ndarray]:
    """Random soil, with nothing beyond a coast, and holes in single layers."""
    rng = np.random.default_rng(seed)
    sand, clay = rng.integers(100, 500, (2, 2, *shape))
    layers = {}
    rows, columns = np.indices(shape)
    sea = columns - 0.3 * rows + 9 * np.sin(rows / 7) > 0.55 * shape[1]
    for i, depth in enumerate(("0-5cm", "5-15cm")):
        parts = {
            "sand": sand[i],
            "clay": clay[i],
            "silt": 1000 - sand[i] - clay[i],
            "bdod": rng.integers(80, 170, shape),
            "soc": rng.integers(10, 900, shape),
        }
        for code, values in parts.items():
            layer = values.astype("int16")
            layer[sea] = VOID
            layers[f"{code}_{depth}_mean"] = layer
    layers["soc_5-15cm_mean"][rng.random(shape) < 0.2] = VOID
    return layers


def archive(
    folder: Path, layers: Mapping[str, np.ndarray], transform: Affine, **profile: Any
) -> list[Path]:
    return [
        write(folder / f"{slot}.tif", values, transform, **profile)
        for slot, values in layers.items()
    ]


def placed(paths: list[Path], grid: Grid) -> dict[str, np.ndarray]:
    with ExitStack() as stack:
        tiles = []
        for path in paths:
            granule = SOURCE.granule(str(path))
            assert granule is not None
            tiles.append((granule, stack.enter_context(SOURCE.read(path))))
        return SOURCE.place(tiles, grid)


def refusal(path: Path, kind: type[InputError], words: str) -> None:
    with pytest.raises(kind, match=words) as error, SOURCE.read(path):
        pass
    assert path.name in str(error.value)
    assert error.value.expected
    assert error.value.found


def one(folder: Path, slot: str = SLOTS[0], value: int = 500, **options: Any) -> Path:
    dtype = options.pop("dtype", "int16")
    transform = options.pop("transform", Affine(250, 0, 8e6, 0, -250, 4e6))
    values = np.full((60, 80), value, dtype)
    return write(folder / f"{slot}.tif", values, transform, **options)
