"""Cost of holding what a stage reads against the ledger, and of noting what it writes.

The chunks of days of a finished run are predicted again by this process, alone, over what lies
there: in turns as plain functions, and as the stage sends them to workers, their reads held against
the checksums of the ledger and their writes noted and made to last. The same bytes come out.
``python benchmarks/held_reads.py REGION.yaml`` prints seconds of the processor and their ratio; on
the demo's SIMULATED store after ``make demo``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.checked import Noted
from pipelines.config.region_file import load
from pipelines.run import Run
from pipelines.stages.predict import plan
from pipelines.stages.train.stage import require_model
from soilft.cube.structure import predict_days
from soilft.store import checksums


def seconds(do: Callable[[], Any]) -> float:
    """Seconds of the processor that it takes, those of its threads among them."""
    start = time.process_time()
    do()
    return time.process_time() - start


def main() -> None:
    """Measure both ways in turns, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("region", type=Path, help="region file of a finished run")
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    run = Run(load(arguments.region))
    tasks = [unit.task for unit in plan(run, require_model(run)).units]
    known = dict(run.ledger.chunks)
    noted = Noted(predict_days, run.store)

    def plain() -> None:
        for task in tasks:
            predict_days(task)

    def held() -> None:
        with checksums.expect(run.store, known):
            for task in tasks:
                noted(task)

    plain()  # what is loaded and compiled once is no cost of either
    taken: dict[str, list[float]] = {"plain": [], "held": []}
    for turn in range(arguments.repetitions):
        ways = {"plain": plain, "held": held}
        for name in sorted(ways, reverse=bool(turn % 2)):
            taken[name].append(seconds(ways[name]))
    ratios = [h / p - 1 for h, p in zip(taken["held"], taken["plain"], strict=True)]
    middle = {name: statistics.median(found) for name, found in taken.items()}
    print(
        f"{len(tasks)} chunks of days, {len(known)} checksums known: "
        f"plain {middle['plain']:.2f} s, held {middle['held']:.2f} s of the processor; "
        f"{100 * statistics.median(ratios):+.1f} % "
        f"({100 * min(ratios):+.1f} to {100 * max(ratios):+.1f})"
    )


if __name__ == "__main__":
    main()
