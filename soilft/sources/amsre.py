"""AMSR-E L3 brightness temperature of JAXA, daily, 0.25 degree: `soilft.sources.jaxa_l3` of AMSR-E.

Brightness temperature version 4, the first in HDF5 with the layout of AMSR2; JAXA's other L3
products in that layout are version 8, so either first digit is read. Versions 1 to 3 were HDF4.
The letters that stand for platform and sensor in the file name are unconfirmed: AQAME, P1AME,
PM1AME, AQ1AMR, AQAMSRE and their like are taken, and the file's own attributes decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from soilft.sources.amsr import AMSRE_FREQUENCIES
from soilft.sources.jaxa_l3 import JaxaL3, Sensor

SENSOR = Sensor(
    prefix=r"[A-Z0-9]{0,4}AM(?:E|SRE|SR|R)",
    names=("AMSR-E",),
    platforms=("Aqua", "EOS-PM1", "EOS-PM", "PM1"),
    frequencies=AMSRE_FREQUENCIES,
    versions=("4", "8"),
)


@dataclass(frozen=True)
class AmsrEL3(JaxaL3):
    """AMSR-E brightness temperature of both nodes.

    Parameters
    ----------
    bands
        Two-digit frequencies of the file names, from `AMSRE_FREQUENCIES`.
    """

    product: ClassVar[str] = "amsre-l3-25km"
    version: ClassVar[str] = "0.3.0"
    references: ClassVar[str] = (
        "JAXA Aqua AMSR-E L3 brightness temperature, 0.25 degree (Kawanishi et al. 2003, "
        "doi:10.1109/TGRS.2002.808331)"
    )
    platform: ClassVar[str] = "Aqua"
    instrument: ClassVar[str] = "AMSR-E"
    sensor: ClassVar[Sensor] = SENSOR
