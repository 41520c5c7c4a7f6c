"""AMSR2 L3 brightness temperature of JAXA, daily, 0.25 degree: `soilft.sources.jaxa_l3` of AMSR2.

Files are named ``GW1AM2_YYYYMMDD_01D_EQM{A,D}_L3SGT{band}LA{version}.h5``. Product version 2 is
read (algorithm 2.20 since August 2016, which the whole record was processed with). Version 1 was
calibrated otherwise: mixed with version 2 it would put a step into the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from soilft.sources.amsr import FREQUENCIES, GRID, LOCAL_SOLAR_HOUR, NODES
from soilft.sources.jaxa_l3 import NOT_OBSERVED, OUT_OF_RANGE, TENTH, Cells, JaxaL3, Sensor

__all__ = [
    "FREQUENCIES",
    "GRID",
    "LOCAL_SOLAR_HOUR",
    "NODES",
    "NOT_OBSERVED",
    "OUT_OF_RANGE",
    "SENSOR",
    "Amsr2L3",
    "Amsr2L3Tenth",
]

SENSOR = Sensor(
    prefix="GW1AM2",
    names=("AMSR2",),
    platforms=("GCOM-W1",),
    frequencies=FREQUENCIES,
    versions=("2",),
)


@dataclass(frozen=True)
class Amsr2L3(JaxaL3):
    """AMSR2 brightness temperature of both nodes.

    Parameters
    ----------
    bands
        Two-digit frequencies of the file names, from `FREQUENCIES`.
    """

    product: ClassVar[str] = "amsr2-l3-25km"
    version: ClassVar[str] = "0.3.0"
    references: ClassVar[str] = (
        "JAXA GCOM-W AMSR2 L3 brightness temperature, 0.25 degree (Imaoka et al. 2010, "
        "doi:10.1109/JPROC.2009.2036869)"
    )
    platform: ClassVar[str] = "GCOM-W1"
    instrument: ClassVar[str] = "AMSR2"
    sensor: ClassVar[Sensor] = SENSOR


@dataclass(frozen=True)
class Amsr2L3Tenth(JaxaL3):
    """AMSR2 brightness temperature of both nodes from cells of 0.1 degree, averaged by area.

    Parameters
    ----------
    bands
        Two-digit frequencies of the file names, from `FREQUENCIES`.
    """

    product: ClassVar[str] = "amsr2-l3-10km"
    version: ClassVar[str] = "0.3.0"
    references: ClassVar[str] = (
        "JAXA GCOM-W AMSR2 L3 brightness temperature, 0.1 degree (Imaoka et al. 2010, "
        "doi:10.1109/JPROC.2009.2036869)"
    )
    sensor: ClassVar[Sensor] = SENSOR
    cells: ClassVar[Cells] = TENTH
