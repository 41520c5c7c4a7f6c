"""SIMULATED decade of the Tibetan Plateau: every stage, and the bounds of its scorecard.

Simulates the inputs where they are not there yet, runs every stage, runs four years at one degree
with half, the same and twice the noise of labels and sensors, and holds the scores against what is
asked of them. `--region two-years --scales` does so for two years at one degree, without the noise.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from pipelines.config.region_file import as_written, shipped
from soilft.report import score_figures
from soilft.report.page import render

ROOT = Path(__file__).resolve().parents[1]
LEAST_RANDOM = 0.86
LEAST_DIFFERENCE = 0.01
COVERAGE_WITHIN = 0.02
MOST_CALIBRATION_ERROR = 0.03
LEAST_SKILL = 0.2
MOST_SHUFFLED_KAPPA = 0.1
CONTROL = "shuffled labels"
SECONDS = "seconds.json"
# The noise is tried on less: cells of a degree, some years, one radiometer, one label.
COARSE = {"grid": "latlon-1.0"}
COARSE_PERIOD = {"start": "2013-01-01", "end": "2016-12-31"}
COARSE_INPUTS = ("amsr2", "gldas", "terrain", "soil", "smos")


def main() -> None:
    """Run, collect, compare; the exit code says whether all of it holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--region", default="tibet-simulated", help="region file to run whole")
    parser.add_argument(
        "--scales",
        type=float,
        nargs="*",
        default=[0.5, 1.0, 2.0],
        help="noise of labels and sensors to repeat it with, four years at one degree",
    )
    parser.add_argument("--out", type=Path, help="write the JSON here (benchmarks/decade.json)")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the coarse tables")
    parser.add_argument(
        "--only-control",
        action="store_true",
        help="fail only where shuffled labels do not fall to chance: two years prove no more",
    )
    arguments = parser.parse_args()
    value = as_written(shipped(arguments.region))
    store = Path(value["store"])
    soilft(store, "inputs", "ingest", arguments.region)
    soilft(store, "whole", "run", arguments.region)
    card = newest_scorecard(store)
    noise = []
    for scale in arguments.scales:
        path = coarse(value, store, scale, arguments.rows)
        soilft(store, f"noise {scale:g}", "run", str(path), "--quiet")
        noise.append(noise_row(scale, newest_scorecard(path.parent / "store")))
    card["noise"] = noise
    if noise:
        drawn = score_figures.noise(noise, simulated=card["simulated"])
        (ROOT / store.parent / "noise.svg").write_text(drawn)
        # A release is not touched: the report with the table of noise lies beside the store.
        (ROOT / store.parent / "report-with-noise.html").write_text(render(card, {"noise": drawn}))
    checks = list(checked(card))
    took = seconds_taken(store)
    found = {
        "SIMULATED": card["simulated"],
        "region": arguments.region,
        "commit": commit(),
        "seed": value["simulation"]["seed"],
        "seconds": {**took, "all": sum(took.values())},
        "checks": [{"what": what, "value": seen, "holds": holds} for what, seen, holds in checks],
        "scorecard": card,
    }
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    for what, seen, holds in checks:
        print(f"  {'ok ' if holds else 'BAD'} {what}: {seen}")
    print(f"SIMULATED inputs: nothing here is the accuracy of a real product. {found['seconds']} s")
    decisive = [(w, h) for w, _, h in checks if not arguments.only_control or CONTROL in w]
    if not all(holds for _, holds in decisive):
        sys.exit(1)


def soilft(store: Path, step: str, *arguments: str) -> None:
    """Run the installed command; add up the time that the step has taken on this store.

    A run that finds part of its work done would otherwise tell less than the work takes.
    """
    started = time.time()
    command = [str(Path(sys.executable).with_name("soilft")), *arguments]
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(f"decade: {' '.join(command)} ended with {done.returncode}")
    took = seconds_taken(store)
    took[step] = took.get(step, 0) + round(time.time() - started)
    (ROOT / store.parent / SECONDS).write_text(json.dumps(took))


def seconds_taken(store: Path) -> dict[str, int]:
    """What each step has taken on a store, in seconds."""
    path = ROOT / store.parent / SECONDS
    found: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    return found


