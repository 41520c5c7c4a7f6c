"""GLDAS Noah 0.25 degree, 3-hourly: a land-surface model that errs, most when frozen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from soilft.simulate.container import coordinate, label, put, replaced, text
from soilft.simulate.domain import CELL, Archive, Domain
from soilft.simulate.reanalysis import NAMES, fields
from soilft.simulate.world import World

SHAPE = (600, 1440)
SOUTH, WEST = -60.0, -180.0
FILL = np.float32(-9999.0)
EPOCH = datetime(2000, 1, 1, 3)  # noqa: DTZ001 - UTC, as the units of the product say
NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable.         2"


@dataclass(frozen=True)
class Variable:
    """Attributes of one variable, as in a granule."""

    units: str
    standard_name: str
    long_name: str


VARIABLES = {
    "SWdown_f_tavg": Variable(
        "W m-2",
        "surface_downwelling_shortwave_flux_in_air",
        "Downward short-wave radiation flux",
    ),
    "LWdown_f_tavg": Variable(
        "W m-2", "surface_downwelling_longwave_flux_in_air", "Downward long-wave radiation flux"
    ),
    "Rainf_f_tavg": Variable("kg m-2 s-1", "precipitation_flux", "Total precipitation rate"),
    "Tair_f_inst": Variable("K", "air_temperature", "Temperature"),
    "AvgSurfT_inst": Variable("K", "surface_temperature", "Average Surface Skin temperature"),
    "SoilTMP0_10cm_inst": Variable("K", "soil_temperature", "Soil temperature"),
    "SoilMoi0_10cm_inst": Variable("kg m-2", "soil_moisture_content", "Soil moisture"),
    "SoilMoi10_40cm_inst": Variable("kg m-2", "soil_moisture_content", "Soil moisture"),
    "SWE_inst": Variable("kg m-2", "surface_snow_amount", "Snow depth water equivalent"),
    "SnowDepth_inst": Variable("m", "surface_snow_thickness", "Snow depth"),
    "SoilTMP10_40cm_inst": Variable("K", "soil_temperature", "Soil temperature"),
    "Albedo_inst": Variable("%", "surface_albedo", "Albedo"),
    "Wind_f_inst": Variable("m s-1", "wind_speed", "Wind speed"),
    "Psurf_f_inst": Variable("Pa", "surface_air_pressure", "Pressure"),
    "Qair_f_inst": Variable("kg kg-1", "specific_humidity", "Specific humidity"),
    "Rainf_tavg": Variable("kg m-2 s-1", "rainfall_flux", "Rain precipitation rate"),
    "Snowf_tavg": Variable("kg m-2 s-1", "snowfall_flux", "Snow precipitation rate"),
    "Swnet_tavg": Variable(
        "W m-2", "surface_net_downward_shortwave_flux", "Net short wave radiation flux"
    ),
    "Lwnet_tavg": Variable(
        "W m-2", "surface_net_downward_longwave_flux", "Net long-wave radiation flux"
    ),
}
"""Those of a granule's 36 variables that are simulated."""


def name(stamp: datetime) -> str:
    """File name of a UTC time stamp."""
    return f"GLDAS_NOAH025_3H.A{stamp:%Y%m%d.%H%M}.021.nc4"


def stamps(archive: Archive, day: date, *, opening: bool = False) -> list[datetime]:
    """Time stamps of a day: 0300 to 2100 and 0000 of the next, whose means belong to the day.

    The first day has its own 0000 besides, as has one that opens a run of sampled days.
    """
    first = 0 if opening or day == archive.start else 1
    midnight = datetime.combine(day, datetime.min.time())
    return [midnight + timedelta(hours=3 * n) for n in range(first, 9)]


def place(domain: Domain) -> tuple[NDArray[Any], NDArray[Any]]:
    """Row from the SOUTH and column from 180 W of every cell, (lat, lon)."""
    lat, lon = domain.mesh
    rows = np.rint((lat - SOUTH) / CELL - 0.5).astype(int)
    return rows, np.rint((lon - WEST) / CELL - 0.5).astype(int) % SHAPE[1]


def _plain(dataset: h5py.Dataset, values: NDArray[Any]) -> None:
    """Set the number attributes every float32 variable of the product has."""
    for key, value in (("_FillValue", FILL), ("scale_factor", 1), ("add_offset", 0)):
        dataset.attrs[key] = np.array([value], dtype=np.float32)
    dataset.attrs["missing_value"] = np.array([FILL], dtype=np.float32)
    dataset.attrs["vmin"] = np.array([values.min()], dtype=np.float32)
    dataset.attrs["vmax"] = np.array([values.max()], dtype=np.float32)


