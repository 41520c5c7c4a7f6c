"""Store of releases: named by itself, or by a region file of which nothing else is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from pipelines.config import region_file
from pipelines.config.as_written import read
from pipelines.config.publication import PublicationSection
from pipelines.config.sections import Location
from soilft.errors import ConfigError
from soilft.store import credentials

_FILES = (".yaml", ".yml")


class _Kept(BaseModel):
    """What of a region file tells where its releases are, and how long they stay."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    store: Location
    publication: PublicationSection = PublicationSection()


@dataclass(frozen=True)
class StoreOfReleases:
    """A store, and what is asked of its releases.

    Parameters
    ----------
    store
        Its URL.
    publication
        Of the region file; as it is by default where a store was named alone.
    """

    store: str
    publication: PublicationSection = field(default_factory=PublicationSection)

    @classmethod
    def of(cls, where: str, instead: str | None = None) -> StoreOfReleases:
        """The store that a URL, a folder, a region file or the name of a shipped one means.

        No other key of a region file is looked at, so that no variable need be set that names an
        archive.

        Parameters
        ----------
        instead
            URL in place of the region file's.

        Raises
        ------
        ConfigError
            Where it is none of these, or the file's keys cannot be used.
        """
        for given in filter(None, (where, instead)):
            credentials.refuse_in(given)
        path = region_file.shipped(where)
        if path.suffix in _FILES and path.is_file():
            return cls._of_file(path, {} if instead is None else {"store": instead})
        if instead is None and ("://" in where or Path(where).is_dir()):
            return cls(where.rstrip("/"))
        raise ConfigError(
            where,
            expected="a store (s3://bucket/prefix, or a folder that is there) or a region file",
            found="neither" if instead is None else f"none to take --store {instead} in place of",
        )

    @classmethod
    def _of_file(cls, path: Path, overrides: Mapping[str, Any]) -> StoreOfReleases:
        found = region_file.checked(path, read(path), overrides, _Kept, ("store", "publication"))
        return cls(found.store.rstrip("/"), found.publication)
