"""What a scorecard says of the labels beside its own is what their products say."""

from pathlib import Path

import pytest
import yaml

from pipelines.config.region_file import REGIONS, load
from pipelines.run import Run
from pipelines.stages.train.stage import require_model
from pipelines.stages.validate.stage import subject
from soilft.sources import SmapL3Ft
from tests.support.small_run import region_file

pytestmark = pytest.mark.slow


def test_a_label_depends_on_what_its_product_says_and_others_on_nothing(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    config = region_file(tmp_path, small_archive, store=str(unbroken))
    run = Run(load(config))
    model, record = require_model(run), run.ledger.get("train", "table")
    assert record is not None
    assert subject(run, model, record).dependence == {}
    value = yaml.safe_load(config.read_text())
    smap = yaml.safe_load((REGIONS / "demo-tibet.yaml").read_text())["inputs"]["smap"]
    value["inputs"]["smap"] = smap | {"granules": value["inputs"]["smos"]["granules"]}
    config.write_text(yaml.safe_dump(value))
    beside = subject(Run(load(config)), model, record)
    assert beside.dependence == {"smap": SmapL3Ft.dependence}
    assert "reanalysis" in SmapL3Ft.dependence
