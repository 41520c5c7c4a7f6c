"""Section ``inputs`` of a region file: one model a product, with where its granules lie."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from soilft.sources import (
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
from soilft.sources.cetb import Algorithm
from soilft.sources.dem_tiles import Absent
from soilft.sources.esa_cci import MergedFrom


class _Granules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    granules: str | tuple[str, ...] = ()

    @property
    def patterns(self) -> tuple[str, ...]:
        """URL patterns of the granules."""
        return (self.granules,) if isinstance(self.granules, str) else self.granules


class Amsr2Input(_Granules):
    """AMSR2 L3 brightness temperature, 0.25 degree."""

    product: Literal["amsr2-l3-25km"]
    bands: tuple[str, ...] = Amsr2L3.bands

    def source(self) -> Amsr2L3:
        """The source that these settings describe."""
        return Amsr2L3(self.bands)


class Amsr2TenthInput(_Granules):
    """AMSR2 L3 brightness temperature, 0.1 degree."""

    product: Literal["amsr2-l3-10km"]
    bands: tuple[str, ...] = Amsr2L3Tenth.bands

    def source(self) -> Amsr2L3Tenth:
        """The source that these settings describe."""
        return Amsr2L3Tenth(self.bands)


class AmsrEInput(_Granules):
    """AMSR-E L3 brightness temperature of JAXA, 0.25 degree."""

    product: Literal["amsre-l3-25km"]
    bands: tuple[str, ...] = AmsrEL3.bands

    def source(self) -> AmsrEL3:
        """The source that these settings describe."""
        return AmsrEL3(self.bands)


class AmsrENsidcInput(_Granules):
    """AMSR-E brightness temperature of NSIDC-0302, quarter degree."""

    product: Literal["amsre-nsidc-0302-25km"]
    bands: tuple[str, ...] = AmsrENsidc.bands

    def source(self) -> AmsrENsidc:
        """The source that these settings describe."""
        return AmsrENsidc(self.bands)


class AmsrECetbInput(_Granules):
    """AMSR-E brightness temperature of NSIDC's CETB, EASE-Grid 2.0 25 km."""

    product: Literal["amsre-cetb-25km"]
    bands: tuple[str, ...] = AmsrECetb.bands
    algorithm: Algorithm = AmsrECetb.algorithm

    def source(self) -> AmsrECetb:
        """The source that these settings describe."""
        return AmsrECetb(self.bands, self.algorithm)


class Amsr2CetbInput(_Granules):
    """AMSR2 brightness temperature of NSIDC's CETB, EASE-Grid 2.0 25 km."""

    product: Literal["amsr2-cetb-25km"]
    bands: tuple[str, ...] = Amsr2Cetb.bands
    algorithm: Algorithm = Amsr2Cetb.algorithm

    def source(self) -> Amsr2Cetb:
        """The source that these settings describe."""
        return Amsr2Cetb(self.bands, self.algorithm)


class MwriInput(_Granules):
    """FY-3 MWRI L1 swaths."""

    product: Literal["fy3-mwri-l1"]
    satellites: tuple[str, ...] = MwriL1.satellites

    def source(self) -> MwriL1:
        """The source that these settings describe."""
        return MwriL1(self.satellites)


class GldasInput(_Granules):
    """GLDAS Noah 0.25 degree, 3-hourly."""

    product: Literal["gldas-noah-025-3h"]
    variables: tuple[str, ...] = GldasNoah3h.variables_read
    statistics: tuple[str, ...] = GldasNoah3h.statistics
    min_granules: int = GldasNoah3h.min_granules

    def source(self) -> GldasNoah3h:
        """The source that these settings describe."""
        return GldasNoah3h(self.variables, self.statistics, self.min_granules)


class DemInput(_Granules):
    """A digital elevation model: one file, or the tiles of a mosaic."""

    product: Literal["dem"]
    variable: str = Dem.variable

    def source(self) -> Dem:
        """The source that these settings describe."""
        return Dem(self.variable)


class SrtmInput(_Granules):
    """Tiles of SRTM, hgt."""

    product: Literal["dem-srtm"]

    def source(self) -> SrtmHgt:
        """The source that these settings describe."""
        return SrtmHgt()


