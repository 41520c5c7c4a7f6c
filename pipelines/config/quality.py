"""Section ``quality`` of a region file: thresholds of the surface flags."""

from __future__ import annotations

from functools import cached_property

from pydantic import Field

from pipelines.config.sections import Section
from soilft.cube.surface import Lakes, Surface


class QualitySection(Section):
    """Snow water in kg m-2, spread of the elevation in m, and share of open water to flag from.

    ``lakes`` is a GeoJSON file of polygons in degrees, such as those of HydroLAKES; without one, no
    open water is known.
    """

    snow_water: float = Field(10.0, gt=0)
    elevation_std: float = Field(300.0, gt=0)
    water_share: float = Field(0.05, gt=0, le=1)
    lakes: str | None = None

    @cached_property
    def surface(self) -> Surface:
        """The section as a value of the science; reads the file of lakes."""
        lakes = None if self.lakes is None else Lakes.of(self.lakes)
        return Surface(self.snow_water, self.elevation_std, self.water_share, lakes)
