"""Sections of a region file on what is published: what is let through, and who made it."""

from __future__ import annotations

from dataclasses import fields

from pydantic import Field

from pipelines.config.sections import Section
from soilft.cube.attributes import Credits, Party, PartyType
from soilft.release.checks import Limits


class PartySection(Section):
    """Who made or who publishes the cube."""

    name: str = Field(min_length=1)
    type: PartyType = "group"
    email: str = ""
    url: str = ""
    institution: str = ""


class MetadataSection(Section):
    """What the attributes of the cube say of its making; what is left empty is not written.

    Nothing here decides a value of the cube, so a change predicts nothing anew: the next
    ``soilft publish`` writes other attributes. ``license`` is an SPDX identifier, a URL or a
    sentence; ``contributors`` are roles by name; ``inputs`` are references, with DOIs, of inputs
    whose product does not tell, such as the elevation model, by name.
    """

    creator: PartySection | None = None
    publisher: PartySection | None = None
    contributors: dict[str, str] = Field(default_factory=dict)
    institution: str = ""
    project: str = ""
    program: str = ""
    id: str = Field("", pattern=r"^\S*$")
    naming_authority: str = ""
    license: str = Field("CC-BY-4.0", min_length=1)
    acknowledgement: str = ""
    comment: str = ""
    references: tuple[str, ...] = ()
    metadata_link: str = Field("", pattern=r"^(https?://\S+)?$")
    inputs: dict[str, str] = Field(default_factory=dict)

    def credits(self) -> Credits:
        """The same as a value of the science."""
        values = self.model_dump(exclude={"creator", "publisher", "inputs"})
        return Credits(
            creator=Party() if self.creator is None else Party(**self.creator.model_dump()),
            publisher=Party() if self.publisher is None else Party(**self.publisher.model_dump()),
            **values,
        )


class PublicationSection(Section):
    """What may be published, how it is cut, and how long what it replaces stays.

    ``series`` is whether pixels' series have a copy of their own; null decides by the grid. Limits
    are those of `soilft.release.checks.Limits`. A release that was replaced stays ``keep_days``;
    ``soilft prune`` removes it then.
    """

    series: bool | None = None
    max_age: int = Field(Limits.max_age, ge=0)
    recent_days: int = Field(Limits.recent_days, ge=1)
    max_missing: float = Field(Limits.max_missing, ge=0, le=1)
    cold_kelvin: float = Field(Limits.cold_kelvin, gt=0)
    cold_days: int = Field(Limits.cold_days, ge=1)
    max_impossible: float = Field(Limits.max_impossible, ge=0, le=1)
    min_skill: float = Field(Limits.min_skill, ge=-1, le=1)
    keep_days: int = Field(30, ge=0)
    lease_seconds: float = Field(900, gt=0)

    def limits(self) -> Limits:
        """What is let through."""
        return Limits(**self.model_dump(include={f.name for f in fields(Limits)}))
