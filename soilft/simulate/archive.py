"""Files of a simulated archive: the static ones, those of one day, those of the stations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path

from soilft.simulate import (
    native_amsr2,
    native_amsre,
    native_dem,
    native_gldas,
    native_ismn,
    native_mwri,
    native_nsidc0302,
    native_smap,
    native_smos,
    native_soilgrids,
    truth,
)
from soilft.simulate.domain import Archive
from soilft.simulate.eras import operating
from soilft.simulate.history import world as known
from soilft.simulate.reanalysis import NAMES
from soilft.simulate.world import World

SENSORS: dict[str, Callable[[Archive, date, World], list[Path]]] = {
    "amsr-e": native_amsre.write,
    "mwri": native_mwri.write,
    "amsr2": native_amsr2.write,
    "smos": native_smos.write,
    "smap": native_smap.write,
}
"""Writer of the daily files of each sensor."""


PATTERNS: Mapping[str, str] = {
    "dem": "dem/*.tif",
    "soilgrids-2.0": "soilgrids/*.tif",
    "ismn": "ismn",
}
"""Where an archive has the files of each product without days, below its ``root``."""


def write_static(archive: Archive) -> list[Path]:
    """Write what does not change, the elevation model and the soil; give the paths."""
    return [*native_dem.write(archive), *native_soilgrids.write(archive)]


def write_stations(archive: Archive, days: Iterable[date] | None = None) -> list[Path]:
    """Write the hourly soil temperature of the stations; give the paths.

    Parameters
    ----------
    archive : Archive
        What to simulate.
    days : iterable of date, optional
        UTC days with values; the whole period by default.
    """
    return native_ismn.write(archive, days)


def write_day(
    archive: Archive,
    day: date,
    *,
    nsidc: bool = False,
    gldas: Iterable[str] = NAMES,
    opening: bool = False,
) -> list[Path]:
    """Write every file of one UTC day below ``archive.root``.

    Depends on nothing but its arguments: in any process and any order of days, the bytes are the
    same. An instrument has files only on the days it worked. For some days of a long period, call
    :func:`~soilft.simulate.history.prepare` first: else each process integrates all of it.

    Parameters
    ----------
    archive : Archive
        What to simulate.
    day : date
        A day of the archive.
    nsidc : bool
        Whether to write AMSR-E as NSIDC-0302, too, beside JAXA's product.
    gldas : iterable of str
        Variables of GLDAS; all that are simulated by default.
    opening : bool
        Whether the day before has no files: GLDAS of 00 UTC belongs to both.

    Returns
    -------
    list of Path
        Twelve files of AMSR-E, and of AMSR2, a few granules of MWRI, one of SMOS and of SMAP, as
        each instrument worked; eight of GLDAS (one more on the first day), one of truth.

    Raises
    ------
    ValueError
        If the day lies outside the archive.
    """
    if not archive.start <= day <= archive.end:
        raise ValueError(f"{day} is not in the archive, {archive.start} to {archive.end}")
    world = known(archive, day)
    written = native_gldas.write(archive, day, world, names=gldas, opening=opening)
    written += truth.write(archive, day, world)
    for sensor, write in SENSORS.items():
        if operating(sensor, day):
            written += write(archive, day, world)
    if nsidc and operating("amsr-e", day):
        written += native_nsidc0302.write(archive, day, world)
    return written
