"""The truth of a synthetic Earth: read from its files, kept beside the inputs, none of them."""

from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from pipelines.config.region_file import Config, as_written, load, shipped
from pipelines.run import Run
from pipelines.stages.ingest import granules as ingest
from pipelines.stages.ingest import truth
from soilft.errors import ConfigError, FormatMismatch, GridMismatch, MissingVariable
from soilft.geo.regrid import overlap
from soilft.grid import PRESETS, Region
from soilft.ingest.granules import ChunkOfDays
from soilft.schema import MISSING
from soilft.simulate import Archive
from soilft.simulate import truth as simulated
from soilft.simulate.world import World
from soilft.sources.files import open_granule

BOUNDS = (89.0, 33.0, 92.0, 36.0)
START, END, SEED = date(2015, 10, 28), date(2015, 10, 30), 4
SMOS = truth.TruthSource("smos", ("AM", "PM"), SEED)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    made = Archive(tmp_path_factory.mktemp("archive"), BOUNDS, START, END, SEED)
    for day in made.days():
        simulated.write(made, day)
    return made


def run_of(monkeypatch: pytest.MonkeyPatch, root: Path, **changes: Any) -> Run:
    monkeypatch.setenv("SOILFT_DEMO_ARCHIVE", str(root))
    return Run(load(shipped("demo-tibet"), {"store": str(root / "store"), **changes}))


def placed(path: Path, source: truth.TruthSource, preset: str = "latlon-0.25") -> Any:
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
    found = placed(path, truth.TruthSource(satellite, ("AM", "PM"), SEED))
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
    state, kelvin = truth.on_grid(frozen, np.full((4, 4), 270.0, "f4"), overlap(source, grid))
    assert state.tolist() == [[0, MISSING]]
    np.testing.assert_array_equal(kelvin, [[270.0, np.nan]])
    frozen[0, 2] = True
    assert truth.on_grid(frozen, frozen, overlap(source, grid))[0].tolist() == [[1, MISSING]]


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
        placed(path, truth.TruthSource("smos", ("AM", "PM"), 9))
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


def test_every_chunk_of_days_has_a_unit_and_no_prediction_depends_on_it(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = as_written(shipped("demo-tibet"))["inputs"]
    root = archive.root
    changes = {
        "region": {"name": "any", "grid": "latlon-0.25", "bounds": list(BOUNDS)},
        "period": {"start": START, "end": END},
        "simulation": {"seed": SEED},
        "chunks": {"ingest_days": 2},
        "inputs": {"smos": {**inputs["smos"], "granules": f"{root}/smos/*.nc"}},
    }
    run = run_of(monkeypatch, root, **changes)
    assert run.places.truth.endswith("/inputs/truth.zarr")
    source = truth.source_of(run)
    assert source == SMOS
    units = ingest.truth_tasks(run)
    assert list(units) == ["truth/2015-10-28", "truth/2015-10-30"]
    first = units["truth/2015-10-28"]
    assert isinstance(first, ChunkOfDays)
    assert [found.granule.days[0].day for found in first.found] == [28, 29]
    template = truth.template(source, run)
    assert template.attributes["simulated"] == "true"
    assert template.attributes["simulation_seed"] == SEED
    assert [v.name for v in template.variables] == ["freeze_thaw", "soil_temperature"]
    assert template.chunks == {"time": 2}
    refs = run.input_refs()
    assert run.places.truth not in (*refs.tb, refs.reanalysis, refs.static)
    assert run.input_records() == []


def test_the_truth_lies_beside_the_label_or_where_the_region_file_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    beside = run_of(monkeypatch, tmp_path)
    assert truth.patterns(beside) == (f"{tmp_path}/truth/simulated_truth_*.nc",)
    named = run_of(monkeypatch, tmp_path, simulation={"truth": "/elsewhere/*.nc"})
    assert truth.patterns(named) == ("/elsewhere/*.nc",)
    # A place decides nothing of the product.
    for settings in ({"direct": True}, {"direct": True, "ground": "/somewhere"}):
        changed = load(shipped("tibet-simulated"), {"simulation": settings})
        assert changed.digest() == load(shipped("tibet-simulated")).digest()
    scaled = load(shipped("tibet-simulated"), {"simulation": {"direct": True, "noise": 2.0}})
    assert scaled.digest() != load(shipped("tibet-simulated")).digest()


def test_no_input_may_be_called_truth(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    inputs = as_written(shipped("demo-tibet"))["inputs"]
    inputs["truth"] = inputs["smap"]
    for item in inputs.values():
        item["granules"] = item["granules"].replace("${SOILFT_DEMO_ARCHIVE}", str(tmp_path))
    run = run_of(monkeypatch, tmp_path, inputs=inputs)
    with pytest.raises(ConfigError, match=r"inputs\.truth: expected another name"):
        truth.source_of(run)


def test_a_run_on_real_granules_has_no_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOILFT_ARCHIVE", "/archive")
    assert truth.source_of(Run(load(shipped("tibet")))) is None


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"noise": 0.5}, "noise and ground: expected with direct: true"),
        ({"ground": "/somewhere"}, "noise and ground: expected with direct: true"),
        ({"direct": True, "truth": "/a/*.nc"}, "truth: expected only with granules"),
        ({"direct": True, "noise": -1.0}, "greater than or equal to 0"),
        ({"direct": True, "noise": float("inf")}, "finite number"),
    ],
)
def test_settings_that_would_do_nothing_or_make_no_sense_are_refused(
    section: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(shipped("tibet-simulated"), {"simulation": section})


def test_two_years_are_the_decade_at_one_degree_across_both_hand_overs() -> None:
    def comparable(config: Config) -> dict[str, Any]:
        return {key: config.model_dump()[key] for key in ("inputs", "label", "simulation")}

    years, decade = (load(shipped(name)) for name in ("two-years", "tibet-simulated"))
    assert comparable(years) == comparable(decade)
    assert years.to_region().grid.shape == (14, 32)
    assert years.region.bounds == decade.region.bounds
    assert date(2011, 10, 4) in years.days
    assert date(2012, 7, 3) in years.days
    assert len(years.days) == 365 + 366
