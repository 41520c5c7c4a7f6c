"""Days that products can have: first and last day of each mission or model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan
from soilft.sources.protocol import DailySource

# The newest granule of a product that goes on is not known here.
GOES_ON = date.max

# From the first science data to the antenna's stop (Kawanishi et al. 2003; JAXA 2011-10-04).
AMSRE = DaySpan(date(2002, 6, 19), date(2011, 10, 4))
# First files of 2012-07-03 (JAXA G-Portal).
AMSR2 = DaySpan(date(2012, 7, 3), GOES_ON)
# First half orbits of 2015-03-31 (NSIDC, SPL3FTP and SPL3FTP_E).
SMAP = DaySpan(date(2015, 3, 31), GOES_ON)

#: Spans of days by product, or by product and satellite where a setting chooses among these.
MISSIONS: Mapping[str, tuple[DaySpan, ...]] = MappingProxyType(
    {
        "amsre-l3-25km": (AMSRE,),
        "amsre-nsidc-0302-25km": (AMSRE,),
        "amsre-cetb-25km": (AMSRE,),
        "amsr2-l3-25km": (AMSR2,),
        "amsr2-l3-10km": (AMSR2,),
        "amsr2-cetb-25km": (AMSR2,),
        # Launches of 2010-11-05, 2013-09-23 and 2017-11-15 (UTC; WMO OSCAR); first and last days of
        # MWRI are assumed: some weeks of checks, and the ends that NSMC's archive is known to have.
        "fy3-mwri-l1/FY3B": (DaySpan(date(2010, 11, 18), date(2019, 8, 19)),),
        "fy3-mwri-l1/FY3C": (DaySpan(date(2013, 9, 30), date(2020, 2, 3)),),
        "fy3-mwri-l1/FY3D": (DaySpan(date(2017, 12, 1), GOES_ON),),
        # GLDAS 2.1 begins with 2000 (Rodell et al. 2004; GES DISC).
        "gldas-noah-025-3h": (DaySpan(date(2000, 1, 1), GOES_ON),),
        # First labels of the end of the commissioning (Rautiainen et al. 2016; ESA, FMI).
        "smos-l3-ft": (DaySpan(date(2010, 7, 1), GOES_ON),),
        "smap-l3-ft-36km": (SMAP,),
        "smap-l3-ft-9km": (SMAP,),
        # The records of all and of passive sensors begin with SMMR, of active ones with ERS-1
        # (Dorigo et al. 2017, doi:10.1016/j.rse.2017.07.001).
        "esa-cci-sm-flag/combined": (DaySpan(date(1978, 11, 1), GOES_ON),),
        "esa-cci-sm-flag/passive": (DaySpan(date(1978, 11, 1), GOES_ON),),
        "esa-cci-sm-flag/active": (DaySpan(date(1991, 8, 5), GOES_ON),),
        # Of both sensors in turn (Kim et al. 2017).
        "ft-esdr-25km": (AMSRE, AMSR2),
    }
)


def spans_of(source: DailySource) -> tuple[DaySpan, ...]:
    """Spans of days that a source can have, of the satellites and sensors that it reads.

    A product that the table does not know can have any day.
    """
    chosen = getattr(source, "satellites", ()) or (getattr(source, "sensors", ""),)
    names = [source.product, *(f"{source.product}/{name}" for name in chosen)]
    found = tuple(span for name in names for span in MISSIONS.get(name, ()))
    return found or (DaySpan(date.min, GOES_ON),)


def possible(source: DailySource, days: DaySpan) -> npt.NDArray[np.bool_]:
    """On which of some days a source can have granules, bool (day,).

    Examples
    --------
    >>> from soilft.sources import SmapL3Ft
    >>> possible(SmapL3Ft(), DaySpan(date(2015, 3, 30), date(2015, 4, 1))).tolist()
    [False, True, True]
    """
    spans = spans_of(source)
    return np.array([any(day in span for span in spans) for day in days], bool)
