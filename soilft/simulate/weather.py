"""Air: seasonal cycle, lapse rate, diurnal cycle in local solar time, and weather."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from soilft.simulate.domain import Domain, Field
from soilft.simulate.noise import daily, smooth
from soilft.simulate.parameters import number
from soilft.simulate.terrain import cell_elevation

SPIN_UP = 60
"""Days simulated before the first day."""


def day_numbers(domain: Domain) -> range:
    """Days held in memory, from the first day of the domain: spin-up before, two days after."""
    return range(-SPIN_UP, (domain.end - domain.start).days + 3)


def day_of_year(domain: Domain, hours: Field) -> Field:
    """Fractional day of year, counted on through the turn of the year."""
    return domain.start.timetuple().tm_yday + np.asarray(hours) / 24.0


def local_hour(domain: Domain, hours: Field) -> Field:
    """Local solar hour = UTC + longitude / 15, hours, (lat, lon)."""
    return np.asarray(np.mod(hours + domain.mesh[1] / 15.0, 24.0))


def sun(domain: Domain, hours: Field) -> Field:
    """Sine of the sun's height, not below 0, (lat, lon).

    Declination after Cooper (1969): 23.45 degrees x sin(2 pi (284 + n) / 365).
    """
    noon, swing = _sun_terms(domain, hours)
    angle = np.deg2rad(15.0 * (local_hour(domain, hours) - 12.0))
    height: Field = np.maximum(noon + swing * np.cos(angle), 0.0)
    return height


def _sun_terms(domain: Domain, hours: Field) -> tuple[Field, Field]:
    lat = np.deg2rad(domain.mesh[0])
    turn = 2 * np.pi * (284 + day_of_year(domain, hours)) / 365
    tilt = np.deg2rad(23.45) * np.sin(turn)
    return np.sin(lat) * np.sin(tilt), np.cos(lat) * np.cos(tilt)


def between(series: Field, first: float, step: float, hours: Field) -> Field:
    """Linear interpolation in time, cell by cell.

    Parameters
    ----------
    series : array
        (time, lat, lon), at ``first + n * step`` hours.
    first, step : float
        Hours since the domain's first 00 UTC, and hours.
    hours : array
        One time, or one for each cell.
    """
    place = np.broadcast_to((np.asarray(hours) - first) / step, series.shape[1:])
    low = np.clip(np.floor(place).astype(int), 0, len(series) - 2)
    share = np.clip(place - low, 0.0, 1.0)
    row, col = np.ogrid[: series.shape[1], : series.shape[2]]
    out: Field = series[low, row, col] * (1 - share) + series[low + 1, row, col] * share
    return out


@dataclass(frozen=True, eq=False)
class Weather:
    """The air over a domain.

    Attributes
    ----------
    domain : Domain
        Cells and days.
    anomaly : array
        Departure of the air temperature at 12 UTC of each day, K, (day, lat, lon).
    wet : array
        Precipitation of each UTC day, kg m-2, (day, lat, lon).
    normal : array
        Annual mean air temperature, K, (lat, lon).
    """

    domain: Domain
    anomaly: Field
    wet: Field
    normal: Field

    def day_index(self, hours: float) -> int:
        """Place in ``wet`` of the UTC day that holds ``hours``."""
        return int(np.clip(hours // 24 + SPIN_UP, 0, len(self.wet) - 1))

    def daily_mean(self, hours: Field) -> Field:
        """Air temperature without its diurnal cycle, K, (lat, lon)."""
        north = self.domain.mesh[0] - 35.0
        swing = number("climate.amplitude_at_35n") + number("climate.amplitude_gradient") * north
        turn = day_of_year(self.domain, hours) - number("climate.warmest_day")
        season = swing * np.cos(2 * np.pi * turn / 365.25)
        anomaly = between(self.anomaly, 12 - 24 * SPIN_UP, 24.0, hours)
        return np.asarray(self.normal + season + anomaly)

    def diurnal(self, hours: Field) -> Field:
        """Departure from the daily mean by the hour of day, K, (lat, lon)."""
        noon, swing = _sun_terms(self.domain, hours)
        half = number("climate.diurnal_sun") * np.maximum(noon + swing, 0.0)
        half = half + number("climate.diurnal_least")
        late = local_hour(self.domain, hours) - number("climate.diurnal_peak")
        return np.asarray(half * np.cos(2 * np.pi * late / 24.0))

    def air(self, hours: Field) -> Field:
        """Air temperature at 2 m, K, (lat, lon)."""
        return self.daily_mean(hours) + self.diurnal(hours)

    def skin(self, hours: Field) -> Field:
        """Temperature of the snow-free or snow surface, K, (lat, lon)."""
        swing = number("soil.skin_gain") * self.diurnal(hours)
        return self.daily_mean(hours) + number("soil.skin_offset") + swing

    def sunlight(self, hours: float) -> Field:
        """Downward short-wave radiation, W m-2, (lat, lon): clear sky after Haurwitz (1945)."""
        height = sun(self.domain, np.asarray(hours))
        clear = 1098.0 * height * np.exp(-0.057 / np.maximum(height, 0.02))
        wet = self.wet[self.day_index(hours)] > 0
        return clear * np.where(wet, 1 - number("weather.cloud_loss"), 1.0)

    def sky(self, hours: float) -> Field:
        """Downward long-wave radiation, W m-2, (lat, lon): Swinbank (1963), more when wet."""
        air = self.air(np.asarray(hours))
        wet = self.wet[self.day_index(hours)] > 0
        return 5.31e-13 * air**6 * np.where(wet, number("weather.cloud_glow"), 1.0)


@lru_cache(maxsize=2)
def weather(domain: Domain) -> Weather:
    """The air of a domain; kept, for it is the same for every day."""
    days = day_numbers(domain)
    lat, lon = domain.mesh
    anomaly = daily(domain, number("weather.scale"), number("weather.memory"), days, "air")
    wetness = daily(domain, number("weather.wet_scale"), number("weather.wet_memory"), days, "wet")
    excess = np.maximum(wetness - float(ndtri(1 - number("weather.wet_share"))), 0.0)
    rate = number("weather.wet_at_35n") + number("weather.wet_gradient") * (lat - 35.0)
    local = smooth(domain, number("climate.local_scale"), lat, lon, "local")
    normal = (
        number("climate.mean_at_35n")
        + number("climate.mean_gradient") * (lat - 35.0)
        - number("climate.lapse_rate") * cell_elevation(domain)
        + number("climate.local_sd") * local
    )
    return Weather(
        domain,
        (number("weather.sd") * anomaly).astype(np.float32),
        (np.maximum(rate, 0.1) * excess).astype(np.float32),
        normal,
    )
