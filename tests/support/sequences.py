"""Random sequences of what befalls a store, and what must hold after each step.

Granules come late or again, the period grows; commands run, and are killed, or lose a worker;
objects are flipped, cut and removed. After every command the latest release must be what an
undisturbed store would hold, or the command must have refused by name. All of it is SIMULATED.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from distributed import Client
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.support.forked_commands import Ended
from tests.support.once import made_once
from tests.support.undisturbed import (
    LONG,
    SHORT,
    START,
    VERSIONS,
    Inputs,
    Oracle,
    Place,
    cube,
    latest,
    simulate,
    values_of,
)

#: Where something is damaged, and how.
PLACES = ("inputs", "ledger", "models", "runs", "releases", "latest.json")
HOW = ("flipped", "cut", "gone")
# What `soilft run` must be able to make again.
MADE_AGAIN = frozenset({"inputs", "ledger", "models", "runs"})


@dataclass(frozen=True)
class World:
    """What all sequences of a process share."""

    folder: Path
    simulated: Path
    first: Path
    client: Client
    command: Callable[..., Ended]
    oracle: Oracle
    counts: Counter[str]


@contextmanager
def world(
    folder: Path, shared: Path, client: Client, command: Callable[..., Ended]
) -> Iterator[World]:
    """Give what sequences need: a folder of their own, and one that others share."""
    folder.mkdir(parents=True, exist_ok=True)
    simulated = made_once(shared, "late-archive", simulate)
    address = client.scheduler_info(n_workers=0)["address"]
    oracle = Oracle(shared, simulated, command, address)
    first = made_once(shared, "first", partial(oracle.made, Inputs()))
    yield World(folder, simulated, first, client, command, oracle, Counter())


# Who is killed, and before which change of a small object: a command without news makes ten.
moments = st.one_of(
    st.none(),
    st.tuples(
        st.sampled_from(["client", "worker"]), st.one_of(st.integers(0, 9), st.integers(10, 90))
    ),
)


def machine_of(world: World) -> type[RuleBasedStateMachine]:
    """Give the machine whose sequences happen in a world."""

    class Sequence(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            # Tasks of a client that was killed may still write to the store of another sequence.
            folder = world.folder / str(world.counts["sequences"])
            folder.mkdir()
            shutil.copytree(world.first / "store", folder / "store")
            self.place = Place(folder, world.simulated)
            self.inputs, self.config = Inputs(), self.place.prepare(Inputs())
            # By release, what its forest was trained on and what it holds.
            self.holds = {"v1.0": (Inputs(), Inputs())}
            # Inputs that the store may hold, the newest last: an ingest that ended leaves one.
            self.ingested = [Inputs()]
            # By path, the place and what damage has left there; None for nothing.
            self.damaged: dict[str, tuple[str, bytes | None]] = {}
            world.counts["sequences"] += 1

        def teardown(self) -> None:
            shutil.rmtree(self.place.store.parent, ignore_errors=True)

        # What befalls the store

        @precondition(lambda self: self.inputs.days == SHORT)
        @rule()
        def days_pass(self) -> None:
            self.arrive(replace(self.inputs, days=LONG))

        @rule(version=st.sampled_from(VERSIONS[1:]))
        def granules_are_delivered(self, version: str) -> None:
            self.arrive(replace(self.inputs, version=version))

        def arrive(self, inputs: Inputs) -> None:
            if inputs != self.inputs:
                world.counts["deliveries"] += 1
                self.inputs, self.config = inputs, self.place.prepare(inputs)
                self.ingested.append(inputs)

        @rule(
            place=st.sampled_from(PLACES),
            which=st.floats(0, 1, exclude_max=True),
            how=st.sampled_from(HOW),
        )
        def an_object_is_damaged(self, place: str, which: float, how: str) -> None:
            root = self.place.store / place
            files = sorted(p for p in root.rglob("*") if p.is_file()) or [root] * root.is_file()
            if not files:
                return
            path = files[int(which * len(files))]
            content = path.read_bytes()
            middle = len(content) // 2
            left = {
                "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
                "cut": content[:middle],
                "gone": None,
            }[how]
            path.unlink()
            if left is not None:
                path.write_bytes(left)
            self.damaged[str(path.relative_to(self.place.store))] = place, left
            world.counts["damages"] += 1

        # What is done about it

        @rule(kills=moments)
        def run(self, kills: tuple[str, int] | None) -> None:
            ended = self.carry_out("run", kills, {(self.inputs, self.inputs)})
            if kills is None and not self.damage_outside(MADE_AGAIN):
                assert ended.code == 0, ended.text
                self.require_latest(self.inputs, self.inputs)
            if ended.code == 0:
                self.ingested = [self.inputs]

        @rule(kills=moments)
        def update(self, kills: tuple[str, int] | None) -> None:
            pointer = latest(self.place.store)
            known = None if pointer is None else self.holds.get(pointer["version"])
            trained = self.inputs if known is None else known[0]
            ended = self.carry_out("update", kills, {(trained, self.inputs)})
            if kills is None and not self.damage_outside(frozenset({"inputs", "runs", "ledger"})):
                assert ended.code == 0, ended.text
                self.require_latest(trained, self.inputs)
            if ended.code == 0:
                self.ingested = [self.inputs]

        @rule(kills=moments)
        def ingest(self, kills: tuple[str, int] | None) -> None:
            ended = self.carry_out("ingest", kills, set())
            if kills is None and not self.damage_outside(MADE_AGAIN):
                assert ended.code == 0, ended.text
            if ended.code == 0:
                self.ingested = [self.inputs]

        @rule(kills=moments)
        def publish(self, kills: tuple[str, int] | None) -> None:
            self.carry_out("publish", kills, {(held, held) for held in self.ingested})

        @rule(data=st.data(), kills=moments)
        def roll_back(self, data: st.DataObject, kills: tuple[str, int] | None) -> None:
            version = data.draw(st.sampled_from(sorted(self.holds)))
            ended = self.carry_out("rollback", kills, set(), version)
            if kills is None and not self.damage_outside(MADE_AGAIN):
                assert ended.code == 0, ended.text
                assert (latest(self.place.store) or {})["version"] == version

        @rule(kills=moments)
        def prune(self, kills: tuple[str, int] | None) -> None:
            ended = self.carry_out("prune", kills, set(), "--keep-days", "0")
            if kills is None and not self.damage_outside(MADE_AGAIN):
                assert ended.code == 0, ended.text
            there = {
                p.parent.parent.name
                for p in self.place.store.glob("releases/*/cube.zarr/zarr.json")
            }
            self.holds = {v: held for v, held in self.holds.items() if v in there}

        @rule()
        def verify(self) -> None:
            pointer = latest(self.place.store)
            ended = self.carry_out("verify", None, set())
            if pointer is None:
                return
            own = f"releases/{pointer['version']}/"
            if any(path.startswith(own) for path in self.damage()):
                assert ended.code == 4, ended.text
            elif not self.damage_outside(MADE_AGAIN):
                assert ended.code == 0, ended.text

        # What must hold

        def carry_out(
            self,
            name: str,
            kills: tuple[str, int] | None,
            may_hold: set[tuple[Inputs, Inputs]],
            *more: str,
        ) -> Ended:
            """Carry out a command, and hold what it leaves against what it may publish."""
            on_cluster = name in ("run", "update", "ingest")
            words: list[object] = [
                name,
                self.config if on_cluster or name == "publish" else self.place.store,
                *more,
            ]
            words += ["--quiet", "--scheduler", world.oracle.scheduler] if on_cluster else []
            words += ["--quiet"] if name == "publish" else []
            killed = None
            if kills is not None and (on_cluster or kills[0] == "client"):
                process = 0 if kills[0] == "client" else self.a_worker()
                killed = process, kills[1]
            before = latest(self.place.store)
            ended = world.command(*words, kills=killed)
            world.counts["commands"] += 1
            world.counts["clients killed"] += ended.code == -9
            world.counts["refusals"] += ended.code > 0
            assert ended.code in (0, 2, 3, 4) or (ended.code == -9 and killed), ended.text
            assert "Traceback" not in ended.text, ended.text
            if ended.code > 0:
                assert "error[" in ended.text or ended.code == 3, ended.text
            self.take_up(before, may_hold)
            self.look()
            return ended

        def a_worker(self) -> int:
            pids = world.client.run(os.getpid).values()
            return min(pids)

        def take_up(
            self, before: dict[str, Any] | None, may_hold: set[tuple[Inputs, Inputs]]
        ) -> None:
            """Find out what a new release holds; it must be one of those that it may hold."""
            pointer = latest(self.place.store)
            version = None if pointer is None else pointer["version"]
            if version is None or version in self.holds or pointer == before:
                return
            world.counts["releases"] += 1
            _, found = self.read(version)
            held = next((it for it in may_hold if world.oracle.release(*it) == found), None)
            world.counts["damaged published"] += held is None
            assert held is not None, f"{version} holds none of {may_hold}"
            self.holds[version] = held

        def look(self) -> None:
            """Read what readers would, and hold it against what it must be."""
            pointer = latest(self.place.store)
            if pointer is None:
                assert "latest.json" in self.damaged, "the pointer is lost"
                return
            version = pointer["version"]
            own = [path for path in self.damage() if path.startswith(f"releases/{version}/")]
            if "latest.json" in self.damage() or version not in self.holds:
                return
            trained, held = self.holds[version]
            if own:
                # Metadata without a checksum, and chunks that are not there, only verify tells.
                chunks = [
                    path for path in own if "/c/" in path and (self.place.store / path).exists()
                ]
                if len(chunks) < len(own):
                    return
                try:
                    _, found = values_of(cube(self.place.store))
                except Exception:  # noqa: BLE001 - that it raises is what is asked
                    return
            else:
                _, found = self.read(version)
            expected = world.oracle.release(trained, held)
            if found != expected:
                world.counts["damaged published" if not own else "damage read"] += 1
            assert found == expected, f"{version} is not that of {trained}, {held}"

        def read(self, version: str) -> tuple[list[date], str]:
            """Read a release of which nothing is damaged, whole and each day once."""
            try:
                days, found = values_of(self.place.store / f"releases/{version}/cube.zarr")
            except Exception:
                world.counts["torn"] += 1
                raise
            whole = [START + timedelta(k) for k in range(len(days))]
            if len(set(days)) < len(days):
                world.counts["doubled"] += 1
            if not {whole[0], START + timedelta(SHORT - 1)} <= set(days):
                world.counts["lost"] += 1
            assert days == whole
            return days, found

        def require_latest(self, trained: Inputs, held: Inputs) -> None:
            pointer = latest(self.place.store)
            assert pointer is not None
            found = self.holds[pointer["version"]]
            if found[1].days < held.days:
                world.counts["lost"] += 1
            # By a forest of other inputs a release may come to the same values.
            assert world.oracle.release(*found) == world.oracle.release(trained, held)

        def damage(self) -> list[str]:
            """Paths of what is still as damage left it."""
            return [path for path, (_, left) in self.damaged.items() if self.content(path) == left]

        def damage_outside(self, places: frozenset[str]) -> bool:
            return any(self.damaged[path][0] not in places for path in self.damage())

        def content(self, path: str) -> bytes | None:
            whole = self.place.store / path
            return whole.read_bytes() if whole.exists() else None

    return Sequence
