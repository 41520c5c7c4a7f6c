"""Vocabulary of the stores: variables with dimensions, types, units, fills and attributes.

Flag variables set Zarr's ``fill_value`` and CF's ``_FillValue`` to the same value, so that a cell
nobody wrote reads as missing and never as class 0. Floating-point variables are missing where NaN,
which is Zarr's fill; CF needs no attribute for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import UNITS, DaySpan
from soilft.grid import Grid

MISSING = 255
THAWED, FROZEN, PARTIAL = 0, 1, 2

AM, PM, DAILY = 0, 1, 2
OVERPASSES: Mapping[str, int] = MappingProxyType({"AM": AM, "PM": PM, "daily": DAILY})


@dataclass(frozen=True)
class Variable:
    """One array of a store."""

    name: str
    dims: tuple[str, ...]
    dtype: str
    fill: float | int
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cf_attributes(self) -> dict[str, Any]:
        """Attributes as written, with CF's ``_FillValue`` where the type has no NaN."""
        attributes = dict(self.attributes)
        if np.issubdtype(np.dtype(self.dtype), np.integer):
            attributes["_FillValue"] = int(self.fill)
        if {"y", "x"} <= set(self.dims):
            attributes["grid_mapping"] = "crs"
        return attributes


def measured(
    name: str, dims: tuple[str, ...], units: str, long_name: str, **attributes: Any
) -> Variable:
    """A float32 quantity, NaN where missing."""
    return Variable(
        name,
        dims,
        "float32",
        float("nan"),
        {"long_name": long_name, "units": units, **attributes},
    )


def counted(name: str, dims: tuple[str, ...], long_name: str, **attributes: Any) -> Variable:
    """A uint8 count, 255 where missing."""
    return Variable(
        name, dims, "uint8", MISSING, {"long_name": long_name, "units": "1", **attributes}
    )


def flagged(
    name: str, dims: tuple[str, ...], long_name: str, flags: Mapping[str, int], **attributes: Any
) -> Variable:
    """Exclusive classes as uint8 with CF ``flag_values`` and ``flag_meanings``, 255 missing."""
    return Variable(
        name,
        dims,
        "uint8",
        MISSING,
        {
            "long_name": long_name,
            "flag_values": list(flags.values()),
            "flag_meanings": " ".join(flags),
            **attributes,
        },
    )


def masked(
    name: str, dims: tuple[str, ...], long_name: str, bits: Mapping[str, int], **attributes: Any
) -> Variable:
    """A bit field with CF ``flag_masks``, missing where all bits are set: one is never used.

    It is uint8 where seven bits do, and uint16 beyond.
    """
    dtype = "uint8" if max(bits.values()) < 1 << 7 else "uint16"
    return Variable(
        name,
        dims,
        dtype,
        int(np.iinfo(dtype).max),
        {
            "long_name": long_name,
            "flag_masks": list(bits.values()),
            "flag_meanings": " ".join(bits),
            **attributes,
        },
    )


