"""The rows a forest is trained on are those that a predicting task computes, bit for bit."""

from pathlib import Path

import numpy as np
import pytest

from pipelines.config.region_file import load
from pipelines.run import Run
from soilft.predictors.features import compute
from soilft.schema import OVERPASSES
from soilft.store import zarr as store
from soilft.training.table import read_table
from tests.support.small_run import region_file

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("days", [1, 3, 12])
def test_training_rows_are_the_predicting_blocks_rows(
    days: int, small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    run = Run(load(region_file(tmp_path, small_archive, store=str(unbroken))))
    inputs, features = run.input_refs().open(), run.config.feature_set()
    table = read_table(run.table_url())
    seen = 0
    for span in run.config.days.chunks(days):
        served = compute(inputs, features, span)
        assert served.names == table.names
        for number, target in enumerate(features.targets):
            here = np.isin(table.day, span.numbers) & (table.overpass == OVERPASSES[target.name])
            at = table.day[here] - span.numbers[0]
            width = served.values.shape[3]
            y, x = table.cell[here] // width, table.cell[here] % width
            assert served.usable[at, number, y, x].all()
            trained = table.features[here].view("uint32")
            assert (served.values[at, number, y, x].view("uint32") == trained).all()
            assert (served.radiometer[at, number, y, x] == table.radiometer[here]).all()
            seen += int(here.sum())
    assert seen == len(table) > 1000


def test_the_stored_table_says_how_it_was_drawn(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    run = Run(load(region_file(tmp_path, small_archive, store=str(unbroken))))
    said = store.open_raw(run.table_url()).attrs
    assert said["simulated"] == "true"
    assert said["label"] == "smos"
    assert said["block_degrees"] == 1.0
    assert said["sampling"] == run.config.sampling.model_dump(mode="json")
    assert said["sampling"]["seed"] == 0
