"""The stage annual on a staged cube of four years: layers, resumption, the same bytes."""

import random
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from distributed import Client

import cluster
from pipelines import lineage
from pipelines.config.region_file import load
from pipelines.run import Run
from pipelines.stages import annual, publish
from soilft.annual import phenology
from soilft.annual import store as annual_store
from soilft.annual.day_correlation import LAGS
from soilft.schema import MISSING
from soilft.store import zarr as store
from tests.support.command import soilft
from tests.support.forked_commands import commands
from tests.support.predicted import CORRELATION, PERIOD, Predicted, predicted
from tests.support.small_run import region_file

pytestmark = pytest.mark.slow
YEARS = [2011, 2012, 2013, 2014]
PICTURES = {
    "mean_frozen_days",
    "mean_freeze_onset",
    "mean_thaw_onset",
    "trend_frozen_days",
    "regional_frozen_days",
}


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Predicted:
    return predicted(tmp_path_factory.mktemp("staged"))


@pytest.fixture(scope="module")
def done(staged: Predicted) -> Predicted:
    """The stage done through the command, by two workers."""
    said = soilft("annual", staged.config, "--quiet", "--workers", 2)
    assert "annual: 7 done, 0 up to date" in said.stdout
    return staged


def copy_of(staged: Predicted, folder: Path, *, clean: bool = True) -> Path:
    """The same run in another place, before its annual layers; its region file."""
    shutil.copytree(staged.config.parent, folder)
    if clean:
        for path in (folder / "store").rglob("annual"):
            shutil.rmtree(path)
    text = staged.config.read_text().replace(str(staged.config.parent), str(folder))
    (folder / "region.yaml").write_text(text)
    return folder / "region.yaml"


def layers_of(config: Path) -> dict[str, str]:
    """Digest of every object of the layers and their pictures."""
    root = config.parent / "store" / "runs"
    return {
        str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and {"annual", "quicklooks"} & set(path.parts)
    }


def test_layers_are_those_of_the_staged_state(done: Predicted) -> None:
    found = store.open_cube(done.run.annual_url(done.model)).load()
    state = np.where(done.percent > 50, 1, 0)
    state = np.where(done.percent == MISSING, MISSING, state).astype("uint8")
    expected = phenology.annual(state, PERIOD.numbers)
    assert found.year.values.tolist() == expected["years"].tolist() == YEARS
    for name in phenology.LAYERS:
        np.testing.assert_allclose(found[name], expected[name], atol=0.051)
    days = np.array([366, 365, 365, 365])[:, None, None]
    np.testing.assert_allclose(found.known_days, expected["known"] * days, atol=0.01)
    bounds = found.year_bounds.values.astype("datetime64[D]").astype(str)
    assert bounds[0].tolist() == ["2011-08-01", "2012-08-01"]


def test_ranges_means_and_trends_are_there_and_missing_years_are_missing(done: Predicted) -> None:
    found = store.open_cube(done.run.annual_url(done.model)).load()
    known = found.frozen_days.notnull()
    assert not known[:, -1, -1].any()
    assert not known[1, 0].any()
    low, middle, high = found.frozen_days_range.values
    np.testing.assert_array_equal(np.isfinite(low), known)
    assert (low <= middle)[known].all()
    assert (middle <= high)[known].all()
    assert (low < high)[known].any()
    mean = found.frozen_days.mean("year", skipna=True)
    enough = known.sum("year") >= 3.2
    np.testing.assert_array_equal(found.frozen_days_mean.notnull(), enough)
    np.testing.assert_allclose(found.frozen_days_mean.where(enough), mean.where(enough), atol=0.051)
    np.testing.assert_allclose(
        found.frozen_days_anomaly, found.frozen_days - mean.where(enough), atol=0.11
    )
    # Four years that each have more frozen days than the one before.
    slope = found.frozen_days_trend.values[enough]
    assert (slope > 2).all()
    assert np.isnan(found.frozen_days_trend.values[~enough]).all()
    inside = found.frozen_days_trend_interval.values[:, enough.values]
    assert (inside[0] <= slope).all()
    assert (slope <= inside[1]).all()
    np.testing.assert_allclose(found.frozen_days_trend_p_value.values[enough], 2 / 24, atol=1e-3)


def test_the_days_correlation_is_that_of_the_labels(done: Predicted) -> None:
    said = store.open_raw(done.run.annual_url(done.model)).attrs
    assert said["day_correlation_lags"] == list(LAGS)
    np.testing.assert_allclose(said["day_correlations"], CORRELATION.at(LAGS), atol=0.12)


def test_everything_says_that_it_is_simulated(done: Predicted) -> None:
    said = store.open_raw(done.run.annual_url(done.model)).attrs
    assert said["simulated"] == "true"
    assert str(said["title"]).startswith("SIMULATED: Annual layers")
    assert "SIMULATED" in said["summary"]