@dataclass(frozen=True)
class Coordinate:
    """A coordinate or a scalar, written whole with the template. It has no missing values."""

    name: str
    dims: tuple[str, ...]
    values: npt.NDArray[Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_auxiliary(self) -> bool:
        """Whether it says where cells are without being an axis: 2-D latitude and longitude."""
        return "standard_name" in self.attributes and len(self.dims) > 1


@dataclass(frozen=True)
class Template:
    """Structure of one store, before any value is in it.

    Parameters
    ----------
    coordinates
        Written with the template; their lengths fix the sizes of the dimensions.
    variables
        Arrays that region writes fill.
    chunks
        Inner chunk length by dimension: what one read fetches.
    shards
        Shard length by dimension: what one write makes, a multiple of the chunk. Empty where
        chunks are written one an object.
    attributes
        Attributes of the root group.
    checked
        Whether every inner chunk carries a checksum, so that readers notice a damaged one.
    """

    coordinates: tuple[Coordinate, ...]
    variables: tuple[Variable, ...]
    chunks: Mapping[str, int]
    shards: Mapping[str, int] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    checked: bool = False

    @property
    def sizes(self) -> dict[str, int]:
        """Length of every dimension."""
        return {
            dim: size
            for coordinate in self.coordinates
            for dim, size in zip(coordinate.dims, coordinate.values.shape, strict=True)
        }

    def attributes_of(self, variable: Variable) -> dict[str, Any]:
        """Attributes of a variable as written, with its auxiliary coordinates, CF section 5."""
        attributes = variable.cf_attributes
        # Coordinates whose name is not that of a dimension are found by this attribute alone.
        auxiliary = [
            coordinate.name
            for coordinate in self.coordinates
            if coordinate.is_auxiliary and set(coordinate.dims) <= set(variable.dims)
        ]
        if auxiliary:
            attributes["coordinates"] = " ".join(auxiliary)
        return attributes

    def shape(self, variable: Variable) -> tuple[int, ...]:
        """Shape of a variable."""
        return tuple(self.sizes[dim] for dim in variable.dims)

    def chunk_shape(self, variable: Variable) -> tuple[int, ...]:
        """Inner chunk of a variable; whole along dimensions that the template does not cut."""
        return tuple(self.chunks.get(dim, self.sizes[dim]) for dim in variable.dims)

    def shard_shape(self, variable: Variable) -> tuple[int, ...] | None:
        """Shard of a variable, or None where the store is not sharded."""
        if not self.shards:
            return None
        return tuple(
            self.shards.get(dim, chunk)
            for dim, chunk in zip(variable.dims, self.chunk_shape(variable), strict=True)
        )

    @property
    def decoded_bytes(self) -> int:
        """Bytes of all variables, uncompressed."""
        return sum(
            int(np.prod(self.shape(v), dtype="int64")) * np.dtype(v.dtype).itemsize
            for v in self.variables
        )


def grid_coordinates(grid: Grid) -> tuple[Coordinate, ...]:
    """The y and x axes, the grid mapping, and 2-D longitude and latitude of a projected grid."""
    mapping = Coordinate("crs", (), np.array(0, dtype="int32"), grid.cf_grid_mapping)
    if grid.geographic:
        return (
            Coordinate("y", ("y",), grid.y, _axis("latitude", "degrees_north", "Y")),
            Coordinate("x", ("x",), grid.x, _eastward(grid)),
            mapping,
        )
    lon, lat = grid.lonlat
    return (
        Coordinate("y", ("y",), grid.y, _axis("projection_y_coordinate", "m", "Y")),
        Coordinate("x", ("x",), grid.x, _axis("projection_x_coordinate", "m", "X")),
        Coordinate("lat", ("y", "x"), lat, _axis("latitude", "degrees_north")),
        Coordinate("lon", ("y", "x"), lon, _axis("longitude", "degrees_east")),
        mapping,
    )


def _eastward(grid: Grid) -> dict[str, str]:
    """Of an axis of longitude, which CF has monotonic: across the antimeridian it runs on."""
    said = _axis("longitude", "degrees_east", "X")
    if grid.x[-1] > 180:
        said["comment"] = "181 is 179 degrees west: select by longitude modulo 360"
    return said


def _axis(standard_name: str, units: str, axis: str = "") -> dict[str, str]:
    attributes = {
        "standard_name": standard_name,
        "long_name": standard_name.replace("_", " "),
        "units": units,
    }
    return attributes | ({"axis": axis} if axis else {})


def time_coordinates(days: DaySpan) -> tuple[Coordinate, ...]:
    """The daily axis with its bounds: each value stands for the UTC day that starts there."""
    numbers = days.numbers
    bounds = np.stack([numbers, numbers + 1], axis=1)
    return (
        Coordinate(
            "time",
            ("time",),
            numbers,
            {
                "standard_name": "time",
                "long_name": "UTC day",
                "units": UNITS,
                "calendar": "proleptic_gregorian",
                "units_metadata": "leap_seconds: none",
                "axis": "T",
                "bounds": "time_bnds",
            },
        ),
        Coordinate("time_bnds", ("time", "bnds"), bounds),
    )


def overpass_place(name: str, stored: Sequence[int]) -> int | None:
    """Place along an overpass axis that answers for an overpass; None where there is none.

    A product of one value a day, whatever its overpasses, stands for each of them.

    Parameters
    ----------
    stored
        Codes of the axis.
    """
    if list(stored) == [DAILY]:
        return 0
    code = OVERPASSES[name]
    return list(stored).index(code) if code in stored else None


def overpass_names(codes: Iterable[int]) -> list[str]:
    """Names of overpasses by their codes."""
    names = {code: name for name, code in OVERPASSES.items()}
    return [names[code] for code in codes]


def overpass_coordinate(overpasses: tuple[str, ...]) -> Coordinate:
    """The overpass axis, as codes: 0 AM, 1 PM, 2 daily (a product without overpasses)."""
    return Coordinate(
        "overpass",
        ("overpass",),
        np.array([OVERPASSES[name] for name in overpasses], "uint8"),
        {
            "long_name": "overpass of the satellite",
            "flag_values": list(OVERPASSES.values()),
            "flag_meanings": " ".join(OVERPASSES),
        },
    )
