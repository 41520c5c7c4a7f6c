"""The truth of a synthetic Earth as it is read from its files."""

from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from soilft.days import DaySpan
from soilft.errors import FormatMismatch, GridMismatch, MissingVariable
from soilft.geo.regrid import overlap
from soilft.grid import PRESETS, Region
from soilft.ingest.truth import TruthSource, on_grid, template
from soilft.schema import MISSING
from soilft.simulate import Archive
from soilft.simulate import truth as simulated
from soilft.simulate.world import World
from soilft.sources.files import open_granule

BOUNDS = (89.0, 33.0, 92.0, 36.0)
START, END, SEED = date(2015, 10, 28), date(2015, 10, 30), 4
SMOS = TruthSource("smos", ("AM", "PM"), SEED)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    made = Archive(tmp_path_factory.mktemp("archive"), BOUNDS, START, END, SEED)
    for day in made.days():
        simulated.write(made, day)
    return made


def placed(path: Path, source: TruthSource, preset: str = "latlon-0.25") -> Any:
    granule = source.granule(str(path))
    assert granule is not None
    grid = Region("any", preset, BOUNDS).grid
    with open_granule(source, granule) as dataset:
        return source.place(dataset, granule, granule.days[0], grid)


@pytest.mark.parametrize(
    ("satellite", "nodes"),
    [("smos", ("ascending", "descending")), ("smap", ("descending", "ascending"))],
)
def test_a_file_gives_the_ground_at_the_pass_of_each_overpass(
    archive: Archive, satellite: str, nodes: tuple[str, str]
) -> None:
    path = archive.root / "truth" / simulated.name(START)
    found = placed(path, TruthSource(satellite, ("AM", "PM"), SEED))
    domain = archive.domain
    inside = np.ix_(
        (domain.lat[::-1] > 33) & (domain.lat[::-1] < 36), (domain.lon > 89) & (domain.lon < 92)
    )
    for i, node in enumerate(nodes):
        hours, top, frozen = simulated.at_pass(World.of(domain), satellite, node, START)
        local = (hours + domain.mesh[1] / 15.0) % 24
        np.testing.assert_allclose(local, (6.0, 18.0)[i])
        np.testing.assert_array_equal(found["freeze_thaw"][i], frozen[::-1][inside])
        np.testing.assert_allclose(found["soil_temperature"][i], top[::-1][inside], atol=1e-4)
    assert 0 < found["freeze_thaw"].mean() < 1


def test_other_grids_take_the_majority_and_the_mean(archive: Archive) -> None:
    path = archive.root / "truth" / simulated.name(END)
    fine, coarse = placed(path, SMOS), placed(path, SMOS, "latlon-1.0")
    assert coarse["freeze_thaw"].shape == (2, 3, 3)
    share = fine["freeze_thaw"].reshape(2, 3, 4, 3, 4).mean(axis=(2, 4))
    clear = np.abs(share - 0.5) > 0.05
    assert clear.sum() > 9
    np.testing.assert_array_equal(coarse["freeze_thaw"][clear], (share > 0.5)[clear])
    mean = fine["soil_temperature"].reshape(2, 3, 4, 3, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(coarse["soil_temperature"], mean, atol=0.05)


def test_of_equal_areas_a_cell_is_thawed_and_beyond_the_earth_it_is_missing() -> None:
    source = PRESETS["latlon-0.25"].window(slice(200, 204), slice(1000, 1004))
    grid = PRESETS["latlon-1.0"].window(slice(50, 51), slice(250, 252))
    frozen = np.zeros((4, 4), bool)
    frozen[:, :2] = True
    state, kelvin = on_grid(frozen, np.full((4, 4), 270.0, "f4"), overlap(source, grid))
    assert state.tolist() == [[0, MISSING]]
    np.testing.assert_array_equal(kelvin, [[270.0, np.nan]])
    frozen[0, 2] = True
    assert on_grid(frozen, frozen, overlap(source, grid))[0].tolist() == [[1, MISSING]]


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("simulated_truth_20151028.nc", START),
        ("simulated_truth_20151328.nc", None),
        ("simulated_truth_2015128.nc", None),
        ("simulated_truth_20151028.nc.part", None),
        ("truth_20151028.nc", None),
    ],
)
def test_a_file_name_tells_the_day(name: str, day: date | None) -> None:
    granule = SMOS.granule(f"/archive/truth/{name}")
    assert (granule and granule.days) == (day and (day,))


def test_files_of_another_earth_or_of_none_are_refused(archive: Archive, tmp_path: Path) -> None:
    path = archive.root / "truth" / simulated.name(START)
    with pytest.raises(FormatMismatch, match="seed 9, found simulated true, seed 4"):
        placed(path, TruthSource("smos", ("AM", "PM"), 9))
    real = tmp_path / path.name
    real.write_bytes(path.read_bytes())
    with h5py.File(real, "r+") as file:
        del file.attrs["simulated"]
    with pytest.raises(FormatMismatch, match="found simulated none, seed 4"):
        placed(real, SMOS)
    real.write_bytes(path.read_bytes())
    with h5py.File(real, "r+") as file:
        del file["frozen_smos_ascending"]
    with pytest.raises(MissingVariable, match="expected frozen_smos_ascending"):
        placed(real, SMOS)
    granule = SMOS.granule(str(path))
    assert granule is not None
    elsewhere = Region("alaska", "latlon-0.25", (-150, 60, -140, 65)).grid
    with open_granule(SMOS, granule) as dataset, pytest.raises(GridMismatch, match="covers some"):
        SMOS.place(dataset, granule, START, elsewhere)


def test_its_store_is_marked_as_simulated_and_chunked_by_days() -> None:
    structure = template(SMOS, Region("any", "latlon-0.25", BOUNDS).grid, DaySpan(START, END), 2)
    assert structure.attributes["simulated"] == "true"
    assert structure.attributes["simulation_seed"] == SEED
    assert [v.name for v in structure.variables] == ["freeze_thaw", "soil_temperature"]
    assert structure.chunks == {"time": 2}
