"""Inputs of a run that lack days or cells, and the refusal to train without them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import floor

import numpy as np
import numpy.typing as npt

from pipelines.config.products import StaticInput, TimedInput
from pipelines.facts import IngestedDays, InputUnit
from pipelines.run import Run
from soilft.errors import AbsentInput
from soilft.ingest.sufficiency import LOW_SHARE, KnownCells, UsableDays, known_cells, usable_days
from soilft.store import zarr as store
from soilft.store.ledger import Done

Records = Mapping[str, Done]


@dataclass(frozen=True)
class Lack:
    """What an input lacks, as the error that it is or would be.

    Parameters
    ----------
    refused
        Whether nothing is trained for it; else it is a caution.
    """

    error: AbsentInput
    refused: bool


def require_sufficient(run: Run) -> None:
    """Refuse to go on where an input has no usable day, or tells of too little of the region.

    All days of the period count that were ingested, so that a record which has an input is not
    stopped by new days without it.

    Raises
    ------
    AbsentInput
        Naming each such input, what was found, and the key that would let it pass.
    """
    refused = [lack.error for lack in lacks(run, recorded(run)) if lack.refused]
    if len(refused) == 1:
        raise refused[0]
    if refused:
        raise AbsentInput(" ".join(map(str, refused)))


def cautions(run: Run, records: Records | None = None) -> list[str]:
    """Sentences about inputs that lack days or cells, by the ledger or by some of its records."""
    return [str(lack.error) for lack in lacks(run, recorded(run) if records is None else records)]


def recorded(run: Run) -> Records:
    """Records of all ingested units, by name."""
    units = [
        InputUnit.of_days(name, span)
        for name in run.config.daily_sources()
        for span in run.ingest_spans()
    ]
    units += [InputUnit.of_static(name) for name in run.config.static_sources()]
    units += [InputUnit.of_stations(name) for name in run.config.station_sources()]
    found = {str(unit): run.ledger.get("ingest", str(unit)) for unit in units}
    return {name: record for name, record in found.items() if record is not None}


def lacks(run: Run, records: Records) -> list[Lack]:
    """What each input lacks, in the order of the region file; nothing of what is not ingested."""
    said = [*_days(run, records), *_cells(run, records), *_stations(run, records)]
    names = list(run.config.inputs)
    return sorted(said, key=lambda lack: names.index(lack.error.thing.removeprefix("inputs.")))


def _days(run: Run, records: Records) -> Iterator[Lack]:
    """Inputs with days that lack all of them, or more than a few."""
    found = {}
    for name in run.config.daily_sources():
        days = _ingested_days(run, name, records)
        if days is not None:
            found[name] = days
    for name, days in found.items():
        if days.usable.any():
            if days.share < LOW_SHARE:
                yield Lack(_too_few_days(run, name, days, records), refused=False)
            continue
        needed = _is_needed(run, name, found)
        refused = needed and not _may_be_absent(run, name, found)
        # What flew at another time and is not needed is not missed.
        if needed or days.expected.any():
            remedy = _remedy(run, name, found) if refused else "The run goes on without it."
            yield Lack(_no_day(run, name, days, records, remedy), refused)


def _ingested_days(run: Run, name: str, records: Records) -> UsableDays | None:
    """The days of an input; None where none were ingested."""
    days = run.config.days
    known = np.zeros(len(days), bool)
    granules, coverage = np.zeros(len(days), int), np.zeros(len(days))
    for span in run.ingest_spans():
        record = records.get(str(InputUnit.of_days(name, span)))
        facts = None if record is None else IngestedDays.of(record)
        # The last chunk of a period that has grown since is not ingested as it is now.
        if facts is not None and len(facts.coverage) == len(span):
            rows = span.within(days)
            known[rows], coverage[rows] = True, facts.coverage
            granules[rows] = facts.granules or 0
    if not known.any():
        return None
    known &= _simulated(run)
    return usable_days(run.config.daily_sources()[name], days, known, granules, coverage)


def _simulated(run: Run) -> npt.NDArray[np.bool_]:
    """Days that a simulation makes, bool (day,): those of its spans; all of real granules."""
    days, simulation = run.config.days, run.config.simulation
    if simulation is None or simulation.direct == "between":
        return np.ones(len(days), bool)
    made = set(simulation.days(days))
    return np.array([day in made for day in days], bool)


def _is_needed(run: Run, name: str, found: Mapping[str, UsableDays]) -> bool:
    """Whether nothing is trained without an input that has no day.

    Of radiometers, one for which no other stands in on the days that it could have; of labels, the
    one that is learnt.
    """
    radiometers = [found[other].usable for other in run.radiometers() if other in found]
    if name in run.radiometers():
        seen, own = np.logical_or.reduce(radiometers), found[name].expected
        return not (seen & own).any() if own.any() else not seen.any()
    role = run.config.daily_sources()[name].role
    return role == "reanalysis" or name == run.config.label.input


def _may_be_absent(run: Run, name: str, found: Mapping[str, UsableDays]) -> bool:
    """Whether the region file lets an absent input pass, and something can be made without it.

    Where radiometers are asked for, a pixel-day that none has seen is not predicted.
    """
    item = run.config.inputs[name]
    allowed = isinstance(item, TimedInput) and item.may_be_absent
    return allowed and not (name in run.radiometers() and _all_blind(run, found))


def _all_blind(run: Run, found: Mapping[str, UsableDays]) -> bool:
    """Whether no radiometer has any day."""
    return not any(found[name].usable.any() for name in run.radiometers() if name in found)


def _too_few_days(run: Run, name: str, days: UsableDays, records: Records) -> AbsentInput:
    return AbsentInput(
        f"inputs.{name}",
        expected=f"a value on most of {_expected(run, name, days)}",
        found=f"one on {days.usable.sum()} of them{_why(run, name, days, records)}",
    )


def _remedy(run: Run, name: str, found: Mapping[str, UsableDays]) -> str:
    """What to do about an input whose absence is refused."""
    if name == run.config.label.input:
        return "Get its granules: without labels nothing can be learnt."
    if name in run.radiometers() and _all_blind(run, found):
        return "Get what is missing, or leave the radiometers out of the inputs: none has a day."
    return f"Get what is missing, ask for less, or let it pass: inputs.{name}.may_be_absent: true."


def _no_day(run: Run, name: str, days: UsableDays, records: Records, remedy: str) -> AbsentInput:
    if days.expected.any():
        expected = f"a value on some of {_expected(run, name, days)}"
        found = f"none{_why(run, name, days, records)}"
    else:
        expected = f"a period with days that {run.config.inputs[name].product} can have"
        found = str(run.config.days)
    return AbsentInput(f"inputs.{name}", expected=expected, found=found, remedy=remedy)


def _expected(run: Run, name: str, days: UsableDays) -> str:
    count, product = days.expected.sum(), run.config.inputs[name].product
    noun = "day" if count == 1 else "days"
    return f"the {count} {noun} of {run.config.days} that {product} can have"


def _why(run: Run, name: str, days: UsableDays, records: Records) -> str:
    """Reasons for days without a value, to follow what was found."""
    aside = [
        item.reason
        for unit, record in records.items()
        if unit.startswith(f"{name}/")
        for item in record.set_aside
    ]
    lost = days.expected & ~days.usable
    in_vain, without = lost & days.delivered, int((lost & ~days.delivered).sum())
    reasons = []
    if in_vain.any():
        short = _shortfall(run, name, in_vain)
        reasons.append(short or f"granules without a value here on {in_vain.sum()} of them")
    if without:
        reasons.append(f"no granule of {without} of them")
    if aside:
        reasons.append(f"{len(aside)} granules set aside, such as {aside[0].removesuffix('.')}")
    return f": {'; '.join(reasons)}" if reasons else ""


def _shortfall(run: Run, name: str, in_vain: npt.NDArray[np.bool_]) -> str:
    """What the reader says of the counts of granules on days that have no value."""
    source = run.config.daily_sources()[name]
    said = getattr(source, "shortfall", None)
    if said is None:
        return ""
    stored = store.open_stored(run.places.input(name))
    counts = [v.name for v in source.variables if v.dims == ("time",)]
    # The store may be longer than the period, or as long as it was before it grew.
    rows = np.flatnonzero(in_vain)
    rows = rows[rows < stored.sizes["time"]]
    return str(said({n: stored[n].values[rows] for n in counts}))


def _cells(run: Run, records: Records) -> Iterator[Lack]:
    """Static inputs that tell of a part of the region."""
    ingested = {
        name: source
        for name, source in run.config.static_sources().items()
        if str(InputUnit.of_static(name)) in records
    }
    if not ingested:
        return
    fields, region = store.open_cube(run.places.static), run.config.to_region()
    for name, source in ingested.items():
        values = {v.name: fields[v.name].values for v in source.variables}
        found, item = known_cells(source, values, region), run.config.inputs[name]
        if found.known < found.cells:
            # Where no land is known the sea counts, of which a source may have nothing.
            short = isinstance(item, StaticInput) and found.share < item.least_known
            refused = short and found.land
            yield Lack(_too_few_cells(run, name, found, refused=refused), refused)


def _too_few_cells(run: Run, name: str, found: KnownCells, *, refused: bool) -> AbsentInput:
    item = run.config.inputs[name]
    wanted = f"{item.least_known:.0%}" if refused and isinstance(item, StaticInput) else "all"
    share = floor(100 * found.share)
    key = f"inputs.{name}.least_known: {share / 100:g}"
    return AbsentInput(
        f"inputs.{name}",
        expected=f"values on {'at least ' * refused}{wanted} of the region's {found.cells} cells"
        + " of land" * found.land,
        found=f"them on {found.known}, {share}%",
        remedy=f"Get the files of the rest, or let it pass: {key}." if refused else "",
    )


def _stations(run: Run, records: Records) -> Iterator[Lack]:
    """Archives of stations without a day; no prediction depends on them."""
    for name in run.config.station_sources():
        record = records.get(str(InputUnit.of_stations(name)))
        if record is None or any(IngestedDays.of(record).coverage):
            continue
        error = AbsentInput(
            f"inputs.{name}",
            expected=f"stations with a value on some of {run.config.days}",
            found="none in the region",
            remedy="The run goes on without them.",
        )
        yield Lack(error, refused=False)
