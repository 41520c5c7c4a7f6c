"""Readers and writers, made apart from each other, mean the same by a file.

Either reading of what the formats leave open is read, what fits neither is refused by name, and a
simulated day comes back as the world that was written.
"""

import contextlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soilft import schema
from soilft.channels import CODES
from soilft.errors import InputError
from soilft.grid import Grid
from soilft.simulate import (
    Archive,
    radiometer,
    reanalysis,
    retrieval,
    write_day,
    write_static,
)
from soilft.simulate.domain import CELL
from soilft.simulate.eras import operating
from soilft.simulate.native_soilgrids import VARIABLES
from soilft.simulate.terrain import cell_elevation
from soilft.simulate.world import World
from soilft.sources import PRODUCTS
from tests.contract.fixtures import Writer
from tests.contract.unknowns import UNKNOWNS, Unknown

BOUNDS = (90.0, 32.0, 94.0, 35.0)
START = {"2011": date(2011, 8, 10), "2012": date(2012, 2, 10), "2015": date(2015, 10, 28)}
"""First of three days in each era: AMSR-E and MWRI, MWRI alone, AMSR2 and SMAP."""
BANDS = {"06": "6.9", "10": "10.65", "18": "18.7", "23": "23.8", "36": "36.5", "89": "89.0"}
TB = {
    "amsre-l3-25km": ("amsre", "amsr-e", 0.01),
    "amsre-nsidc-0302-25km": ("nsidc0302", "amsr-e", 0.1),
    "amsr2-l3-25km": ("amsr2", "amsr2", 0.01),
    "fy3-mwri-l1": ("mwri", "mwri", 0.01),
}
"""Folder, sensor and K of a count of each product."""
LABELS = {"smos-l3-ft": ("smos", "smos", 0.8), "smap-l3-ft-36km": ("smap", "smap", 0.85)}
"""Folder, sensor and least share of equal labels of each product."""


def source(product: str, **options: Any) -> Any:
    """Give the reader of a product."""
    return PRODUCTS[product](**options)  # type: ignore[operator]


def grid() -> Grid:
    """Give the quarter-degree cells of ``BOUNDS``."""
    west, south, east, north = BOUNDS
    shape = (round((north - south) / CELL), round((east - west) / CELL))
    return Grid("EPSG:4326", west, north, CELL, CELL, shape)


def in_grid(field: np.ndarray[Any, Any], domain: Any) -> np.ndarray[Any, Any]:
    """Cut a field of the world, row 0 south, to the grid, row 0 north."""
    rows = np.searchsorted(domain.lat, grid().y - 1e-6)
    cols = np.searchsorted(domain.lon, grid().x - 1e-6)
    return field[np.ix_(rows, cols)]


