"""A soak of the store: hundreds of random sequences of deliveries, commands, kills and damage.

``python -m tests.support.soak --out FOLDER`` runs them two at a time and prints the counts; the
same command goes on where it was stopped. The exit code is 1 where anything did not hold.
"""

import argparse
import json
import shutil
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

ROOT = Path(__file__).parents[2]
#: Sequences of one seed: what is lost where the soak is stopped.
BATCH, STEPS, AT_ONCE = 5, 8, 2
FAULTS = ("lost", "doubled", "torn", "damaged published")


def main() -> None:
    """Run the batches that are not done, and print what all came to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sequences", type=int, default=200, help="how many in all (200)")
    parser.add_argument(
        "--out", type=Path, default=Path("soak-output"), help="a folder (soak-output)"
    )
    asked = parser.parse_args()
    # What other code did says nothing of this one.
    folder = asked.out.resolve() / code_digest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    batches = range(-(-asked.sequences // BATCH))
    left = [number for number in batches if not kept(folder, number).exists()]
    started = time.monotonic()
    with ProcessPoolExecutor(AT_ONCE, get_context("spawn")) as pool:
        for future in as_completed(
            [pool.submit(partial(batch, folder), number) for number in left]
        ):
            told = future.result()
            done = sum(kept(folder, number).exists() for number in batches)
            minutes = (time.monotonic() - started) / 60
            said = told["failure"].strip().splitlines()[-1:] or ["held"]
            so_far = f"{done} of {len(batches)} batches, {minutes:.0f} min"
            print(f"{so_far}; seed {told['seed']}: {said[0]}", flush=True)
    sys.exit(summary([json.loads(kept(folder, number).read_text()) for number in batches]))


def kept(folder: Path, number: int) -> Path:
    """Where a batch's counts are kept."""
    return folder / f"batch-{number:04d}.json"


def code_digest() -> str:
    """Digest of the code that is soaked, and of what soaks it."""
    held = sha256()
    for part in ("cluster", "pipelines", "soilft", "tests/support"):
        for path in sorted((ROOT / part).rglob("*.py")):
            held.update(path.read_bytes())
    return held.hexdigest()


def batch(folder: Path, number: int) -> dict[str, Any]:
    """Run the sequences of one seed, and keep their counts."""
    import cluster
    from tests.support import fork_server
    from tests.support.forked_commands import commands
    from tests.support.sequences import machine_of, world

    fork_server.use()
    asked = settings(
        max_examples=BATCH,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    own = folder / f"sequences-{number}"
    shutil.rmtree(own, ignore_errors=True)
    spec = cluster.ClusterSpec(kind="local", workers=2, memory="2GiB")
    failure = ""
    with (
        cluster.start(spec) as client,
        commands() as command,
        world(own, folder / "shared", client, command) as it,
    ):
        try:
            run_state_machine_as_test(seed(number)(machine_of(it)), settings=asked)
        except Exception:  # noqa: BLE001 - counted, printed, and the end of the soak is 1
            failure = traceback.format_exc()
    told = {"seed": number, "counts": dict(it.counts), "failure": failure}
    kept(folder, number).write_text(json.dumps(told, indent=1))
    if not failure:
        shutil.rmtree(own)
    return told


def summary(told: list[dict[str, Any]]) -> int:
    """Print the counts of all batches; 1 where anything did not hold."""
    counts = sum((Counter(batch["counts"]) for batch in told), Counter[str]())
    for batch in told:
        if batch["failure"]:
            print(f"\nseed {batch['seed']}:\n{batch['failure']}")
    faults = ", ".join(f"{counts.pop(name, 0)} {name}" for name in FAULTS)
    print(", ".join(f"{counts[name]} {name}" for name in sorted(counts)))
    failed = sum(bool(batch["failure"]) for batch in told)
    print(f"{faults}; {failed} of {len(told)} batches did not hold (SIMULATED)")
    return int(bool(failed))


if __name__ == "__main__":
    main()
