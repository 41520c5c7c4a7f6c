"""Ledger of finished work: what each unit was made from, and what was set aside.

A unit is done when its record holds the key that its inputs, code version and parameters give
today. Records are written after the data they speak of, so a run that is killed between the two
does the unit again, to the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Self

from soilft.store import objects


@dataclass(frozen=True)
class SetAside:
    """A granule that could not be used, and why."""

    granule: str
    code: str
    reason: str


@dataclass(frozen=True)
class Facts:
    """What a record tells of its unit beside key and content; a subclass names it, field by field.

    A field has a default where not every record tells of it.
    """

    def to_json(self) -> dict[str, Any]:
        """JSON values by name, for a record."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of(cls, record: Done) -> Self:
        """The facts of a record."""
        return cls.from_json(record.facts)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The facts among JSON values; others are left alone."""
        return cls(**{f.name: value[f.name] for f in fields(cls) if f.name in value})


@dataclass(frozen=True)
class Done:
    """One finished unit of work.

    Parameters
    ----------
    key
        Digest of everything the unit was made from.
    content
        Digest of what the unit made; later stages are keyed by it.
    facts
        Small things to remember, JSON values.
    set_aside
        Granules left out, with reasons.
    """

    key: str
    content: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    set_aside: tuple[SetAside, ...] = ()


@dataclass(frozen=True)
class Ledger:
    """The records below ``<store>/ledger``.

    A record that was read once is remembered, so an instance is for one command: it sees what it
    wrote itself, and not what others write meanwhile.
    """

    store: str
    _known: dict[tuple[str, str], Done] = field(default_factory=dict, compare=False, repr=False)
    _recalled: set[str] = field(default_factory=set, compare=False, repr=False)

    def _url(self, stage: str, unit: str) -> str:
        return objects.join(self.store, "ledger", stage, f"{unit}.json")

    def get(self, stage: str, unit: str) -> Done | None:
        """Record of a unit, or None where there is none."""
        if (stage, unit) not in self._known:
            if stage in self._recalled:
                return None
            record = _parse(objects.read_json(self._url(stage, unit)))
            if record is None:
                return None
            self._known[stage, unit] = record
        return self._known[stage, unit]

    def put(self, stage: str, unit: str, record: Done) -> None:
        """Remember a unit as done."""
        value = {**asdict(record), "written": datetime.now(UTC).isoformat(timespec="seconds")}
        objects.write(self._url(stage, unit), objects.to_json(value))
        self._known[stage, unit] = record

    def is_done(self, stage: str, unit: str, key: str) -> bool:
        """Whether the unit was finished from exactly this key."""
        record = self.get(stage, unit)
        return record is not None and record.key == key

    def recall(self, stage: str) -> None:
        """Read every record of a stage at once, however many: later `get` asks no store."""
        root = objects.join(self.store, "ledger", stage)
        for name, content in objects.read_all(root).items():
            record = _parse(json.loads(content))
            if record is not None:
                self._known[stage, name.removesuffix(".json")] = record
        self._recalled.add(stage)


def _parse(value: Any) -> Done | None:
    if value is None:
        return None
    return Done(
        value["key"],
        value["content"],
        value["facts"],
        tuple(SetAside(**item) for item in value["set_aside"]),
    )