def newest_scorecard(store: Path) -> dict[str, Any]:
    """The scorecard of the release that ``latest.json`` names."""
    latest = json.loads((ROOT / store / "latest.json").read_text())
    release = (ROOT / store / latest["cube"]).parent
    value: dict[str, Any] = json.loads((release / "report" / "scorecard.json").read_text())
    return value


def coarse(value: dict[str, Any], store: Path, scale: float, rows: int) -> Path:
    """Write the region file of a smaller run with scaled noise; all of them share one ground."""
    folder = ROOT / store.parent / f"noise-{scale:g}"
    folder.mkdir(parents=True, exist_ok=True)
    changed = {
        **value,
        "title": f"Simulated Tibet at one degree, noise of labels and sensors x {scale:g}",
        "store": str(folder / "store"),
        "region": {**value["region"], **COARSE},
        "period": COARSE_PERIOD,
        "inputs": {name: value["inputs"][name] for name in COARSE_INPUTS},
        "simulation": {
            **value["simulation"],
            "noise": scale,
            "ground": str(folder.parent / "noise-ground"),
        },
        "sampling": {**value.get("sampling", {}), "max_rows": rows},
        "forest": {},
        # Held-out years and blocks against label and truth: the rest is the whole run's to tell.
        "validation": {
            **value.get("validation", {}),
            "ablations": False,
            "negative_control": False,
            "splits": [],
            "masked_days": 0,
        },
    }
    path = folder / "region.yaml"
    path.write_text(yaml.safe_dump(changed))
    return path


def noise_row(scale: float, card: dict[str, Any]) -> dict[str, Any]:
    """One line of the noise table: the held-out score, its interval, the truth, the ceiling."""
    tried = card["experiments"]
    headline, truth, ceiling = (
        tried[name] for name in ("year_block", "truth_year_block", "label_ceiling")
    )
    accuracy = headline["scores"]["overall_accuracy"]
    low, high = headline["intervals"]["overall_accuracy"]
    top = ceiling["scores"]["overall_accuracy"]
    note = ""
    if low > top:
        note = (
            "Above the ceiling: the label errs in ways that its predictors share (it is regulated "
            "by air temperature and smoothed over days), so agreement with it is no accuracy."
        )
    elif truth["scores"]["overall_accuracy"] > top:
        note = (
            "Nearer to the truth than the label is: the forest learns what many labels have in "
            "common, and their passing errors are not that."
        )
    (climatology,) = (rule for rule in card["baselines"] if rule["name"] == "climatology")
    return {
        "scale": scale,
        "gain_over_climatology": gain(climatology, "difference"),
        "gain_of_truth_over_climatology": gain(climatology, "difference_of_truth"),
        "brier_skill": headline["probability"]["brier_skill"],
        "overall_accuracy": accuracy,
        "interval": [low, high],
        "against_truth": truth["scores"]["overall_accuracy"],
        "against_truth_interval": truth["intervals"]["overall_accuracy"],
        "ceiling": top,
        "ceiling_interval": ceiling["intervals"]["overall_accuracy"],
        "note": note,
    }


def gain(rule: dict[str, Any], name: str) -> list[Any]:
    """A difference to a baseline, with its interval."""
    return [rule[name]["overall_accuracy"], rule[name]["interval"]]


