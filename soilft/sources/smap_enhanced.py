"""SMAP L3 freeze/thaw on the 9 km grids (SPL3FTP_E): the layout of `soilft.sources.smap`, finer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from soilft.grid import PRESETS, Grid
from soilft.sources.smap import SmapL3Ft

_COARSE = PRESETS["ease2-global-36km"]
# Four by four cells make one of 36 km.
GRIDS: Mapping[str, Grid] = MappingProxyType(
    {
        "global": Grid(
            _COARSE.crs,
            _COARSE.left,
            _COARSE.top,
            _COARSE.width / 4,
            _COARSE.height / 4,
            (1624, 3856),
        ),
        "polar": Grid("EPSG:6931", -9e6, 9e6, 9000.0, 9000.0, (2000, 2000)),
    }
)


@dataclass(frozen=True)
class SmapL3FtE(SmapL3Ft):
    """The freeze/thaw state of each overpass, 9 km, by majority of area in a cell of the grid."""

    product: ClassVar[str] = "smap-l3-ft-9km"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = (
        "SMAP Enhanced L3 Radiometer Freeze/Thaw SPL3FTP_E (NASA, NSIDC DAAC; Derksen et al. 2017, "
        "doi:10.1016/j.rse.2017.03.007)"
    )
    family: ClassVar[str] = "P_E"
    grids: ClassVar[Mapping[str, Grid]] = GRIDS
