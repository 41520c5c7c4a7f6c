"""Real day: the ordinary command on real granules, into a real S3 server, read back by anyone.

Predictors are seven GLDAS granules and ETOPO terrain over the Tibetan Plateau on 2016-01-01, the
label is the ESA CCI flag of that day. Held-out blocks of 2 degrees, ten folds, neither latitude nor
longitude among the features. Fails where a score leaves the bounds below.

Run with ``make real-day``; needs SOILFT_SAMPLES, the folder of the granules.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pipelines.stages import order as stages  # noqa: E402
from tests.support.seaweed import S3Server, serve  # noqa: E402

REGION = "tibet-real-day"
LEAST_OVERALL, LEAST_BALANCED, MOST_SHUFFLED = 0.92, 0.86, 0.80
# What a reader does: plain xarray, no credentials, nothing of soilft.
READER = """
import json, sys, numpy as np, xarray as xr
ds = xr.open_zarr(sys.argv[1], storage_options={"anon": True})
assert "soilft" not in sys.modules
state = ds.freeze_thaw_state.values
print(json.dumps({
    "frozen": int((state == 1).sum()), "thawed": int((state == 0).sum()),
    "missing": int(np.isnan(state).sum()), "cells": int(state.size),
    "flags": ds.freeze_thaw_state.attrs["flag_meanings"], "simulated": ds.attrs["simulated"],
    "features": json.loads(ds.attrs["features"]),
}))
if len(sys.argv) > 2:
    ds.load().to_netcdf(sys.argv[2], engine="netcdf4")
"""


def main() -> None:
    """Run, read anonymously, compare with the bounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, help="draw the published day into this PNG")
    arguments = parser.parse_args()
    if not os.environ.get("SOILFT_SAMPLES"):
        sys.exit("real-day: set SOILFT_SAMPLES to the folder of real granules.")
    with serve() as server:
        store = f"s3://{server.public_bucket}/{REGION}"
        soilft(server, "run", REGION, "--store", store)
        again = soilft(server, "run", REGION, "--store", store, "--quiet")
        if not all(f"{stage}: nothing to do" in again for stage in stages.NAMES):
            sys.exit(f"real-day: a second run did something:\n{again}")
        cube = f"{store}/releases/v1.0/cube.zarr"
        seen = read_anonymously(server, cube, arguments.picture)
        scorecard = scorecard_of(server, store)
    print(f"\nOpened without credentials: {cube}\n  {json.dumps(seen)}")
    tried = scorecard["experiments"]
    blocks, control = (tried[name]["scores"] for name in ("year_block", "shuffled_labels"))
    checks = {
        f"overall accuracy in held-out blocks >= {LEAST_OVERALL}": (
            blocks["overall_accuracy"],
            blocks["overall_accuracy"] >= LEAST_OVERALL,
        ),
        f"balanced accuracy in held-out blocks >= {LEAST_BALANCED}": (
            blocks["balanced_accuracy"],
            blocks["balanced_accuracy"] >= LEAST_BALANCED,
        ),
        f"overall accuracy with shuffled labels <= {MOST_SHUFFLED}": (
            control["overall_accuracy"],
            control["overall_accuracy"] <= MOST_SHUFFLED,
        ),
        "majority class alone": (blocks["majority_share"], True),
        "no latitude or longitude among the features": (
            len(seen["features"]),
            not any("lat" in f or "lon" in f for f in seen["features"]),
        ),
        "every cell is thawed, frozen or missing": (
            seen["cells"],
            seen["frozen"] + seen["thawed"] + seen["missing"] == seen["cells"],
        ),
    }
    for name, (value, holds) in checks.items():
        print(f"  {'ok ' if holds else 'BAD'} {name}: {value:.3f}")
    print("One day, one label: no multi-day prediction from real observations was run.")
    if not all(holds for _, holds in checks.values()):
        sys.exit(1)


def environment(server: S3Server) -> dict[str, str]:
    """What the command needs to write to the server."""
    return {**os.environ, **server.environment(), "NO_PROXY": "127.0.0.1"}


def soilft(server: S3Server, *arguments: str) -> str:
    """Run the installed command; show and give what it prints."""
    command = [str(Path(sys.executable).with_name("soilft")), *arguments]
    done = subprocess.run(
        command, env=environment(server), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    print(done.stdout, flush=True)
    if done.returncode:
        sys.exit(f"real-day: {' '.join(command)} ended with {done.returncode}")
    return done.stdout


def read_anonymously(server: S3Server, cube: str, picture: Path | None) -> dict[str, Any]:
    """Open the release as a stranger would: the endpoint is known, keys are not."""
    copy = [] if picture is None else [str(picture.with_suffix(".nc").resolve())]
    bare = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    bare |= {"AWS_ENDPOINT_URL": server.endpoint, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", READER, cube, *copy],
        env=bare,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"real-day: the anonymous reader failed:\n{done.stderr}")
    if picture is not None:
        draw(Path(copy[0]), picture)
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def draw(copy: Path, picture: Path) -> None:
    """Draw what the stranger read, and remove the copy."""
    import xarray as xr

    from soilft.report.style import day_map

    with xr.open_dataset(copy, engine="netcdf4") as cube:
        day_map(cube, "2016-01-01").savefig(picture, dpi=110)
    copy.unlink()


def scorecard_of(server: S3Server, store: str) -> dict[str, Any]:
    """The published scorecard."""
    client = server.client()
    key = (
        store.removeprefix(f"s3://{server.public_bucket}/") + "/releases/v1.0/report/scorecard.json"
    )
    body = client.get_object(Bucket=server.public_bucket, Key=key)["Body"].read()
    client.close()
    value: dict[str, Any] = json.loads(body)
    return value


if __name__ == "__main__":
    main()
