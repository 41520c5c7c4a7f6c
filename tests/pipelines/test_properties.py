"""What is published, whatever the chunks, tiles and workers, and the order granules came in."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import xarray as xr
from distributed import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from soilft.release.layout import Layout
from soilft.store import zarr as store
from tests.support.command import soilft
from tests.support.small_run import product_bytes, region_file
from tests.support.undisturbed import LONG, SETTINGS, START, cube, simulate, values_of

pytestmark = pytest.mark.slow

Region = Callable[..., Path]
FEW = settings(
    max_examples=3,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
days = st.integers(1, LONG + 1)


@pytest.fixture(scope="module")
def archive(once: Callable[..., Path]) -> Path:
    """Granules of six days, SIMULATED."""
    return once("late-archive", simulate) / "archive"


@pytest.fixture(scope="module")
def region(archive: Path) -> Region:
    period = {"start": START, "end": START + timedelta(LONG - 1)}

    def region(folder: Path, granules: Path = archive, **changes: object) -> Path:
        return region_file(folder, granules, **{"period": period, **SETTINGS, **changes})

    return region


@pytest.fixture(scope="module")
def whole(region: Region, once: Callable[..., Path]) -> Path:
    """A store of these granules, made at once by two workers."""

    def run(folder: Path) -> None:
        soilft("run", region(folder), "--quiet")

    return once("whole", run) / "store"


@pytest.fixture
def place() -> Iterator[Callable[[], Path]]:
    """Give a folder of its own for each example."""
    with TemporaryDirectory() as folder:
        numbers = iter(range(1000))
        yield lambda: Path(folder, str(next(numbers)))


@FEW
@given(ingest_days=days, predict_days=days, trees=st.integers(1, 4), workers=st.integers(1, 3))
def test_chunks_and_workers_change_no_byte(
    region: Region,
    whole: Path,
    place: Callable[[], Path],
    ingest_days: int,
    predict_days: int,
    trees: int,
    workers: int,
) -> None:
    folder = place()
    config = region(
        folder,
        chunks={"ingest_days": ingest_days, "predict_days": predict_days},
        forest={**SETTINGS["forest"], "group_size": trees},
    )
    soilft("run", config, "--workers", workers, "--quiet")
    assert released(folder / "store") == released(whole)


def released(folder: Path) -> dict[str, str]:
    """Digests of the objects of all released cubes."""
    found = product_bytes(folder)
    return {name: value for name, value in found.items() if name.startswith("releases/")}


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """Layouts of a few days and cells, with a copy for series or without."""
    chunk, side = draw(st.integers(1, 3)), draw(st.integers(0, 3))
    cells = st.integers(1, 4).map(lambda n: n * max(side, 1))
    return Layout(chunk, chunk * draw(st.integers(1, 3)), draw(cells), draw(cells), side)


@FEW
@given(layout=layouts())
def test_tiles_change_no_value(
    region: Region, whole: Path, place: Callable[[], Path], layout: Layout
) -> None:
    folder = place()
    shutil.copytree(whole, folder / "store")
    shutil.rmtree(folder / "store/releases")
    (folder / "store/latest.json").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Layout, "of", lambda *_, **__: layout)
        soilft("publish", region(folder), "--quiet")
    found = cube(folder / "store")
    assert json.loads((found.parent / "release.json").read_text())["layout"] == layout.as_json()
    assert values_of(found) == values_of(cube(whole))
    if layout.series:
        opened = store.open_cube(str(found))
        for name, copied in xr.open_zarr(found, group="series").data_vars.items():
            np.testing.assert_array_equal(copied, opened[name])


@FEW
@given(data=st.data())
def test_granules_in_any_order_and_again_end_in_the_same_inputs(
    region: Region,
    whole: Path,
    archive: Path,
    place: Callable[[], Path],
    dask_client: Client,
    data: st.DataObject,
) -> None:
    """Deliveries of some granules each, of which some come twice."""
    folder = place()
    scheduler = dask_client.scheduler_info(n_workers=0)["address"]
    granules = sorted(path for path in archive.rglob("*") if path.is_file())
    timed = [path for path in granules if path.parent.name != "dem"]
    deliveries = data.draw(st.lists(st.sets(st.sampled_from(timed), min_size=1), max_size=3))
    config = region(folder, folder / "archive")
    for delivery in [*deliveries, granules]:
        for granule in delivery:
            there = folder / "archive" / granule.relative_to(archive)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(granule, there)
        ended = soilft("ingest", config, "--quiet", "--scheduler", scheduler, code=None)
    again = soilft("ingest", config, "--quiet", "--scheduler", scheduler)
    assert "nothing to do" in again.stdout
    assert ended.returncode == 0
    inputs = [
        {name: value for name, value in product_bytes(made).items() if name.startswith("inputs/")}
        for made in (folder / "store", whole)
    ]
    assert inputs[0] == inputs[1]
