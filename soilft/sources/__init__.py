"""Native products, one module each, behind one protocol.

>>> from soilft import sources
>>> sorted(sources.PRODUCTS)
['amsr2-l3-25km', 'dem', 'esa-cci-sm-flag', 'gldas-noah-025-3h', 'smos-l3-ft']
"""

from collections.abc import Mapping
from types import MappingProxyType

from soilft.sources.amsr2 import Amsr2L3
from soilft.sources.dem import Dem
from soilft.sources.esa_cci import EsaCciFlag
from soilft.sources.gldas import GldasNoah3h
from soilft.sources.protocol import DailySource, Granule, StaticSource
from soilft.sources.smos import SmosL3Ft

PRODUCTS: Mapping[str, type[DailySource] | type[StaticSource]] = MappingProxyType(
    {source.product: source for source in (Amsr2L3, Dem, EsaCciFlag, GldasNoah3h, SmosL3Ft)}
)

__all__ = [
    "PRODUCTS",
    "Amsr2L3",
    "DailySource",
    "Dem",
    "EsaCciFlag",
    "GldasNoah3h",
    "Granule",
    "SmosL3Ft",
    "StaticSource",
]
