"""What the formats leave open: a file of either reading, and one of none.

A fact of ``U`` in the notes on the formats is not confirmed: a reader takes both readings, decides
from the file itself, and refuses what fits neither. Each :class:`Unknown` writes one file of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from soilft.simulate import native_mwri, native_soilgrids
from tests.contract.fixtures import (
    Writer,
    amsr2,
    amsre,
    channel_last,
    classes,
    dem,
    dem_netcdf,
    mwri,
    nsidc0302,
    rescale,
    signed,
    smap,
    smos,
    soilgrids,
    timeless,
)

MIDNIGHT = datetime(2000, 1, 1)  # noqa: DTZ001 - UTC
UNIX = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC

SMAP_QUALITY = (
    "FT_Retrieval_attempted_flag High_water_fraction_flag Permanent_ice_flag "
    "Low_SCV_correlation_flag FT_mitigation_flag"
)
"""As in NASA's description of a file of 9 km."""


@dataclass(frozen=True)
class Unknown:
    """A fact that is not confirmed, with a writer for each reading and for a file of neither."""

    product: str
    fact: str
    one: Writer
    other: Writer
    neither: Writer
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the reader."""

    @property
    def name(self) -> str:
        """Name of the test."""
        return f"{self.product}: {self.fact}"


FY3B, FY3C, FY3D = native_mwri.FY3B, native_mwri.FY3C, native_mwri.FY3D

UNKNOWNS = (
    Unknown(
        "amsre-l3-25km",
        "prefix of the file name",
        amsre(),
        amsre(prefix="P1AME"),
        amsre(platform="GCOM-W1", sensor="AMSR2"),
    ),
    Unknown(
        "amsre-l3-25km",
        "type of the counts",
        amsre(),
        amsre(counts=np.int16),
        amsre(counts=np.float64),
    ),
    Unknown(
        "amsr2-l3-25km",
        "type of the counts",
        amsr2(),
        amsr2(signed),
        amsr2(lambda file: rescale(file, 0.1)),
    ),
    Unknown(
        "amsre-nsidc-0302-25km",
        "count of no data",
        nsidc0302(),
        nsidc0302(no_data=65535),
        nsidc0302(order=">"),
    ),
    Unknown(
        "amsre-nsidc-0302-25km",
        "minutes of no data",
        nsidc0302("TIM"),
        nsidc0302("TIM", no_time=-32768),
        nsidc0302("TIM", no_time=9999),
    ),
    Unknown(
        "amsre-nsidc-0302-25km",
        "packed or plain",
        nsidc0302(),
        nsidc0302(compressed=True),
        nsidc0302(order=">", compressed=True),
    ),
    Unknown(
        "fy3-mwri-l1",
        "hour at which the days of Scan_Daycnt begin",
        mwri(FY3D),
        mwri(FY3D, epoch=MIDNIGHT),
        mwri(FY3D, epoch=UNIX),
        {"satellites": ("FY3D",)},
    ),
    Unknown(
        "fy3-mwri-l1",
        "time of the scans of FY-3B",
        mwri(FY3B),
        mwri(FY3B, time="count"),
        mwri(FY3B, timeless),
    ),
    Unknown(
        "fy3-mwri-l1",
        "group of the counts",
        mwri(FY3C),
        mwri(FY3C, data="Data"),
        mwri(FY3C, channel_last),
        {"satellites": ("FY3C",)},
    ),
    Unknown(
        "smos-l3-ft",
        "codes of the classes of version 3",
        smos(),
        smos(classes((0, 1, 2), "thaw partial frozen")),
        smos(classes((1, 2, 3), "one two three")),
    ),
    Unknown(
        "smap-l3-ft-36km",
        "meanings of the retrieval quality flag",
        smap(),
        smap(quality_meanings=""),
        smap(quality_type=np.float32),
    ),
    Unknown(
        "smap-l3-ft-36km",
        "conditions that the retrieval quality flag names",
        smap(quality_meanings=SMAP_QUALITY),
        smap(quality_meanings="Retrieval_recommended"),
        smap(quality_meanings=SMAP_QUALITY.replace("Permanent_ice", "Ice")),
    ),
    Unknown(
        "dem",
        "type and void",
        dem(),
        dem("float32", -9999),
        dem(crs=""),
    ),
    Unknown(
        "dem",
        "spacing of longitudes",
        dem(),
        dem(wide=2.0),
        dem(upright=False),
    ),
    Unknown(
        "dem",
        "layout of NetCDF",
        dem_netcdf(),
        dem_netcdf(north_first=True),
        dem_netcdf("height"),
    ),
    Unknown(
        "soilgrids-2.0",
        "name of the projection",
        soilgrids(native_soilgrids.WKT),
        soilgrids("+proj=igh +datum=WGS84 +units=m +no_defs"),
        soilgrids("EPSG:32646"),
    ),
)
