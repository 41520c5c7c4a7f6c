"""The files of an archive: the static ones, and those of one day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from soilft.simulate import native_amsr2, native_dem, native_gldas, native_smos, truth
from soilft.simulate.domain import Archive


def write_static(archive: Archive) -> list[Path]:
    """Write what does not change, the elevation model; give its paths."""
    return native_dem.write(archive)


def write_day(archive: Archive, day: date) -> list[Path]:
    """Write every file of one UTC day below ``archive.root``.

    Depends on nothing but its arguments: in any process and any order of days, the bytes are the
    same.

    Parameters
    ----------
    archive : Archive
        What to simulate.
    day : date
        A day of the archive.

    Returns
    -------
    list of Path
        Ten files of AMSR2, eight of GLDAS (one more on the first day), one of SMOS, one of truth.

    Raises
    ------
    ValueError
        If the day lies outside the archive.
    """
    if not archive.start <= day <= archive.end:
        raise ValueError(f"{day} is not in the archive, {archive.start} to {archive.end}")
    return [
        *native_amsr2.write(archive, day),
        *native_gldas.write(archive, day),
        *native_smos.write(archive, day),
        *truth.write(archive, day),
    ]
