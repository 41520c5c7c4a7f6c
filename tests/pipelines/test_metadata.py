"""The section ``metadata`` decides what the cube says, and no value of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.config.region_file import Config, load
from pipelines.facts import InputUnit
from pipelines.run import Run
from pipelines.stages.predict import attributes
from soilft.errors import ConfigError
from soilft.store import objects
from soilft.store.ledger import Done
from tests.support.command import soilft
from tests.support.predicted import predicted
from tests.support.small_run import region_file

METADATA: dict[str, Any] = {
    "creator": {"name": "A Snow Group", "email": "snow@example.org"},
    "license": "CC0-1.0",
    "inputs": {"terrain": "ETOPO 2022, doi:10.25921/fd45-gv74"},
}


def config(folder: Path, **changes: Any) -> Config:
    return load(region_file(folder, folder / "archive", **changes))


def test_metadata_is_no_part_of_what_predictions_depend_on(tmp_path: Path) -> None:
    plain = config(tmp_path)
    credited = config(tmp_path, metadata=METADATA)
    assert plain.digest() == credited.digest()
    assert plain.metadata.credits().license == "CC-BY-4.0"
    made_by = credited.metadata.credits()
    assert (made_by.creator.name, made_by.creator.type) == ("A Snow Group", "group")
    assert made_by.license == "CC0-1.0"


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"creator": {"email": "a@example.org"}}, "metadata.creator.name: missing key"),
        ({"id": "two words"}, "metadata.id"),
        ({"metadata_link": "example.org"}, "metadata.metadata_link"),
        ({"licence": "CC0-1.0"}, "metadata.licence: unknown key"),
        ({"inputs": {"nothing": "A, doi:10.1/2"}}, "metadata.inputs: expected names of inputs"),
    ],
)
def test_wrong_metadata_is_refused_by_name(
    tmp_path: Path, metadata: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        config(tmp_path, metadata=metadata)


FEATURES = ["tb_36.5V_AM", "reanalysis_Tair_f_inst_mean", "static_elevation", "season_sin"]


def test_a_cube_names_what_had_data_alone(tmp_path: Path) -> None:
    done = predicted(tmp_path)
    card = {"features": FEATURES, "uncertainty": None}
    objects.write(objects.join(done.model.url, "card.json"), objects.to_json(card))
    run = Run(done.run.config)
    sources = run.config.daily_sources()
    found = attributes(run, done.model)
    # Of the radiometer and of the reanalysis no day was read.
    assert found["source"] == f"{sources['smos'].references}; {run.sources()['terrain'].references}"
    assert found["instrument"] == sources["smos"].instrument
    assert json.loads(found["features"]) == FEATURES[2:]
    assert "trees from calendar and terrain predictors." in found["summary"]
    for name in ("amsr2", "gldas"):
        facts = {"simulated": True, "newest_day": "2015-10-01"}
        unit = str(InputUnit.of_days(name, run.ingest_spans()[0]))
        run.ledger.put("ingest", unit, Done("key", "content", facts))
    found = attributes(run, done.model)
    assert json.loads(found["features"]) == FEATURES
    assert found["source"] == "; ".join(s.references for _, s in sorted(run.sources().items()))
    assert "trees from microwave and reanalysis predictors." in found["summary"]


@pytest.mark.slow
def test_another_licence_is_another_publication_without_predicting_anew(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    import shutil

    import xarray as xr

    store = tmp_path / "store"
    shutil.copytree(unbroken, store)
    plain = xr.open_zarr(store / "releases/v1.0/cube.zarr")
    done = soilft("run", region_file(tmp_path, small_archive, metadata=METADATA), "--quiet")
    assert "predict: nothing to do" in done.stdout
    assert "Published v1.1" in done.stdout
    credited = xr.open_zarr(store / "releases/v1.1/cube.zarr")
    xr.testing.assert_equal(credited.load(), plain.load())
    changed = {
        name: value for name, value in credited.attrs.items() if plain.attrs.get(name) != value
    }
    assert changed.keys() == {
        "creator_name",
        "creator_type",
        "creator_email",
        "license",
        "source",
        "citation",
    }
    assert changed["license"] == "CC0-1.0, https://spdx.org/licenses/CC0-1.0.html"
    assert "doi:10.25921/fd45-gv74" in changed["source"]
    assert plain.attrs["license"].startswith("CC-BY-4.0")
