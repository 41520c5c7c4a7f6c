"""Scan geometry of a conically scanning radiometer on one sun-synchronous pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from soilft.simulate.domain import Domain, Field
from soilft.simulate.overpass import crossing, spacing
from soilft.simulate.parameters import number

EARTH = 6371.0
"""Radius, km."""


@dataclass(frozen=True)
class Scanner:
    """What the scan of an instrument is made of.

    Attributes
    ----------
    sensor : str
        Section of the parameters, with its orbit and the width of its swath in km.
    altitude : float
        Of the orbit, km.
    incidence : float
        Angle between the view and the vertical at the ground, degrees.
    period : float
        Seconds from one scan to the next.
    """

    sensor: str
    altitude: float
    incidence: float
    period: float

    @property
    def ahead(self) -> float:
        """Arc from the point under the satellite to every pixel, radians.

        The nadir angle follows from the sine rule in the triangle of the Earth's centre, the
        satellite and the pixel.
        """
        incidence = np.deg2rad(self.incidence)
        nadir = np.arcsin(EARTH / (EARTH + self.altitude) * np.sin(incidence))
        return float(incidence - nadir)

    @property
    def widest(self) -> float:
        """Azimuth of the outermost pixel from straight ahead, radians."""
        half = number(f"{self.sensor}.swath") / 2 / EARTH
        return float(np.arcsin(np.sin(half) / np.sin(self.ahead)))


@dataclass(frozen=True, eq=False)
class Pass:
    """The scans of one half orbit.

    Attributes
    ----------
    hours : array
        Time of each scan, hours since the domain's first 00 UTC, (scan,).
    lat, lon : array
        Centre of each pixel, degrees, (scan, pixel); longitudes within -180..180.
    """

    hours: Field
    lat: Field
    lon: Field

    def cut(self, scans: slice) -> Pass:
        """Some scans of the pass."""
        return Pass(self.hours[scans], self.lat[scans], self.lon[scans])

    def rounded(self) -> Pass:
        """The pass to 2 ** -10 degree, about 0.1 km: exact in float32, and small.

        Odd multiples of half that: no pixel lies on the edge of a quarter-degree cell, where the
        cell it belongs to would be a matter of convention.
        """
        lat, lon = ((np.floor(part * 1024) + 0.5) / 1024 for part in (self.lat, self.lon))
        return Pass(self.hours, lat, lon)


def _ground(
    lat: Field, lon: Field, heading: Field, azimuth: Field, arc: float
) -> tuple[Field, Field]:
    """Points at an arc from others, degrees: lat, lon, heading (scan, 1) and azimuth (pixel,)."""
    north, way = np.deg2rad(lat), np.deg2rad(heading) + azimuth
    high = np.sin(north) * np.cos(arc) + np.cos(north) * np.sin(arc) * np.cos(way)
    east = np.arctan2(np.sin(way) * np.sin(arc) * np.cos(north), np.cos(arc) - np.sin(north) * high)
    out = np.rad2deg(np.arcsin(high)), lon + np.rad2deg(east)
    return out[0], np.mod(out[1] + 180.0, 360.0) - 180.0


@dataclass(frozen=True, eq=False)
class Track:
    """The path under the satellite on one half orbit, in order of time.

    Attributes
    ----------
    hours : array
        Time of each scan, hours since the domain's first 00 UTC, (scan,).
    lat, lon : array
        Point under the satellite, degrees, (scan,).
    heading : array
        Of the path over the turning Earth, degrees east of north, (scan,).
    """

    hours: Field
    lat: Field
    lon: Field
    heading: Field

    def cut(self, scans: slice) -> Track:
        """Some scans of the track."""
        return Track(self.hours[scans], self.lat[scans], self.lon[scans], self.heading[scans])

    def look(self, scanner: Scanner, pixels: int) -> Pass:
        """Where each scan looks, from the left of the flight to the right."""
        azimuth = np.linspace(-scanner.widest, scanner.widest, pixels)
        lat, lon, heading = self.lat[:, None], self.lon[:, None], self.heading[:, None]
        return Pass(self.hours, *_ground(lat, lon, heading, azimuth, scanner.ahead))


def half_orbit(scanner: Scanner, domain: Domain, node: str, equator: float) -> Track:
    """Path of a half orbit, from pole to pole.

    The local solar time is that of the parameters where the satellite passes the domain's middle
    latitude; along the orbit it changes, as in truth.

    Parameters
    ----------
    scanner : Scanner
        The instrument.
    domain : Domain
        Cells.
    node : {"ascending", "descending"}
        Direction of flight.
    equator : float
        Longitude of the crossing of the equator, degrees, counted on westward from orbit to
        orbit: 360 degrees less is a day later.
    """
    sensor = scanner.sensor
    sign = 1.0 if node == "ascending" else -1.0
    around = 24.0 * spacing(sensor) / 360.0
    step = 2 * np.pi * scanner.period / (3600.0 * around)
    tilt = np.deg2rad(number(f"{sensor}.inclination"))
    reach = np.floor(np.pi / 2 / step)
    along = sign * np.arange(-reach, reach + 1) * step
    middle = np.deg2rad((domain.bounds[1] + domain.bounds[3]) / 2)
    centre = np.arcsin(np.clip(np.sin(middle) / np.sin(tilt), -1.0, 1.0))

    def east(u: Field) -> Field:
        over = np.rad2deg(np.arctan2(np.cos(tilt) * np.sin(u), np.cos(u)))
        return np.asarray(equator + sign * (over - spacing(sensor) * u / (2 * np.pi)))

    lat = np.rad2deg(np.arcsin(np.sin(tilt) * np.sin(along)))
    lon = east(along)
    noon = number(f"{sensor}.{node}") - float(east(centre)) / 15.0
    hours = noon + sign * (along - centre) * around / (2 * np.pi)
    heading = np.arctan2(np.gradient(lon) * np.cos(np.deg2rad(lat)), np.gradient(lat))
    return Track(hours, lat, lon, np.rad2deg(heading))


def crossings(sensor: str, domain: Domain, node: str, day: date) -> NDArray[np.float64]:
    """Longitudes of the crossings of the equator on the days around one, in order of time.

    As :func:`half_orbit` counts them: 0 on the domain's first day, 360 less a day later.
    """
    apart = spacing(sensor)
    midnight = 15.0 * number(f"{sensor}.{node}")
    # a day's crossings are given for longitudes as they are; the domain lies so many turns west
    # of there, counted from the longitude passed at 00 UTC
    turns = np.ceil((sum(domain.bounds[::2]) / 2 - midnight) / 360.0)
    first = crossing(sensor, node, domain.start) - 360.0 * turns
    late = midnight - 360.0 * domain.number(day)
    least, most = late - 540.0, late + 180.0
    numbers = np.arange(np.ceil((least - first) / apart), np.floor((most - first) / apart) + 1)
    return np.asarray((first + apart * numbers)[::-1])


def passes(
    scanner: Scanner, domain: Domain, node: str, day: date, pixels: int, around: int
) -> list[Pass]:
    """The passes over the domain that begin on a UTC day, cut to the domain.

    Parameters
    ----------
    scanner : Scanner
        The instrument.
    domain : Domain
        Cells.
    node : {"ascending", "descending"}
        Direction of flight.
    day : date
        UTC day of the first scan kept.
    pixels : int
        Of each scan.
    around : int
        Scans kept before the first and after the last that sees a cell of the domain.
    """
    found = []
    start = domain.hours(day)
    for equator in crossings(scanner.sensor, domain, node, day):
        track = _near(scanner, domain, half_orbit(scanner, domain, node, float(equator)))
        # What is looked at costs most: not what begins on another day whatever is kept of it.
        if not track.hours.size or track.hours[-1] < start or track.hours[0] >= start + 24.0:
            continue
        whole = track.look(scanner, pixels).rounded()
        over = np.flatnonzero(domain.cell(whole.lat, whole.lon)[2].any(axis=1))
        if not over.size:
            continue
        kept = whole.cut(slice(max(int(over[0]) - around, 0), int(over[-1]) + around + 1))
        if start <= kept.hours[0] < start + 24.0:
            found.append(kept)
    return found


def _near(scanner: Scanner, domain: Domain, track: Track) -> Track:
    """The scans whose pixels may lie in the domain, and those between and 25 around."""
    reach = np.rad2deg(scanner.ahead) + 2.0
    south, north = domain.lat[[0, -1]]
    middle, half = domain.lon[[0, -1]].mean(), np.ptp(domain.lon[[0, -1]]) / 2
    away = np.abs(np.mod(track.lon - middle + 180.0, 360.0) - 180.0) - half
    wide = reach / np.cos(np.deg2rad(np.minimum(np.abs(track.lat) + reach, 85.0)))
    near = (track.lat > south - reach) & (track.lat < north + reach) & (away < wide)
    (scans,) = np.nonzero(near)
    if not scans.size:
        return track.cut(slice(0, 0))
    return track.cut(slice(max(int(scans[0]) - 25, 0), int(scans[-1]) + 26))