@contextlib.contextmanager
def reading(product: str, path: Path, **options: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Give the reader, the granule and the open dataset of a file."""
    reader = source(product, **options)
    granule = reader.granule(str(path))
    assert granule is not None, f"{path.name} is no granule of {product}"
    dataset = reader.read(path)
    try:
        yield reader, granule, dataset
    finally:
        dataset.close()


@pytest.mark.parametrize("unknown", UNKNOWNS, ids=lambda unknown: unknown.name)
@pytest.mark.parametrize("which", ["one", "other"])
def test_either_reading_is_read(unknown: Unknown, which: str, tmp_path: Path) -> None:
    write: Writer = getattr(unknown, which)
    with reading(unknown.product, write(tmp_path), **unknown.options) as (_, _, dataset):
        assert len(dataset.data_vars) > 0
        dataset.load()


@pytest.mark.parametrize("unknown", UNKNOWNS, ids=lambda unknown: unknown.name)
def test_what_fits_neither_reading_is_refused_by_name(unknown: Unknown, tmp_path: Path) -> None:
    path = unknown.neither(tmp_path)
    reader = source(unknown.product, **unknown.options)
    assert reader.granule(str(path)) is not None
    with pytest.raises(InputError, match=path.name.split(".")[0]):
        reader.read(path).load()


@pytest.fixture(scope="module")
def eras(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Archive]:
    """Give three written days of each era."""
    made = {}
    for era, start in START.items():
        made[era] = Archive(
            tmp_path_factory.mktemp(f"era{era}"), BOUNDS, start, start + timedelta(days=2), seed=4
        )
        for day in made[era].days():
            write_day(made[era], day, nsidc=True)
    return made


def placed(product: str, folder: Path, day: date) -> dict[str, np.ndarray[Any, Any]]:
    """Give one day of a product on the grid, by variable."""
    reader = source(product)
    parts = []
    for path in sorted(folder.iterdir()):
        granule = reader.granule(str(path))
        if granule is None or day not in granule.days:
            continue
        with reading(product, path) as (_, _, dataset):
            parts.append((granule, reader.place(dataset, granule, day, grid())))
    assert parts, f"no granule of {product} for {day}"
    values: dict[str, np.ndarray[Any, Any]] = reader.combine(parts, day, grid())
    return values


def axes(reader: Any) -> tuple[list[str], list[str]]:
    """Give the channels and the passes on a reader's axes."""
    names = {code: name for name, code in CODES.items()}
    channels = [c for c in reader.coordinates if c.name == "channel"]
    return [names[int(code)] for code in channels[0].values] if channels else [], reader.overpasses


@pytest.mark.parametrize("era", START)
@pytest.mark.parametrize("product", TB)
def test_brightness_temperature_comes_back_where_it_was(
    era: str, product: str, eras: dict[str, Archive]
) -> None:
    folder, sensor, step = TB[product]
    archive = eras[era]
    if not operating(sensor, archive.start):
        assert not (archive.root / folder).exists()
        return
    domain = archive.domain
    world = World.of(domain)
    channels, overpasses = axes(source(product))
    compared = 0
    for day in archive.days():
        read = placed(product, archive.root / folder, day)
        assert read["tb"].shape == (len(overpasses), len(channels), *grid().shape)
        for tb, hour, overpass in zip(
            read["tb"], read["observation_time"], overpasses, strict=True
        ):
            # all fly up by day and down by night
            node = "descending" if overpass == "AM" else "ascending"
            seen = radiometer.observe(world, sensor, node, day)
            known = np.isfinite(tb).any(axis=0)
            off = np.abs(hour - in_grid(seen.hours - domain.hours(day), domain))[known]
            assert np.max(off, initial=0.0) < 1.0, (day, overpass)
            for (band, letter), field in seen.tb.items():
                channel = f"{BANDS[band]}{letter}"
                if channel not in channels:
                    continue
                found = tb[channels.index(channel)]
                there = np.isfinite(found)
                compared += int(there.sum())
                off = np.abs(found - in_grid(field, domain))[there]
                assert np.max(off, initial=0.0) <= step / 2 + 0.001, (day, overpass, channel)
    assert compared > 1000


@pytest.mark.parametrize("product", LABELS)
def test_labels_come_back_where_they_were(product: str, eras: dict[str, Archive]) -> None:
    folder, sensor, least = LABELS[product]
    archive = eras["2015"]
    domain = archive.domain
    compared = 0
    for day in archive.days():
        read = placed(product, archive.root / folder, day)
        for place, overpass in enumerate(source(product).overpasses):
            morning = overpass == "AM"
            # SMOS ascends in the morning, SMAP in the evening
            node = "ascending" if morning == (sensor == "smos") else "descending"
            made = retrieval.label(World.of(domain), sensor, node, day)
            truth, state = in_grid(made.state, domain), read["freeze_thaw"][place]
            there = np.isin(state, [schema.THAWED, schema.FROZEN]) & (truth < 2)
            compared += int(there.sum())
            if there.any():
                equal = (state == schema.FROZEN)[there] == (truth == 1)[there]
                assert equal.mean() > least, (day, overpass)
            truth_hour = in_grid(made.hours - domain.hours(day), domain)
            off = np.abs(read["observation_time"][place] - truth_hour)[there]
            assert np.max(off, initial=0.0) < 0.5, (day, overpass)
    assert compared > 200


def test_soil_comes_back_in_its_units(eras: dict[str, Archive]) -> None:
    from soilft.simulate import texture

    archive = eras["2015"]
    write_static(archive)
    reader = source("soilgrids-2.0")
    part = (np.arange(10) + 0.5) * CELL / 10
    lat = (grid().y[:, None] - CELL / 2 + part).ravel()
    lon = (grid().x[:, None] - CELL / 2 + part).ravel()
    shape = (grid().shape[0], 10, grid().shape[1], 10)
    fine = texture.soil(archive.domain, *np.meshgrid(lat, lon, indexing="ij"))
    with contextlib.ExitStack() as stack:
        tiles = []
        for variable in VARIABLES:
            for path in sorted((archive.root / "soilgrids").glob(f"{variable.name}_*.tif")):
                _, granule, dataset = stack.enter_context(reading("soilgrids-2.0", path))
                tiles.append((granule, dataset))
        found = reader.place(tiles, grid())
    assert set(found) == {variable.field for variable in VARIABLES}
    for variable in VARIABLES:
        truth = fine[variable.field].reshape(shape).mean(axis=(1, 3))
        values = found[variable.field]
        known = np.isfinite(values)
        assert known.mean() > 0.9
        assert np.corrcoef(values[known], truth[known])[0, 1] > 0.98, variable.name
        # a mean over both depths, however weighted
        low, high = sorted((variable.deeper, 1.0))
        ratio = values[known].mean() / truth[known].mean()
        assert low - 0.01 < ratio < high + 0.01, variable.name


@pytest.mark.parametrize("era", START)
def test_reanalysis_comes_back_where_and_when_it_was(era: str, eras: dict[str, Archive]) -> None:
    archive = eras[era]
    day = archive.start + timedelta(days=1)
    read = placed("gldas-noah-025-3h", archive.root / "gldas", day)
    world = World.of(archive.domain)
    hours = [reanalysis.fields(world, day, hour) for hour in range(0, 25, 3)]
    found = np.squeeze(read["Tair_f_inst_mean"])
    # instantaneous values: whichever of the day's two midnights a mean takes, or both
    stamps = [in_grid(made["Tair_f_inst"], archive.domain) for made in hours]
    means = [np.mean(part, axis=0) for part in (stamps[:8], stamps[1:], stamps)]
    assert min(np.abs(found - mean).max() for mean in means) < 0.1


def test_elevation_comes_back_where_it_was(eras: dict[str, Archive]) -> None:
    archive = eras["2015"]
    write_static(archive)
    (path,) = (archive.root / "dem").iterdir()
    with reading("dem", path) as (reader, granule, dataset):
        found = reader.place([(granule, dataset)], grid())["elevation"]
    truth = in_grid(cell_elevation(archive.domain), archive.domain)
    assert np.abs(found - truth).mean() < 5