def checked(card: dict[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    """What is asked of the scores: in words, as found, and whether it holds."""
    tried = card["experiments"]
    for part in ("train", "validation", "test"):
        score = tried[f"random_{part}"]["scores"]["overall_accuracy"]
        yield (
            f"random split, {part}, against the labels >= {LEAST_RANDOM}",
            score,
            score >= LEAST_RANDOM,
        )
    for rule in card["baselines"]:
        if "difference" not in rule:
            continue
        gain, interval = (rule["difference"][key] for key in ("overall_accuracy", "interval"))
        if rule["is_satellite_label"]:
            yield f"reported as it falls: gain over {rule['title']}", [gain, interval], True
        else:
            yield (
                f"gain over {rule['title']}, lower end > {LEAST_DIFFERENCE}{out_of_reach(rule)}",
                [gain, interval],
                interval is not None and interval[0] > LEAST_DIFFERENCE,
            )
    for rule in card.get("baselines_against_truth", ()):
        if rule["is_satellite_label"] and "difference" in rule:
            gain, interval = (rule["difference"][key] for key in ("overall_accuracy", "interval"))
            yield (
                f"reported as it falls: against the truth, gain over {rule['title']}",
                [gain, interval],
                True,
            )
    for rule in card.get("baselines_held_out_years", ()):
        if rule["name"] == "climatology":
            gain, interval = (rule["difference"][key] for key in ("overall_accuracy", "interval"))
            yield (
                f"reported as it falls: in held-out years alone, gain over {rule['title']}",
                [gain, interval],
                True,
            )
    sets = card["conformal"]
    for name in ("thawed", "frozen"):
        covered = sets[name]["coverage"]
        yield (
            f"coverage of {name} labels within {COVERAGE_WITHIN} of {sets['level']}",
            covered,
            abs(covered - sets["level"]) <= COVERAGE_WITHIN,
        )
    probability = tried["year_block"]["probability"]
    error = probability["calibration_error"]
    yield (
        f"calibration error < {MOST_CALIBRATION_ERROR}",
        error,
        error < MOST_CALIBRATION_ERROR,
    )
    for key, whose in (
        ("brier_skill_nearby", "of the nearest labels that the fold trains on"),
        ("brier_skill", "of the pixel's own label, which the fold does not know"),
    ):
        skill = probability[key]
        yield (
            f"Brier skill over the climatology {whose} >= {LEAST_SKILL}",
            skill,
            skill is not None and skill >= LEAST_SKILL,
        )
    yield "ablations made", len(card["ablations"]), len(card["ablations"]) == 4
    kappa = tried["shuffled_labels"]["scores"]["kappa"]
    yield (
        f"{CONTROL}: kappa below {MOST_SHUFFLED_KAPPA}",
        kappa,
        abs(kappa) < MOST_SHUFFLED_KAPPA,
    )
    yield from one_record(card)
    for row in card["noise"]:
        yield (
            f"noise x {row['scale']:g}: agreement with the label not above the ceiling",
            [row["overall_accuracy"], row["interval"], row["ceiling"]],
            row["interval"][0] <= row["ceiling"],
        )
        yield (
            f"reported as it falls: noise x {row['scale']:g}, against the truth. {row['note']}",
            [row["against_truth"], row["against_truth_interval"]],
            True,
        )


def one_record(card: dict[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    """What is asked of the radiometers made alike, and what is found of the filled gaps."""
    alike = card["harmonization"]
    for change in alike["hand_overs"]:
        where = f"{change['before']} to {change['after']}"
        steps = change["steps"]
        for which, key, most in (
            ("made alike", "equivalent", len(steps)),
            ("raw", "raw_equivalent", 0),
        ):
            count = sum(step[key] for step in steps)
            yield (
                f"{where}, {which}: {most} of {len(steps)} channels and nodes within 0.5 K",
                count,
                bool(steps) and count == most,
            )
        outside = sum(step["raw_outside"] for step in steps)
        yield f"reported as it falls: {where}, raw: wholly outside 0.5 K", outside, True
        days = change["frozen_days"]
        if days is not None:
            yield f"{where}: frozen days a year within 2", days["harmonized"], days["equivalent"]
            yield f"reported as it falls: {where}, raw: frozen days a year", days["raw"], True
    for pair in alike["transfer"]["pairs"]:
        if "difference" in pair:
            yield (
                f"reported as it falls: {pair['trained']} to {pair['judged']}, gain of harmonising",
                [pair["difference"]["overall_accuracy"], pair["difference"]["interval"]],
                True,
            )
    for record in alike["trend"]["records"]:
        yield f"reported as it falls: trend, {record['record']}", record["trend"], True
    for level in card["gap_filling"]["levels"]:
        yield (
            f"reported as it falls: {level['level']}, accuracy filled and as seen",
            [level["overall_accuracy"], level["seen_overall_accuracy"]],
            True,
        )


def out_of_reach(rule: dict[str, Any]) -> str:
    """Words where not even the truth, taken as a prediction of the labels, is so much better."""
    most = rule.get("difference_of_truth")
    if most is None or most["interval"] is None or most["interval"][0] > LEAST_DIFFERENCE:
        return ""
    low, high = most["interval"]
    return (
        f" (the simulated truth itself gains {most['overall_accuracy']:.4f}, "
        f"{low:.4f} to {high:.4f})"
    )


def commit() -> str:
    """Commit that is checked out."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main()
