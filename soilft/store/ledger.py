"""Ledger of finished work: what each unit was made from, and what was set aside.

A unit is done when its record holds the key that its inputs, code version and parameters give
today. Records are written after the data they speak of, so a run that is killed between the two
does the unit again, to the same bytes. A record that cannot be read is said, and its unit is not
done: it costs that unit and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Self

from soilft.errors import DamagedObject
from soilft.store import documents, objects

_log = logging.getLogger(__name__)
_SHAPE = {
    "key": str,
    "content": str,
    "facts": dict,
    "set_aside": [{"granule": str, "code": str, "reason": str}],
    "?chunks": {str: (str, type(None))},
}
_REMEDY = "Its unit is done again."


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
        """The facts of a record.

        Raises
        ------
        DamagedObject
            Where the record does not tell what every one of its kind tells.
        """
        absent = [f.name for f in fields(cls) if _is_required(f) and f.name not in record.facts]
        if absent:
            raise DamagedObject(
                record.place or "a record",
                expected=f"a record that tells of {', '.join(absent)}",
                found=f"one of {', '.join(record.facts) or 'nothing'}",
                remedy="Remove it: its unit is done again.",
            )
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
    chunks
        Checksum of each chunk that was written, by its path below the store
        (`soilft.store.checksums`); none of units that release 0.3.0 recorded.
    place
        URL of the record where it was read from one, for the message of an error.
    """

    key: str
    content: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    set_aside: tuple[SetAside, ...] = ()
    chunks: Mapping[str, str | None] = field(default_factory=dict)
    place: str = field(default="", compare=False)


@dataclass(frozen=True)
class Ledger:
    """The records below ``<store>/ledger``.

    A record that was read once is remembered, so an instance is for one command: it sees what it
    wrote itself, and not what others write meanwhile.
    """

    store: str
    _known: dict[tuple[str, str], Done | None] = field(
        default_factory=dict, compare=False, repr=False
    )
    _chunks: dict[str, str | None] = field(default_factory=dict, compare=False, repr=False)
    _owner: dict[str, tuple[str, str]] = field(default_factory=dict, compare=False, repr=False)
    _recalled: set[str] = field(default_factory=set, compare=False, repr=False)

    def _url(self, stage: str, unit: str) -> str:
        return objects.join(self.store, "ledger", stage, f"{unit}.json")

    def get(self, stage: str, unit: str) -> Done | None:
        """Record of a unit, or None where there is none that can be read."""
        if (stage, unit) not in self._known:
            if stage in self._recalled:
                return None
            url = self._url(stage, unit)
            content = objects.read(url)
            if content is None:
                return None
            self._remember(stage, unit, _readable(url, content))
        return self._known[stage, unit]

    def put(self, stage: str, unit: str, record: Done) -> None:
        """Remember a unit as done. Another that wrote one of its objects before is to do again."""
        for at in {self._owner[path] for path in record.chunks if path in self._owner}:
            other = self._known[at]
            if at != (stage, unit) and other is not None:
                self.put(*at, replace(other, key="", chunks={}))
        value = {**asdict(record), "written": datetime.now(UTC).isoformat(timespec="seconds")}
        del value["place"]
        objects.write(self._url(stage, unit), objects.to_json(documents.sealed(value)))
        self._remember(stage, unit, record)

    def _remember(self, stage: str, unit: str, record: Done | None) -> None:
        self.forget(stage, unit)
        self._known[stage, unit] = record
        for path, value in ({} if record is None else record.chunks).items():
            self._chunks[path], self._owner[path] = value, (stage, unit)

    def forget(self, stage: str, unit: str) -> None:
        """Hold nothing more against what a unit wrote, which is about to be written anew."""
        before = self._known.get((stage, unit))
        for path in () if before is None else before.chunks:
            if self._owner.get(path) == (stage, unit):
                del self._owner[path], self._chunks[path]

    @property
    def chunks(self) -> Mapping[str, str | None]:
        """Checksum of every chunk that is known to have been written, by its path."""
        return MappingProxyType(self._chunks)

    def undo(self, paths: Collection[str]) -> list[str]:
        """Let the units that wrote some chunks be to do again; their names.

        What they wrote stays known: until it is made again, nobody reads what is damaged.
        """
        wrote = {
            at: record
            for at, record in self._known.items()
            if record is not None and not record.chunks.keys().isdisjoint(paths)
        }
        for (stage, unit), record in wrote.items():
            self.put(stage, unit, replace(record, key=""))
        return [f"{stage}/{unit}" for stage, unit in wrote]

    def is_done(self, stage: str, unit: str, key: str) -> bool:
        """Whether the unit was finished from exactly this key."""
        record = self.get(stage, unit)
        return record is not None and record.key == key

    def recall(self, stage: str) -> None:
        """Read every record of a stage at once, however many: later `get` asks no store.

        What lies there beside records is passed over.
        """
        root = objects.join(self.store, "ledger", stage)
        for name, content in objects.read_all(root).items():
            if name.endswith(".json"):
                record = _readable(objects.join(root, name), content)
                self._remember(stage, name.removesuffix(".json"), record)
        self._recalled.add(stage)


def _readable(url: str, content: bytes) -> Done | None:
    """The record, or None, which is said, where it is damaged."""
    try:
        value = documents.parsed(url, content, _SHAPE, _REMEDY)
    except DamagedObject as error:
        _log.warning("%s", error)
        return None
    names = [f.name for f in fields(SetAside)]
    aside = tuple(SetAside(*(item[n] for n in names)) for item in value["set_aside"])
    chunks = value.get("chunks") or {}
    return Done(value["key"], value["content"], value["facts"], aside, chunks, url)


def _is_required(of: Field[Any]) -> bool:
    return of.default is MISSING and of.default_factory is MISSING
