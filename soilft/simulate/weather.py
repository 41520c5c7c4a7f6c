"""Weather: seasonal cycle, lapse rate, diurnal cycle in local solar time, a slow warming."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

from soilft.simulate.domain import Domain, Field
from soilft.simulate.noise import daily, lasting
from soilft.simulate.parameters import number
from soilft.simulate.terrain import cell_elevation

YEAR = 365.25


def day_of_year(domain: Domain, hours: Field) -> Field:
    """Fractional day of year, counted on through the turn of the year."""
    return domain.start.timetuple().tm_yday + np.asarray(hours) / 24.0


def season(domain: Domain, hours: Field, peak: float) -> Field:
    """Cosine of the season: 1 on the day of year ``peak``, -1 half a year away."""
    return np.asarray(np.cos(2 * np.pi * (day_of_year(domain, hours) - peak) / YEAR))


def local_hour(domain: Domain, hours: Field) -> Field:
    """Local solar hour = UTC + longitude / 15, hours, (lat, lon) or, of one time, (1, lon)."""
    lon = domain.mesh[1] if np.ndim(hours) else domain.lon[None, :]
    return np.asarray(np.mod(hours + lon / 15.0, 24.0))


def _sun_terms(domain: Domain, hours: Field) -> tuple[Field, Field]:
    lat = np.deg2rad(domain.mesh[0] if np.ndim(hours) else domain.lat[:, None])
    turn = 2 * np.pi * (284 + day_of_year(domain, hours)) / 365
    tilt = np.deg2rad(23.45) * np.sin(turn)
    return np.sin(lat) * np.sin(tilt), np.cos(lat) * np.cos(tilt)


def sun(domain: Domain, hours: Field) -> Field:
    """Sine of the sun's height, not below 0, (lat, lon).

    Declination after Cooper (1969): 23.45 degrees x sin(2 pi (284 + n) / 365).
    """
    noon, swing = _sun_terms(domain, hours)
    angle = np.deg2rad(15.0 * (local_hour(domain, hours) - 12.0))
    height: Field = np.maximum(noon + swing * np.cos(angle), 0.0)
    return height


def between(get: Callable[[int], Field], first: float, step: float, hours: Field) -> Field:
    """Linear interpolation in time, cell by cell.

    Parameters
    ----------
    get : callable
        Field number n, (lat, lon), of the time ``first + n * step``.
    first, step : float
        Hours since the domain's first 00 UTC, and hours.
    hours : array
        One time, or one for each cell.
    """
    place = (np.asarray(hours) - first) / step
    low = np.floor(place).astype(int)
    share = (place - low).astype(np.float32)
    if not place.ndim:
        return np.asarray(get(int(low)) * (1 - share) + get(int(low) + 1) * share)
    start = int(low.min())
    series = np.stack([get(n) for n in range(start, int(low.max()) + 2)])
    row, col = np.ogrid[: low.shape[0], : low.shape[1]]
    low = low - start
    out: Field = series[low, row, col] * (1 - share) + series[low + 1, row, col] * share
    return out


@dataclass(frozen=True, eq=False)
class Weather:
    """The air over a domain; every day can be had without the days before it.

    Attributes
    ----------
    domain : Domain
        Cells and days.
    normal : array
        Annual mean air temperature, K, (lat, lon).
    """

    domain: Domain
    normal: Field

    def anomaly(self, day: int) -> Field:
        """Anomaly of the air temperature at 12 UTC of a day number, K, (lat, lon)."""
        return _anomaly(self.domain, day)

    def cloud(self, day: int) -> Field:
        """Cloud cover of a day number, 0 to 1, (lat, lon)."""
        return _sky(self.domain, day)[0]

    def wet(self, hours: float) -> Field:
        """Precipitation of the UTC day that holds ``hours``, kg m-2, (lat, lon)."""
        return _sky(self.domain, int(np.floor(hours / 24)))[1]

    def cover(self, hours: Field) -> Field:
        """Cloud cover, 0 to 1, (lat, lon)."""
        return between(self.cloud, 12.0, 24.0, hours)

    def daily_mean(self, hours: Field) -> Field:
        """Air temperature without its diurnal cycle, K, (lat, lon)."""
        swing = number("climate.amplitude_at_35n") + number("climate.amplitude_gradient") * (
            self.domain.lat[:, None] - 35.0
        )
        mean = self.normal + swing * season(self.domain, hours, number("climate.warmest_day"))
        # 2015 is the year that has the normal temperature
        years = self.domain.start.year - 2015 + day_of_year(self.domain, hours) / YEAR
        return np.asarray(
            mean + number("climate.warming") * years + between(self.anomaly, 12.0, 24.0, hours)
        )

    def diurnal(self, hours: Field) -> Field:
        """Difference from the daily mean by the hour of day, K, (lat, lon)."""
        noon, swing = _sun_terms(self.domain, hours)
        half = number("climate.diurnal_sun") * np.maximum(noon + swing, 0.0)
        half = half * (1 - number("climate.diurnal_cloud") * self.cover(hours))
        late = local_hour(self.domain, hours) - number("climate.diurnal_peak")
        return np.asarray(
            (half + number("climate.diurnal_least")) * np.cos(2 * np.pi * late / 24.0)
        )

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
        dim = number("weather.cloud_loss") * self.cover(np.asarray(hours))
        return np.asarray(clear * (1 - dim))

    def sky(self, hours: float) -> Field:
        """Downward long-wave radiation, W m-2, (lat, lon): Swinbank (1963), more under cloud."""
        air = self.air(np.asarray(hours))
        glow = 1 + number("weather.cloud_glow") * self.cover(np.asarray(hours))
        return np.asarray(5.31e-13 * air**6 * glow)

    def vapour(self, hours: Field) -> Field:
        """Precipitable water, kg m-2, (lat, lon): more when warm and when cloudy.

        Follows the saturation pressure of Tetens (1930) at the air temperature, scaled.
        """
        celsius = np.clip(self.daily_mean(hours) - 273.15, -50.0, 40.0)
        press = 6.1078 * 10 ** (7.5 * celsius / (celsius + 237.3))
        moist = number("weather.dry_share") + (1 - number("weather.dry_share")) * self.cover(hours)
        return np.asarray(number("weather.vapour") * press * moist)


@lru_cache(maxsize=256)
def _anomaly(domain: Domain, day: int) -> Field:
    scale = number("weather.scale")
    fast = daily(domain, scale, number("weather.memory"), day, "air")
    slow = daily(domain, 2 * scale, number("weather.slow_memory"), day, "slow air")
    return np.asarray(number("weather.sd") * fast + number("weather.slow_sd") * slow)


@lru_cache(maxsize=256)
def _sky(domain: Domain, day: int) -> tuple[Field, Field]:
    """Cloud cover, 0 to 1, and precipitation, kg m-2, of a day number."""
    noise = daily(domain, number("weather.wet_scale"), number("weather.wet_memory"), day, "wet")
    excess = np.maximum(noise - np.float32(ndtri(1 - number("weather.wet_share"))), 0.0)
    lat = domain.lat[:, None]
    rate = number("weather.wet_at_35n") + number("weather.wet_gradient") * (lat - 35.0)
    turn = season(domain, np.asarray(24.0 * day + 12), number("weather.wettest_day"))
    rate = np.maximum(rate, 0.1) * (1 + number("weather.wet_season") * turn)
    return ndtr(noise).astype(np.float32), (rate * excess).astype(np.float32)


@lru_cache(maxsize=2)
def weather(domain: Domain) -> Weather:
    """The air of a domain."""
    local = lasting(domain, number("climate.local_scale"), "local")
    normal = (
        number("climate.mean_at_35n")
        + number("climate.mean_gradient") * (domain.mesh[0] - 35.0)
        - number("climate.lapse_rate") * cell_elevation(domain)
        + number("climate.local_sd") * local
    )
    return Weather(domain, normal.astype(np.float32))
