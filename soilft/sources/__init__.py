"""Native products, one reader each, behind one protocol; a reader is loaded when it is asked for.

What the products share:

- `protocol`: what a product's reader offers, and what a granule is.
- `files`: native files, brought to this machine and refused where damaged.
- `native_grid`: grids of native files, and parts of them.
- `passing`: failures of reading that pass.
- `missions`: days that products can have.
- `dated`: times of native files, held against their names.
- `raster`: GeoTIFF and VRT.
- `vrt`: what a VRT may refer to.
- `labels`: the layout of freeze/thaw labels.
- `soil`: the properties that soil products give.
- `stations`: soil temperature of stations, and the cells that they stand in.

Brightness temperature:

- `amsr`: channels and nodes of the gridded products of AMSR-E and AMSR2.
- `jaxa_l3`: JAXA's L3 product of a sensor, its names and its files.
- `amsr2`: AMSR2 of JAXA.
- `amsre`: AMSR-E of JAXA.
- `amsre_nsidc`: AMSR-E of NSIDC-0302.
- `cetb`: AMSR-E and AMSR2 of NSIDC's CETB.
- `mwri`: swaths of MWRI on FY-3B, FY-3C and FY-3D.
- `mwri_native`: metadata of its files.
- `mwri_time`: times of its scans.

Freeze/thaw labels:

- `smos`: SMOS.
- `smap`: SMAP on 36 km.
- `smap_native`: metadata of its files.
- `smap_enhanced`: SMAP on 9 km.
- `ft_esdr`: the freeze/thaw record of MEaSUREs.
- `esa_cci`: the flag of ESA CCI soil moisture.

Reanalysis, terrain, soil and stations:

- `gldas`: GLDAS Noah.
- `dem`: elevation models in one file or a mosaic.
- `dem_tiles`: elevation models in tiles named by their corner.
- `soilgrids`: SoilGrids 2.0.
- `hwsd`: Harmonized World Soil Database v2.0.
- `soil_netcdf`: soil of Beijing Normal University.
- `ismn_stations`: International Soil Moisture Network.
- `ismn_archive`: its archives, by the handlers of ``ismn``.

>>> from soilft import sources
>>> sorted(sources.PRODUCTS)[:3]
['amsr2-cetb-25km', 'amsr2-l3-10km', 'amsr2-l3-25km']
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from soilft.sources.amsr2 import Amsr2L3, Amsr2L3Tenth
    from soilft.sources.amsre import AmsrEL3
    from soilft.sources.amsre_nsidc import AmsrENsidc
    from soilft.sources.cetb import Amsr2Cetb, AmsrECetb
    from soilft.sources.dem import Dem
    from soilft.sources.dem_tiles import CopernicusGlo30, CopernicusGlo90, Gmted2010, SrtmHgt
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

    Reader = type[DailySource] | type[StaticSource] | type[IsmnArchive]

_READERS = {
    "amsr2-cetb-25km": "cetb:Amsr2Cetb",
    "amsr2-l3-10km": "amsr2:Amsr2L3Tenth",
    "amsr2-l3-25km": "amsr2:Amsr2L3",
    "amsre-cetb-25km": "cetb:AmsrECetb",
    "amsre-l3-25km": "amsre:AmsrEL3",
    "amsre-nsidc-0302-25km": "amsre_nsidc:AmsrENsidc",
    "china-soil-bnu": "soil_netcdf:ChinaSoil",
    "dem": "dem:Dem",
    "dem-copernicus-glo30": "dem_tiles:CopernicusGlo30",
    "dem-copernicus-glo90": "dem_tiles:CopernicusGlo90",
    "dem-gmted2010": "dem_tiles:Gmted2010",
    "dem-srtm": "dem_tiles:SrtmHgt",
    "esa-cci-sm-flag": "esa_cci:EsaCciFlag",
    "ft-esdr-25km": "ft_esdr:FtEsdr",
    "fy3-mwri-l1": "mwri:MwriL1",
    "gldas-noah-025-3h": "gldas:GldasNoah3h",
    "gsde": "soil_netcdf:Gsde",
    "hwsd-2.0": "hwsd:Hwsd2",
    "ismn": "ismn_stations:IsmnArchive",
    "smap-l3-ft-36km": "smap:SmapL3Ft",
    "smap-l3-ft-9km": "smap_enhanced:SmapL3FtE",
    "smos-l3-ft": "smos:SmosL3Ft",
    "soilgrids-2.0": "soilgrids:SoilGrids",
}
_MODULES = dict.fromkeys(("DailySource", "Granule", "StaticSource"), "protocol")
_MODULES |= {name: module for module, name in (place.split(":") for place in _READERS.values())}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Products(Mapping[str, "Reader"]):
    """Readers by product. Names are listed, and asked after, without loading any."""

    def __getitem__(self, product: str) -> Reader:
        module, name = _READERS[product].split(":")
        reader: Reader = getattr(import_module(f"{__name__}.{module}"), name)
        return reader

    def __contains__(self, product: object) -> bool:
        return product in _READERS

    def __iter__(self) -> Iterator[str]:
        return iter(_READERS)

    def __len__(self) -> int:
        return len(_READERS)


PRODUCTS: Mapping[str, Reader] = _Products()

__all__ = [
    "PRODUCTS",
    "Amsr2Cetb",
    "Amsr2L3",
    "Amsr2L3Tenth",
    "AmsrECetb",
    "AmsrEL3",
    "AmsrENsidc",
    "ChinaSoil",
    "CopernicusGlo30",
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
