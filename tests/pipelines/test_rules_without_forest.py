"""The small run's scorecard holds the forest against rules that need none, and says by how much."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from pipelines.config.region_file import load
from pipelines.run import Run
from soilft.training.table import read_table
from tests.support.small_run import region_file

pytestmark = pytest.mark.slow


def test_each_rule_is_what_it_says_in_words_on_the_rows_of_the_scorecard(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    config = region_file(tmp_path, small_archive, store=str(unbroken))
    table = read_table(Run(load(config)).table_url())
    report = unbroken / "releases/v1.0/report"
    card = json.loads((report / "scorecard.json").read_text())
    rules = {row["name"]: row for row in card["baselines"]}
    # A record of 12 days holds out blocks alone, each once: all rows are judged.
    rows = card["experiments"]["year_block"]["scores"]["rows"]
    assert rows == len(table)
    with xr.open_zarr(unbroken / "inputs/gldas.zarr") as dataset:
        air = dataset.Tair_f_inst_mean.values.reshape(12, -1)
    day = table.day - table.day.min()
    for name, length in (("air_day", 1), ("air_5_days", 5), ("air_15_days", 15)):
        known = 2 * np.minimum(day + 1, length) >= length
        spans = [slice(max(0, last - length + 1), last + 1) for last in day]
        of_row = zip(spans, table.cell, strict=True)
        mean = np.array([air[span, cell].mean() for span, cell in of_row])
        right = ((mean < 273.15) == table.label)[known].mean()
        assert rules[name]["rows"] == known.sum() > 0
        assert rules[name]["overall_accuracy"] == pytest.approx(right)
        difference = rules[name]["difference"]
        low, high = difference["interval"]
        assert low <= difference["overall_accuracy"] <= high
        gain = rules[name]["model_overall_accuracy"] - right
        assert difference["overall_accuracy"] == pytest.approx(gain)
    assert rules["season"]["rows"] == rules["majority"]["rows"] == rows
    assert rules["neighbours"]["rows"] > 0.9 * rows
    assert rules["neighbours"]["overall_accuracy"] > rules["majority"]["overall_accuracy"]
    able = [r for r in rules.values() if not r["is_label"] and 2 * r["rows"] >= rows]
    gains = {r["name"]: r["difference"]["overall_accuracy"] for r in able}
    assert card["best_rule"]["name"] == min(gains, key=gains.__getitem__)
    words = f"over the best rule that needs no forest ({card['best_rule']['title']})"
    assert words in (report / "report.html").read_text()
