"""The units of work of a stage: which of them the ledger has, and which are to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from soilft.store.ledger import Done, Ledger

Task = TypeVar("Task")


@dataclass(frozen=True)
class Unit(Generic[Task]):
    """One unit of work.

    Parameters
    ----------
    name
        Of the unit among those of its plan.
    key
        Digest of all that the unit depends on; None while units that it depends on are to do.
    task
        What a worker is given to do it, small; None where the unit is not done by one task.
    """

    name: str
    key: str | None
    task: Task


@dataclass(frozen=True)
class Plan(Generic[Task]):
    """The units of a stage in their order, beside what the ledger has of them.

    Parameters
    ----------
    records
        Of the units that are done, by name.
    within
        What the ledger has before the names of the units.
    cautions
        Sentences about what was found and is in none of the units.
    """

    stage: str
    units: tuple[Unit[Task], ...]
    records: Mapping[str, Done]
    within: str = ""
    cautions: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, ledger: Ledger, stage: str, units: Iterable[Unit[Task]], within: str = ""
    ) -> Plan[Task]:
        """Units as they are to be, compared with the ledger. Writes nothing."""
        units = tuple(units)
        records = {}
        for unit in units:
            record = ledger.get(stage, f"{within}{unit.name}")
            if record is not None and record.key == unit.key:
                records[unit.name] = record
        return cls(stage, units, records, within)

    def __len__(self) -> int:
        return len(self.units)

    @property
    def done(self) -> list[Unit[Task]]:
        """Units that the ledger has with today's key."""
        return [unit for unit in self.units if unit.name in self.records]

    @property
    def todo(self) -> list[Unit[Task]]:
        """Units that it has not."""
        return [unit for unit in self.units if unit.name not in self.records]

    @property
    def left(self) -> Plan[Task]:
        """The plan of the units to do alone."""
        return replace(self, units=tuple(self.todo), records={})

    def without(self, forgotten: Callable[[Done], bool]) -> Plan[Task]:
        """The plan in which some of the units that are done are to do again."""
        kept = {name: record for name, record in self.records.items() if not forgotten(record)}
        return replace(self, records=kept)

    def only(self, *names: str) -> Plan[Task]:
        """The plan of some of the units."""
        return replace(self, units=tuple(unit for unit in self.units if unit.name in names))

    @property
    def contents(self) -> list[str]:
        """Digests of what the units made that are done, in their order."""
        return [self.records[unit.name].content for unit in self.done]


def single(ledger: Ledger, stage: str, name: str, key: str | None, within: str = "") -> Plan[None]:
    """The plan of one unit that is not one task, but made from what many tasks gave."""
    return Plan.of(ledger, stage, [Unit(name, key, None)], within)
