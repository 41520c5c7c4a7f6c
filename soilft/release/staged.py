"""Parts of a staged cube that are to be published, each keyed by what its days hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from soilft.cube import conventions as zarr_conventions
from soilft.days import DaySpan
from soilft.release import shards
from soilft.release.layout import Layout
from soilft.schema import Template
from soilft.store import checksums, objects
from soilft.store import zarr as store
from soilft.store.digest import digest

SERIES = "series"


@dataclass(frozen=True)
class Part:
    """The days of one shard: the smallest thing that is written anew or copied as it is.

    Parameters
    ----------
    index
        Number of the shard along time.
    key
        Digest of its days' values and of how they are cut and packed. Parts of equal keys are equal
        bytes.
    """

    index: int
    days: DaySpan
    key: str

    def as_json(self) -> dict[str, Any]:
        """The part as JSON values."""
        return {"first": str(self.days.first), "last": str(self.days.last), "key": self.key}


@dataclass(frozen=True)
class Staged:
    """A complete staged cube, and everything that is published with it.

    Parameters
    ----------
    url
        The staging cube: the values, in whatever chunks they were predicted in.
    template
        Structure of the cube, with the attributes to publish; its chunks do not count.
    days
        The axis of days.
    contents
        Digest of the values of each day, (day,).
    layout
        How the published cube is cut.
    method
        Everything but days that decides the values, JSON values; another method is a new version.
    groups
        Finished Zarr groups by the path they take in the cube: URL, and digest of the content.
    companions
        Prefixes to copy beside the cube by name below the release: URL, and digest of the content.
    files
        Small files to write beside the cube by name below the release, such as the page that shows
        it: their content, which comes with soilft and lies in no store.
    facts
        What ``latest.json`` and ``release.json`` say beside version and place, JSON values.
    """

    url: str
    template: Template
    days: DaySpan
    contents: Sequence[str]
    layout: Layout
    method: Mapping[str, Any]
    groups: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    companions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.contents) != len(self.days):
            raise ValueError(f"{len(self.contents)} digests for {len(self.days)} days")

    def saying(self, **facts: Any) -> Staged:
        """The same with more facts."""
        return replace(self, facts={**self.facts, **facts})

    @cached_property
    def templates(self) -> dict[str, Template]:
        """Templates of the groups that hold the days, by path; the cube itself is the root."""
        found = {"": self.layout.published(self.template)}
        if self.layout.series:
            found[SERIES] = replace(
                self.layout.copied(self.template),
                attributes={
                    **zarr_conventions.of(self.template.attributes),
                    "title": "The same values, cut for series of single pixels",
                    "comment": "Read a map from the root group and a series from this one.",
                },
            )
        return found

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The cube's days, cut by shards."""
        found = []
        cut = digest(
            self.layout.as_json(),
            [
                (v.name, v.dims, v.dtype, repr(v.fill), self.template.shape(v)[1:])
                for v in self.template.variables
            ],
            # A shard is never copied below metadata that read it otherwise.
            {
                path: [store.codecs(template, v) for v in template.variables]
                for path, template in self.templates.items()
            },
        )
        for index, days in enumerate(self.days.chunks(self.layout.shard_days)):
            rows = days.within(self.days)
            key = digest(cut, str(days), list(self.contents[rows]))
            found.append(Part(index, days, key))
        return tuple(found)

    def new_days(self, before: Mapping[str, Any] | None) -> list[DaySpan]:
        """Days of the parts that a release does not have as they are.

        Parameters
        ----------
        before
            What the release says of itself; None where there is none.
        """
        keys = set() if before is None else {part["key"] for part in before["parts"]}
        return [part.days for part in self.parts if part.key not in keys]

    @cached_property
    def metadata(self) -> dict[str, bytes]:
        """Metadata and coordinates of the cube by name below it, its root's the last to write.

        Raises
        ------
        DamagedChunk
            Where metadata of a group are not as they were written.
        """
        ready = {path: _metadata_of(url) for path, (url, _) in self.groups.items()}
        return shards.metadata(self.templates, ready)

    @cached_property
    def identity(self) -> str:
        """Digest of everything that would be published: values, method, and what is beside them."""
        return digest(
            dict(self.method),
            [part.key for part in self.parts],
            {name: sha256(content) for name, content in self.metadata.items()},
            {path: content for path, (_, content) in self.groups.items()},
            {
                **{name: content for name, (_, content) in self.companions.items()},
                **{name: sha256(content) for name, content in self.files.items()},
            },
        )

    def objects_of(self, part: Part) -> Iterator[tuple[str, bytes]]:
        """Every object of a part by its name below the cube."""
        staged = store.open_raw(self.url)
        rows = part.days.within(self.days)
        for variable in self.template.variables:
            values = np.asarray(store.array(staged, variable.name)[rows])
            for path, template in self.templates.items():
                for name, content in shards.shards(template, variable, values):
                    place = name.replace("c/0", f"c/{part.index}", 1)
                    yield "/".join(filter(None, (path, variable.name, place))), content


def _metadata_of(url: str) -> dict[str, bytes]:
    """Metadata of a finished group by name below it."""
    found = {}
    for name in filter(shards.is_metadata, objects.listing(url).keys() | checksums.known(url)):
        content = objects.read(objects.join(url, name))
        checksums.hold(objects.join(url, name), content)
        found[name] = content or b""
    return found


def sha256(content: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def md5(content: bytes) -> str:
    """MD5 of bytes, in hexadecimal: what S3 servers state of objects, no proof against forgery."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