class Gmted2010Input(_Granules):
    """Tiles of GMTED2010."""

    product: Literal["dem-gmted2010"]
    statistic: str = Gmted2010.statistic
    resolution: str = Gmted2010.resolution

    def source(self) -> Gmted2010:
        """The source that these settings describe."""
        return Gmted2010(self.statistic, self.resolution)


class CopernicusGlo90Input(_Granules):
    """Tiles of the Copernicus DEM GLO-90."""

    product: Literal["dem-copernicus-glo90"]
    absent: Absent = CopernicusGlo90.absent

    def source(self) -> CopernicusGlo90:
        """The source that these settings describe."""
        return CopernicusGlo90(self.absent)


class SoilGridsInput(_Granules):
    """SoilGrids 2.0 maps of texture, bulk density and organic carbon."""

    product: Literal["soilgrids-2.0"]

    def source(self) -> SoilGrids:
        """The source that these settings describe."""
        return SoilGrids()


class Hwsd2Input(_Granules):
    """Harmonized World Soil Database 2.0: the map and the table of its layers."""

    product: Literal["hwsd-2.0"]

    def source(self) -> Hwsd2:
        """The source that these settings describe."""
        return Hwsd2()


class GsdeInput(_Granules):
    """Global Soil Dataset for Earth System Modeling."""

    product: Literal["gsde"]

    def source(self) -> Gsde:
        """The source that these settings describe."""
        return Gsde()


class ChinaSoilInput(_Granules):
    """China dataset of soil properties of Beijing Normal University."""

    product: Literal["china-soil-bnu"]

    def source(self) -> ChinaSoil:
        """The source that these settings describe."""
        return ChinaSoil()


class SmosInput(_Granules):
    """SMOS L3 freeze/thaw."""

    product: Literal["smos-l3-ft"]

    def source(self) -> SmosL3Ft:
        """The source that these settings describe."""
        return SmosL3Ft()


class SmapInput(_Granules):
    """SMAP L3 freeze/thaw, 36 km."""

    product: Literal["smap-l3-ft-36km"]
    projection: Literal["global", "polar"] = SmapL3Ft.projection

    def source(self) -> SmapL3Ft:
        """The source that these settings describe."""
        return SmapL3Ft(self.projection)


class SmapEnhancedInput(_Granules):
    """SMAP L3 freeze/thaw, 9 km."""

    product: Literal["smap-l3-ft-9km"]
    projection: Literal["global", "polar"] = SmapL3FtE.projection

    def source(self) -> SmapL3FtE:
        """The source that these settings describe."""
        return SmapL3FtE(self.projection)


class EsaCciInput(_Granules):
    """ESA CCI soil moisture flag."""

    product: Literal["esa-cci-sm-flag"]
    sensors: MergedFrom = EsaCciFlag.sensors

    def source(self) -> EsaCciFlag:
        """The source that these settings describe."""
        return EsaCciFlag(self.sensors)


class FtEsdrInput(_Granules):
    """MEaSUREs freeze/thaw record of AMSR-E and AMSR2."""

    product: Literal["ft-esdr-25km"]

    def source(self) -> FtEsdr:
        """The source that these settings describe."""
        return FtEsdr()


class IsmnInput(_Granules):
    """An archive of the International Soil Moisture Network: soil temperature of stations."""

    product: Literal["ismn"]
    networks: tuple[str, ...] = IsmnArchive.networks

    def source(self) -> IsmnArchive:
        """The source that these settings describe."""
        return IsmnArchive(networks=self.networks)


Input = Annotated[
    Amsr2Input
    | Amsr2TenthInput
    | AmsrEInput
    | AmsrENsidcInput
    | AmsrECetbInput
    | Amsr2CetbInput
    | MwriInput
    | GldasInput
    | DemInput
    | SrtmInput
    | Gmted2010Input
    | CopernicusGlo90Input
    | SoilGridsInput
    | Hwsd2Input
    | GsdeInput
    | ChinaSoilInput
    | SmosInput
    | SmapInput
    | SmapEnhancedInput
    | EsaCciInput
    | FtEsdrInput
    | IsmnInput,
    Field(discriminator="product"),
]
