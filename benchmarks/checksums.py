"""A decade with and without a checksum in each chunk: bytes, time, and what a flip does.

The state and its probability on the Tibetan grid, SYNTHETIC seasons with noise, cut as they are
published, are written to a local folder both ways; maps of days and series of cells are read by
zarr-python, in turns. Then single bits of the state's shards are turned over, each time another,
and the shard is read. ``python benchmarks/checksums.py`` prints a table.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.cube import structure
from soilft.days import DaySpan
from soilft.grid import Region
from soilft.release.layout import Layout
from soilft.schema import Template
from soilft.store import zarr as store

DAYS = DaySpan(date(2011, 1, 1), date(2020, 12, 31))
GRID = Region("tibet", "latlon-0.25", (73.0, 26.0, 105.0, 41.0)).grid
STATE, PROBABILITY = "freeze_thaw_state", "frozen_probability"
Values = Mapping[str, npt.NDArray[Any]]


def values() -> Values:
    """States and probabilities of a decade as stored; a strip is missing each day."""
    draw = np.random.default_rng(0)
    day, row, column = np.ix_(*(np.arange(n) for n in (len(DAYS), *GRID.shape)))
    cold = 3 * np.cos(2 * np.pi * (day - 15 + row / 4) / 365.25) + np.sin(column / 9)
    cold = cold + draw.normal(0, 0.5, cold.shape)
    percent = np.rint(100 / (1 + np.exp(-1.5 * cold))).astype("uint8")
    missing = (column + row // 3 + 64 * day) % 96 < 7
    states = (percent > 50).astype("uint8")
    return {PROBABILITY: np.where(missing, 255, percent), STATE: np.where(missing, 255, states)}


def template(*, checked: bool) -> Template:
    """Structure of the cube, cut as a release."""
    whole = structure.template(GRID, DAYS, ["PM"], 30, {})
    some = tuple(v for v in whole.variables if v.name in (STATE, PROBABILITY))
    cut = Layout.of(GRID.shape, len(DAYS)).published(replace(whole, variables=some))
    return replace(cut, checked=checked)


def write(folder: Path, content: Values, *, checked: bool) -> str:
    """Write the decade; give its path."""
    store.create(str(folder), template(checked=checked))
    store.write_region(str(folder), content, {})
    return str(folder)


def read(url: str, pick: Callable[[int], Any], times: int) -> None:
    """Read the state by some indices, each time from the store."""
    state = store.array(store.open_raw(url), STATE)
    for k in range(times):
        np.asarray(state[pick(k)])


def map_of(k: int) -> Any:
    """Index of a day's map."""
    return (37 * k + 5) % len(DAYS)


def series_of(k: int) -> Any:
    """Index of a cell's series."""
    return (slice(None), (7 * k + 3) % GRID.shape[0], (11 * k + 5) % GRID.shape[1])


def seconds(do: Callable[[], Any]) -> float:
    """Seconds of the processor that it takes: other work on the machine does not count."""
    start = time.process_time()
    do()
    return time.process_time() - start


def flips(url: str, content: Values, count: int) -> Counter[str]:
    """What becomes of single bits turned over: an error, the right values, or wrong ones."""
    draw = np.random.default_rng(1)
    days = template(checked=True).shards["time"]
    shard, found = Path(url, STATE, "c/0/0/0"), Counter[str]()
    whole = shard.read_bytes()
    rows, columns = (template(checked=True).shards[axis] for axis in "yx")
    part = (slice(days), slice(rows), slice(columns))
    for _ in range(count):
        damaged = bytearray(whole)
        damaged[draw.integers(len(whole))] ^= 1 << int(draw.integers(8))
        shard.write_bytes(damaged)
        try:
            state = np.asarray(store.array(store.open_raw(url), STATE)[part])
        except (ValueError, RuntimeError):
            found["an error"] += 1
        else:
            right = np.array_equal(state, content[STATE][part])
            found["the right values" if right else "wrong values"] += 1
    shard.write_bytes(whole)
    return found


def main() -> None:
    """Measure both ways in turns, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--reads", type=int, default=20, help="maps and series a repetition")
    parser.add_argument("--flips", type=int, default=150)
    arguments = parser.parse_args()
    content = values()
    taken: dict[tuple[str, bool], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(arguments.repetitions):
            for checked in (turn % 2 == 0, turn % 2 == 1):
                at = Path(folder, f"{checked}-{turn}")
                each = {"write": lambda at=at, c=checked: write(at, content, checked=c)}
                for name, pick in (("map", map_of), ("series", series_of)):
                    each[name] = lambda at=at, pick=pick: read(str(at), pick, arguments.reads)
                for name, do in each.items():
                    taken.setdefault((name, checked), []).append(seconds(do))
        for checked in (False, True):
            url = Path(folder, f"{checked}-0")
            size = sum(p.stat().st_size for p in url.rglob("*") if p.is_file())
            middle = {n: statistics.median(t) for (n, c), t in taken.items() if c == checked}
            found = flips(str(url), content, arguments.flips)
            print(
                f"{'with' if checked else 'without'} checksums: {size:,} bytes; "
                f"written in {middle['write']:.2f} s of the processor; "
                f"a map {1000 * middle['map'] / arguments.reads:.1f} ms, "
                f"a series {1000 * middle['series'] / arguments.reads:.1f} ms; "
                f"of {arguments.flips} flips: {dict(found)}"
            )


if __name__ == "__main__":
    main()
