"""Section ``cluster`` of a region file, made from the fields of `cluster.ClusterSpec`."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Annotated, Any, get_type_hints

from pydantic import Field, create_model

from cluster import ClusterSpec
from cluster.spec import Pairs, Toleration, pairs
from pipelines.config.sections import Section

#: How values of a type are written in a region file where not as themselves: numbers are positive.
_WRITTEN: dict[Any, Any] = {
    int: Annotated[int, Field(ge=1)],
    float: Annotated[float, Field(gt=0)],
    float | None: Annotated[float | None, Field(gt=0)],
    Pairs: dict[str, str],
}


def _model(name: str, of: type[Any], **defaults: Any) -> type[Section]:
    """Make a section with the fields of a dataclass."""
    types = get_type_hints(of)
    keys: dict[str, Any] = {}
    for field in fields(of):
        kind = types[field.name]
        default = {} if kind == Pairs else defaults.get(field.name, field.default)
        keys[field.name] = (_WRITTEN.get(kind, kind), ... if default is MISSING else default)
    return create_model(name, __base__=Section, **keys)


_WRITTEN[tuple[Toleration, ...]] = tuple[_model("TolerationSection", Toleration), ...]  # type: ignore[misc]
# A first run is on a laptop, and somebody looks at it.
_Settings = _model("_Settings", ClusterSpec, workers=2, memory="3GiB", dashboard=True)


class ClusterSection(_Settings):  # type: ignore[misc, valid-type]
    """Where it runs; see `cluster.ClusterSpec`. A key that stands here wins over the profile's."""

    profile: str | None = None

    def spec(self) -> ClusterSpec:
        """The cluster as its package describes it; the profile must have been filled in."""
        values = self.model_dump(exclude={"profile"})
        values |= {name: pairs(value) for name, value in values.items() if isinstance(value, dict)}
        values["tolerations"] = tuple(Toleration(**taint) for taint in values["tolerations"])
        return ClusterSpec(**values)
