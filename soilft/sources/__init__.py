"""Native products, one module each, behind one protocol.

>>> from soilft import sources
>>> sorted(sources.PRODUCTS)[:3]
['amsr2-cetb-25km', 'amsr2-l3-10km', 'amsr2-l3-25km']
"""

from collections.abc import Mapping
from types import MappingProxyType

from soilft.sources.amsr2 import Amsr2L3, Amsr2L3Tenth
from soilft.sources.amsre import AmsrEL3
from soilft.sources.amsre_nsidc import AmsrENsidc
from soilft.sources.cetb import Amsr2Cetb, AmsrECetb
from soilft.sources.dem import Dem
from soilft.sources.dem_tiles import CopernicusGlo90, Gmted2010, SrtmHgt
from soilft.sources.esa_cci import EsaCciFlag
from soilft.sources.ft_esdr import FtEsdr
from soilft.sources.gldas import GldasNoah3h
from soilft.sources.hwsd import Hwsd2
from soilft.sources.ismn_stations import IsmnArchive
from soilft.sources.mwri import MwriL1
from soilft.sources.protocol import DailySource, Granule, StaticSource
from soilft.sources.smap import SmapL3Ft
from soilft.sources.smap_enhanced import SmapL3FtE
from soilft.sources.smos import SmosL3Ft
from soilft.sources.soil_netcdf import ChinaSoil, Gsde
from soilft.sources.soilgrids import SoilGrids

_ALL: tuple[type[DailySource] | type[StaticSource] | type[IsmnArchive], ...] = (
    Amsr2Cetb,
    Amsr2L3,
    Amsr2L3Tenth,
    AmsrECetb,
    AmsrEL3,
    AmsrENsidc,
    ChinaSoil,
    CopernicusGlo90,
    Dem,
    EsaCciFlag,
    FtEsdr,
    GldasNoah3h,
    Gmted2010,
    Gsde,
    Hwsd2,
    IsmnArchive,
    MwriL1,
    SmapL3Ft,
    SmapL3FtE,
    SmosL3Ft,
    SoilGrids,
    SrtmHgt,
)
PRODUCTS: Mapping[str, type[DailySource] | type[StaticSource] | type[IsmnArchive]] = (
    MappingProxyType({source.product: source for source in _ALL})
)

__all__ = [
    "PRODUCTS",
    "Amsr2Cetb",
    "Amsr2L3",
    "Amsr2L3Tenth",
    "AmsrECetb",
    "AmsrEL3",
    "AmsrENsidc",
    "ChinaSoil",
    "CopernicusGlo90",
    "DailySource",
    "Dem",
    "EsaCciFlag",
    "FtEsdr",
    "GldasNoah3h",
    "Gmted2010",
    "Granule",
    "Gsde",
    "Hwsd2",
    "IsmnArchive",
    "MwriL1",
    "SmapL3Ft",
    "SmapL3FtE",
    "SmosL3Ft",
    "SoilGrids",
    "SrtmHgt",
    "StaticSource",
]