def _axes(file: h5py.File, stamp: datetime) -> list[h5py.Dataset]:
    """Write time, lat, lon and bnds; give the scales of a variable in its order of axes."""
    minutes = (stamp - EPOCH) / timedelta(minutes=1)
    time = file.create_dataset(
        "time", data=np.array([minutes]), maxshape=(None,), chunks=(1,), track_times=False
    )
    time.make_scale("time")
    text(
        time,
        units=" minutes since 2000-01-01 03:00:00",
        long_name="time",
        time_increment="180",
        begin_date=f"{stamp:%Y%m%d}",
        begin_time=f"{stamp:%H%M%S}",
        bounds="time_bnds",
    )
    axes = [time]
    for axis, letter, first, long in (
        ("lat", "north", SOUTH, "latitude"),
        ("lon", "east", WEST, "longitude"),
    ):
        values = (first + (np.arange(SHAPE[len(axes) - 1]) + 0.5) * CELL).astype(np.float32)
        words = {"units": f"degrees_{letter}", "standard_name": long, "long_name": long}
        dataset = coordinate(file, axis, values, words)
        _plain(dataset, values)
        axes.append(dataset)
    pair = file.create_dataset("bnds", data=np.zeros(2, dtype=">f4"), track_times=False)
    pair.make_scale(NO_VARIABLE)
    bounds = file.create_dataset(
        "time_bnds",
        data=np.array([[minutes - 180.0, minutes]]),
        maxshape=(None, 2),
        chunks=(1, 2),
        track_times=False,
    )
    for number_, scale in enumerate((*axes, pair)):
        scale.attrs["_Netcdf4Dimid"] = np.int32(number_)
    bounds.attrs["_Netcdf4Dimid"] = np.int32(0)
    bounds.dims[0].attach_scale(time)
    bounds.dims[1].attach_scale(pair)
    return axes


def write(
    archive: Archive,
    day: date,
    world: World | None = None,
    *,
    names: Iterable[str] = NAMES,
    opening: bool = False,
) -> list[Path]:
    """Write the files of a UTC day.

    Parameters
    ----------
    archive : Archive
        Where, and what world.
    day : date
        UTC day.
    world : World, optional
        Of the archive's domain, knowing that day; ``World.of`` by default.
    names : iterable of str
        Variables to write; all that are simulated by default.
    opening : bool
        Whether the day before has no files.
    """
    domain, wanted = archive.domain, tuple(names)
    rows, cols = (part.ravel() for part in place(domain))
    world = world or World.of(domain)
    written = []
    for stamp in stamps(archive, day, opening=opening):
        path = archive.root / "gldas" / name(stamp)
        with replaced(path) as part, h5py.File(part, "w") as file:
            axes = _axes(file, stamp)
            made = fields(world, stamp.date(), stamp.hour, wanted)
            for variable, field in made.items():
                values = field.astype(np.float32).ravel()
                dataset = put(file, variable, SHAPE, (rows, cols), values, float(FILL), leading=1)
                for axis, scale in enumerate(axes):
                    dataset.dims[axis].attach_scale(scale)
                about = VARIABLES[variable]
                text(
                    dataset,
                    units=about.units,
                    standard_name=about.standard_name,
                    long_name=about.long_name,
                    cell_methods="time: mean" if variable.endswith("_tavg") else "time: point",
                )
                _plain(dataset, values)
                dataset.attrs["_Netcdf4Dimid"] = np.int32(0)
            file.attrs["missing_value"] = np.array([FILL], dtype=np.float32)
            definitions = {
                "tavg definision:": "past 3-hour average",
                "acc definision:": "past 3-hour accumulation",
                "inst definision:": "instantaneous",
            }
            text(
                file,
                **definitions,
                title="SIMULATED GLDAS2.1 LIS land surface model output",
                institution="none: simulated",
                source="soilft.simulate",
                history="none: simulated",
                references="none: simulated",
                comment="a synthetic Earth in the layout of GLDAS_NOAH025_3H version 2.1",
                conventions="CF-1.6",
                MAP_PROJECTION="EQUIDISTANT CYLINDRICAL",
            )
            for key, value in (
                ("SOUTH_WEST_CORNER_LAT", SOUTH + CELL / 2),
                ("SOUTH_WEST_CORNER_LON", WEST + CELL / 2),
                ("DX", CELL),
                ("DY", CELL),
            ):
                file.attrs[key] = np.array([value], dtype=np.float32)
            label(file, domain)
        written.append(path)
    return written
