"""Real winters: the ordinary command on real tables of points, to a published cube and its scores.

Two region files that ship: `arctic-winters`, fourteen winters of soil thermometers in Alaska beside
the weather of a reanalysis, whole winters held out; and `us-stations`, 112 stations in 2020, blocks
of 5 degrees held out. With ``--short`` one winter of each, with few trees: that it works, and no
score. Nothing is simulated. Fails where a score leaves the bounds below.

Run with ``make winters``; needs SOILFT_WINTERS, the folder of the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr
import yaml

from pipelines.config.region_file import shipped

SHORT: dict[str, dict[str, Any]] = {
    "forest": {"n_estimators": 40, "group_size": 20},
    "validation": {"folds": 3, "trees_per_fit": 20, "replicates": 100, "ablations": False},
}


@dataclass(frozen=True)
class Winters:
    """A region file, its experiment that is told, its bounds, and the period of one winter."""

    region: str
    experiment: str
    baselines: str
    least_overall: float
    least_balanced: float
    one: tuple[str, str]


BOTH = (
    Winters(
        "arctic-winters",
        "year",
        "baselines_held_out_years",
        0.95,
        0.94,
        ("2009-08-01", "2010-07-31"),
    ),
    Winters("us-stations", "year_block", "baselines", 0.94, 0.80, ("2020-01-01", "2020-03-31")),
)


def main() -> None:
    """Run both, read what was published, compare with the bounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="one winter of each, few trees")
    parser.add_argument("--output", type=Path, default=Path("winters-output"))
    arguments = parser.parse_args()
    if not os.environ.get("SOILFT_WINTERS"):
        sys.exit("winters: set SOILFT_WINTERS to the folder of the tables.")
    held = [done(it, arguments.output, short=arguments.short) for it in BOTH]
    if not all(held):
        sys.exit(1)


def done(winters: Winters, output: Path, *, short: bool) -> bool:
    """Run a region file and tell its scores; whether all holds."""
    folder = output / ("short" if short else "whole") / winters.region
    # Scores of code of before are none of today's.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    value = yaml.safe_load(shipped(winters.region).read_text())
    if short:
        value["period"] = dict(zip(("start", "end"), winters.one, strict=True))
        value["forest"] |= SHORT["forest"]
        # Of one winter places are held out, which its region file may leave open.
        value["validation"] = {"block_degrees": 0.25} | value["validation"] | SHORT["validation"]
    value["store"] = str(folder / "store")
    region = folder / f"{winters.region}.yaml"
    region.write_text(yaml.safe_dump(value))
    start = time.monotonic()
    command = [str(Path(sys.executable).with_name("soilft")), "run", str(region), "--quiet"]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode:
        print(ran.stdout)
        sys.exit(f"winters: {' '.join(command)} ended with {ran.returncode}")
    release = folder / "store/releases/v1.0"
    card = json.loads((release / "report/scorecard.json").read_text())
    with xr.open_zarr(release / "cube.zarr") as cube:
        frozen = int((cube.freeze_thaw_state == 1).sum())
        simulated = cube.attrs["simulated"]
        has_annual = (release / "cube.zarr/annual").exists()
    print(f"\n{winters.region}: {time.monotonic() - start:.0f} s, {release}")
    print(f"  {frozen:,} frozen pixel-days published; annual layers: {has_annual}")
    checks = {
        "nothing is simulated": simulated == "false" and "SIMULATED" not in json.dumps(card),
        "something is frozen": frozen > 0,
    }
    if not short:
        tell(card, winters)
        scores = card["experiments"][winters.experiment]["scores"]
        checks |= {
            f"overall accuracy >= {winters.least_overall}": scores["overall_accuracy"]
            >= winters.least_overall,
            f"balanced accuracy >= {winters.least_balanced}": scores["balanced_accuracy"]
            >= winters.least_balanced,
        }
    for name, holds in checks.items():
        print(f"  {'ok ' if holds else 'BAD'} {name}")
    return all(checks.values())


def tell(card: dict[str, Any], winters: Winters) -> None:
    """Print the scores of held-out rows, and what each baseline makes of the same rows."""
    tried = card["experiments"][winters.experiment]
    scores = tried["scores"]
    low, high = tried["intervals"]["overall_accuracy"]
    print(
        f"  {tried['title']}, {scores['rows']:,} pixel-days: overall accuracy "
        f"{scores['overall_accuracy']:.3f} ({low:.3f} to {high:.3f}), balanced "
        f"{scores['balanced_accuracy']:.3f}; majority class alone {scores['majority_share']:.3f}"
    )
    for rule in card[winters.baselines] or []:
        if "overall_accuracy" not in rule:
            continue
        low, high = rule["difference"]["interval"]
        print(
            f"    {rule['title']}, {rule['rows']:,}: {rule['overall_accuracy']:.3f}, balanced "
            f"{rule['balanced_accuracy']:.3f}; the forest "
            f"{rule['difference']['overall_accuracy']:+.3f} ({low:+.3f} to {high:+.3f})"
        )


if __name__ == "__main__":
    main()
