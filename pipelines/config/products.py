"""Section ``inputs`` of a region file: a product each, its reader's settings and its granules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
)

from pipelines.config.sections import unchained
from soilft.errors import ConfigError
from soilft.sources import PRODUCTS

if TYPE_CHECKING:
    from soilft.sources import DailySource, IsmnArchive, StaticSource

#: Settings that are called otherwise in a region file than in the reader, where a property of every
#: source has the name.
RENAMED = {"variables_read": "variables"}
#: Settings that came after digests of region files had been written into stores.
LATER = frozenset({"depth_to", "flags", "masked_surfaces", "max_gap_hours", "threshold"})
#: Keys that decide whether a run goes on, and no value that it makes.
LETTING_PASS = frozenset({"may_be_absent", "least_known"})


def _known(product: str) -> str:
    if product not in PRODUCTS:
        word = product.lower().replace("_", "-")
        longer = [name for name in sorted(PRODUCTS) if len(word) > 2 and word in name]
        near = longer or get_close_matches(word, PRODUCTS, n=1)
        perhaps = f"; perhaps {' or '.join(near)} is meant" if near else ""
        raise ValueError(f"expected one of {', '.join(sorted(PRODUCTS))}, found {product}{perhaps}")
    return product


class Input(BaseModel):
    """A product and where its granules lie; `input_model` adds the settings of its reader."""

    model_config = ConfigDict(frozen=True)

    product: Annotated[str, AfterValidator(_known)]
    granules: Annotated[str | tuple[str, ...], AfterValidator(unchained)] = ()

    @property
    def patterns(self) -> tuple[str, ...]:
        """URL patterns of the granules."""
        return (self.granules,) if isinstance(self.granules, str) else self.granules

    def source(self) -> DailySource | StaticSource | IsmnArchive:
        """The source that these settings describe.

        Raises
        ------
        ConfigError
            Where its reader refuses one of them.
        """
        reader: Any = PRODUCTS[self.product]
        given = {f.name: getattr(self, RENAMED.get(f.name, f.name)) for f in fields(reader)}
        made: DailySource | StaticSource | IsmnArchive = reader(**given)
        return made

    def digested(self) -> dict[str, Any]:
        """JSON values of what decides the daily values: all but where the granules lie.

        Of the later settings, only what differs from the default: a region file that does not give
        them keeps the digest that it had before there were any.
        """
        settings = type(self).model_fields
        unsaid = {n for n in LATER & settings.keys() if getattr(self, n) == settings[n].default}
        return self.model_dump(mode="json", exclude={"granules", *LETTING_PASS, *unsaid})


class TimedInput(Input):
    """An input with days. One without a usable day ends the run, unless it ``may_be_absent``."""

    may_be_absent: bool = False


class StaticInput(Input):
    """An input without time. ``least_known`` is the share of the region's land it must tell of."""

    least_known: float = Field(0.5, ge=0, le=1)


@cache
def input_model(product: str) -> type[Input]:
    """Give the model of one product's input: the fields of its source are keys beside the common.

    >>> input_model("dem")(product="dem", variable="height").source()
    Dem(variable='height')
    """
    source: Any = PRODUCTS[product]
    types = get_type_hints(source)
    settings: dict[str, Any] = {"product": (Literal[product], ...)} | {
        RENAMED.get(f.name, f.name): (types[f.name], f.default) for f in fields(source)
    }
    return create_model(
        f"{source.__name__}Input",
        __base__=StaticInput if source.role == "static" else TimedInput,
        __cls_kwargs__={"extra": "forbid"},
        **settings,
    )


def _of_its_product(value: Any, otherwise: ValidatorFunctionWrapHandler) -> Input:
    """Only the reader that is named is loaded; a union of all models would load them all."""
    product = value.get("product") if isinstance(value, Mapping) else None
    if isinstance(product, str) and product in PRODUCTS:
        found = input_model(product).model_validate(value)
        try:
            found.source()
        except ConfigError as error:
            # What a reader refuses is told with its input and the file, as any wrong key is.
            raise ValueError(str(error)) from error
        return found
    # An input already, or what is wrong with it is told.
    given: Input = otherwise(value)
    return given


AnyInput = Annotated[SerializeAsAny[Input], WrapValidator(_of_its_product)]
