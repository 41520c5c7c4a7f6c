"""Stage harmonize, first part: inter-calibration of the radiometers, and tests of hand-overs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pipelines import lineage
from pipelines.facts import Harmonized, InputUnit
from pipelines.plan import Plan, Unit
from pipelines.run import Run
from pipelines.stages.harmonize.normals import fit_normals
from pipelines.work import Work, stage
from soilft import __version__
from soilft.channels import CODES
from soilft.days import day_of
from soilft.errors import StoreError
from soilft.radiometers import equivalence, eras, intercalibration_store, pairs
from soilft.radiometers import intercalibration_fit as fit
from soilft.radiometers.equivalence import StepBand
from soilft.radiometers.eras import HandOver, Link, Numbers
from soilft.radiometers.intercalibration import Transfer
from soilft.radiometers.intercalibration_fit import Fitted, Form
from soilft.radiometers.pairs import TEST, Codes, Pairing, SumBand
from soilft.schema import OVERPASSES
from soilft.store import zarr as store
from soilft.store.ledger import Done

STAGE = "harmonize"
TRANSFERS, NORMALS = "transfers", "normals"


@dataclass
class _Fits:
    """What was fitted so far, by radiometer.

    Parameters
    ----------
    tested
        Fitted without the pixels and days left out, for testing.
    used
        Fitted on all pairs, for the record.
    known
        Days that the fits and the choice of their forms know.
    """

    tested: dict[str, Fitted] = field(default_factory=dict)
    used: dict[str, Fitted] = field(default_factory=dict)
    known: dict[str, Numbers] = field(default_factory=dict)


@stage(STAGE)
def harmonize(work: Work) -> None:
    """Fit every radiometer to the reference, and the normals of what they see, unless it is done.

    Nothing is fitted to another where there is only one; no normals where nothing is filled by
    them.
    """
    run = work.run
    if run.harmonizes:
        record = work.once(plan(run).only(TRANSFERS), partial(_fit_all, work))
        work.outcomes.set_aside = [_unreached(run, n) for n in Harmonized.of(record).unreached]
    if run.needs_normals:
        work.once(plan(run).only(NORMALS), partial(fit_normals, work))


def plan(run: Run) -> Plan[None]:
    """Transfers between the radiometers and normals of today's inputs, those that are needed."""
    units = []
    if run.harmonizes:
        units.append(Unit(TRANSFERS, lineage.transfers_key(run), None))
    if run.needs_normals:
        # Normals are those of the inter-calibrated record.
        unknown = run.harmonizes and run.harmonization() is None
        units.append(Unit(NORMALS, None if unknown else lineage.normals_key(run), None))
    return Plan.of(run.ledger, STAGE, units)


def _unreached(run: Run, name: str) -> str:
    return (
        f"{name}: expected {eras.LEAST_DAYS} days in common with {run.reference_radiometer()} or "
        "with a radiometer that is fitted to it, found fewer; its brightness temperatures stay "
        "missing. Name a radiometer that bridges the gap, or set harmonize.enabled to false."
    )


def require_harmonized(run: Run) -> None:
    """Refuse to go on without inter-calibration or normals, where the region file asks for them.

    Raises
    ------
    StoreError
        Where those of today's inputs have not been fitted.
    """
    wanted = {
        TRANSFERS: "the radiometers fitted to one",
        NORMALS: "the normals that gaps are filled from",
    }
    for unit in plan(run).todo:
        raise StoreError(
            run.store,
            expected=f"{wanted[unit.name]}, for the inputs as they are",
            found="no such fit",
            remedy="Run the stage harmonize first.",
        )


def days_with_data(run: Run) -> dict[str, Numbers]:
    """Days since 1970-01-01 on which each radiometer has any pixel, by name.

    Raises
    ------
    StoreError
        Where not all days were ingested.
    """
    for name in run.radiometers():
        for span in run.ingest_spans():
            if run.ledger.get("ingest", str(InputUnit.of_days(name, span))) is None:
                raise StoreError(
                    run.places.input(name),
                    expected="all days ingested",
                    found=f"not those of {span}",
                    remedy="Run the stage ingest first.",
                )
    return run.days_with_data()