def test_integers_have_both_fills(done: Predicted) -> None:
    group = store.open_raw(done.run.annual_url(done.model))
    for variable in annual_store.variables(calibrated=True):
        array = store.array(group, variable.name)
        assert array.fill_value == array.attrs["_FillValue"] == annual_store.MISSING


def test_a_second_time_there_is_nothing_to_do_and_status_says_so(done: Predicted) -> None:
    before = layers_of(done.config)
    run = Run(load(done.config))
    with cluster.start(run.config.cluster.model_copy(update={"workers": 1}).spec()) as client:
        outcome = annual.annual(run, client)
    assert str(outcome) == "annual: nothing to do, 7 units are up to date"
    assert layers_of(done.config) == before
    assert annual.content(run, done.model) is not None
    assert annual.remarks(run, done.model) == []
    assert len(annual.plan(run, done.model)) == annual.count(run) == 7


def test_pictures_lie_beside_the_run(done: Predicted) -> None:
    folder = Path(done.run.quicklooks_url(done.model))
    assert {path.stem for path in folder.iterdir()} == PICTURES
    for path in folder.iterdir():
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG")
        assert b"Software" not in content


def test_one_worker_makes_the_same_bytes(done: Predicted, tmp_path: Path) -> None:
    config = copy_of(done, tmp_path / "one")
    soilft("annual", config, "--quiet", "--workers", 1)
    assert layers_of(config) == layers_of(done.config)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_stage_resumes_to_the_same_bytes(
    moment: str, done: Predicted, dask_client: Client, tmp_path: Path
) -> None:
    config = copy_of(done, tmp_path / "killed")
    scheduler = dask_client.scheduler_info(n_workers=0)["address"]
    count = random.Random(f"annual {moment}").randint(1, 7)
    words = ("annual", config, "--quiet", "--scheduler", scheduler)
    with commands() as command:
        killed = command(*words, dies=("annual", count, moment))
        assert killed.code == -9, killed.text
        resumed = command(*words)
    left = count if moment == "after" else count - 1
    assert resumed.code == 0, resumed.text
    assert f"annual: {7 - left} done, {left} up to date" in resumed.text
    assert layers_of(config) == layers_of(done.config)


def test_other_bands_give_the_same_values(
    done: Predicted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = copy_of(done, tmp_path / "bands")
    monkeypatch.setattr(annual_store, "CHUNK_CELLS", 5)
    run = Run(load(config))
    with cluster.start(run.config.cluster.model_copy(update={"workers": 1}).spec()) as client:
        outcome = annual.annual(run, client)
    assert (outcome.done, outcome.failed) == (2 + 3 * 5, {})
    found = xr.open_zarr(run.annual_url(done.model)).load()
    xr.testing.assert_identical(found, xr.open_zarr(done.run.annual_url(done.model)).load())


def test_without_matplotlib_it_says_that_pictures_are_left_out(
    done: Predicted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = copy_of(done, tmp_path / "without", clean=False)
    run = Run(load(config))
    monkeypatch.setattr(annual, "find_spec", lambda _: None)
    with cluster.start(run.config.cluster.model_copy(update={"workers": 1}).spec()) as client:
        outcome = annual.annual(run, client)
    assert (outcome.done, outcome.skipped) == (1, 6)
    assert not Path(run.quicklooks_url(done.model)).exists()
    assert annual.remarks(run, done.model) == [f"annual: {annual.NO_PICTURES}"]


def test_a_changed_chunk_makes_only_its_year_anew(done: Predicted, tmp_path: Path) -> None:
    """New content of days after the labelled ones that tell the correlation."""
    config = copy_of(done, tmp_path / "changed", clean=False)
    run = Run(load(config))
    span = run.predict_spans()[-1]
    unit = lineage.predict_unit(run, done.model, span)
    record = run.ledger.get("predict", unit)
    assert record is not None
    run.ledger.put("predict", unit, type(record)(record.key, "changed"))
    todo = [unit.name for unit in annual.plan(run, done.model).todo]
    assert todo == ["2014-0", "summary-0", "pictures"]


def test_a_period_without_a_whole_year_has_no_layers(tmp_path: Path) -> None:
    run = Run(load(region_file(tmp_path, tmp_path / "archive")))
    assert annual.years(run) == {}
    assert annual.count(run) == 0


def test_a_release_has_the_layers_and_their_pictures(done: Predicted, tmp_path: Path) -> None:
    run = Run(load(copy_of(done, tmp_path / "released", clean=False)))
    _, release = publish.publish(run)
    folder = Path(release.cube).parent / "quicklooks"
    assert {path.stem for path in folder.iterdir()} == PICTURES
    for path in folder.iterdir():
        assert path.read_bytes() == (Path(run.quicklooks_url(done.model)) / path.name).read_bytes()
    layers = xr.open_zarr(release.cube, group="annual").load()
    xr.testing.assert_identical(layers, store.open_cube(run.annual_url(done.model)).load())
    assert layers.attrs["title"].startswith("SIMULATED: Annual layers")
    assert {"proj:code", "spatial:transform"} <= set(layers.attrs)
    assert not publish.publish(run)[1].fresh