def _fit_all(work: Work, key: str) -> Done:
    run = work.run
    section, grid = run.config.harmonize, run.config.to_region().grid
    days, reference = days_with_data(run), run.reference_radiometer()
    links, unreached = eras.links(days, reference, section.overlap_days)
    pixel_role = pairs.roles_of_pixels(grid, section.block_degrees, section.seed)
    fits = _Fits()
    said = []
    for link in links:
        day_role = pairs.roles_of_days(link.days, section.block_days, section.seed)
        _fit(work, link, day_role, pixel_role, fits)
        fits.known[link.one] = link.days[day_role != TEST]
        used = fits.used[link.one]
        said.append(
            {
                "one": link.one,
                "other": link.other,
                "days": len(link.days),
                "first": str(day_of(int(link.days[0]))),
                "last": str(day_of(int(link.days[-1]))),
                "channels": fit.described(used, *_names(used.transfer)),
            }
        )
    changes = eras.hand_overs(days, run.radiometers())
    steps = [_test(work, change, days, pixel_role, fits) for change in changes]
    about = {
        "simulated": str(run.is_simulated()).lower(),
        "soilft_version": __version__,
        "settings": section.model_dump(mode="json"),
        "links": [{k: v for k, v in item.items() if k != "channels"} for item in said],
        "unreached": unreached,
    }
    urls = {}
    for kind, made in (("tested", fits.tested), ("used", fits.used)):
        urls[kind], content = intercalibration_store.write(
            run.places.harmonization,
            made,
            run.radiometers(),
            reference,
            grid,
            _all_axes(run),
            {**about, "pairs": "without those left out for testing" if kind == "tested" else "all"},
        )
    facts = Harmonized(
        used_url=run.places.path(urls["used"]),
        tested_url=run.places.path(urls["tested"]),
        reference=reference,
        links=said,
        unreached=unreached,
        hand_overs=steps,
    )
    return Done(key, content, facts.to_json())


def _fit(work: Work, link: Link, day_role: Codes, pixel_role: Codes, fits: _Fits) -> None:
    """Fit one radiometer, first for testing and then for use."""
    form: Form | None = None
    sums: fit.PairSums | None = None
    for part, known in ((fits.tested, "fit"), (fits.used, "all")):
        onto = part[link.other].transfer if link.other in part else None
        # Pairs with the reference itself are the same for both.
        if sums is None or onto is not None:
            pairing = _pairing(work.run, link.one, link.other, link.days, onto)
            sums = _summed(work, pairing, day_role, pixel_role)
        form = fit.choose(sums) if form is None else form
        part[link.one] = fit.fit(sums, form, known=known)


def _pairing(run: Run, one: str, other: str, days: Numbers, onto: Transfer | None) -> Pairing:
    return Pairing(run.places.input(one), run.places.input(other), run.config.days, days, onto)


def _summed(work: Work, pairing: Pairing, day_role: Codes, pixel_role: Codes) -> fit.PairSums:
    grid = work.run.config.to_region().grid
    tasks = {
        f"pairs of rows {band}": SumBand(pairing, band, day_role, pixel_role)
        for band in pairs.bands(grid)
    }
    parts = work.gather("pairs", pairs.sum_band, tasks)
    return pairs.joined(parts, pairing, pixel_role)


def _test(
    work: Work,
    change: HandOver,
    days: Mapping[str, Numbers],
    pixel_role: Codes,
    fits: _Fits,
) -> dict[str, Any]:
    """The steps of one hand-over by channel and node."""
    run = work.run
    found: dict[str, Any] = {
        "before": change.before,
        "after": change.after,
        "day": str(day_of(change.day)),
        "steps": [],
    }
    pair = (change.before, change.after)
    left_out = equivalence.days_left_out(days, change, fits.known)
    reached = all(name in fits.tested or name == run.reference_radiometer() for name in pair)
    if not len(left_out) or not reached:
        return {**found, "reason": "No day with both was left out of the fit."}
    grid, section = run.config.to_region().grid, run.config.harmonize
    places = equivalence.places_of(grid, pixel_role, section.block_degrees)
    pairing = _pairing(run, *pair, left_out, None)
    transfers = tuple(fits.tested[n].transfer if n in fits.tested else None for n in pair)
    tasks = {
        f"hand-over of rows {band}": StepBand(
            pairing,
            (transfers[0], transfers[1]),
            band,
            places,
        )
        for band in pairs.bands(grid)
    }
    first, *rest = work.gather("hand-over", equivalence.steps_of_band, tasks)
    total = sum(rest, start=first)
    found |= {"left_out": left_out.tolist(), "margin": equivalence.MARGIN_K}
    found["steps"] = equivalence.described(total, *_axes_named(pairing.axes()))
    return found


def _all_axes(run: Run) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Codes of the overpasses and channels that any radiometer has."""
    opened = [store.open_cube(run.places.input(name)) for name in run.radiometers()]
    passes, channels = (
        tuple(sorted({int(code) for record in opened for code in record[axis].values}))
        for axis in ("overpass", "channel")
    )
    return passes, channels


def _names(transfer: Transfer) -> tuple[list[str], list[str]]:
    return _axes_named((transfer.overpasses, transfer.channels))


def _axes_named(axes: tuple[Sequence[int], Sequence[int]]) -> tuple[list[str], list[str]]:
    """Names of overpasses and channels by their codes."""
    passes = {code: name for name, code in OVERPASSES.items()}
    channels = {code: name for name, code in CODES.items()}
    return [passes[code] for code in axes[0]], [channels[code] for code in axes[1]]
