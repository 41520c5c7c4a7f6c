"""Stage harmonize, first part: inter-calibration of the radiometers, and tests of hand-overs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pipelines import lineage
from pipelines.facts import Harmonized, InputUnit
from pipelines.plan import Plan, Unit
from pipelines.run import Run
from pipelines.stages.harmonize.normals import fit_normals
from pipelines.stages.ingest.sufficiency import require_sufficient
from pipelines.work import Work, stage
from soilft import __version__
from soilft.errors import StoreError
from soilft.radiometers import equivalence, eras, intercalibration_store, pairs
from soilft.radiometers.equivalence import StepBand
from soilft.radiometers.eras import HandOver, Link, Numbers
from soilft.radiometers.intercalibration import Axes, Transfer
from soilft.radiometers.intercalibration_fit import Fitted, PairSums
from soilft.radiometers.intercalibration_links import LinkFits
from soilft.radiometers.pairs import Codes, Pairing, SumBand
from soilft.store.ledger import Done

STAGE = "harmonize"
TRANSFERS, NORMALS = "transfers", "normals"


@stage(STAGE)
def harmonize(work: Work) -> None:
    """Fit every radiometer to the reference, and the normals of what they see, unless it is done.

    Nothing is fitted to another where there is only one; no normals where nothing is filled by
    them.

    Raises
    ------
    AbsentInput
        Where an input lacks so much that nothing may be trained on what is there.
    """
    run = work.run
    require_sufficient(run)
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
    """Fit link by link, test the hand-overs, write the fits for testing and for use."""
    run = work.run
    section, grid = run.config.harmonize, run.config.to_region().grid
    days, fits = days_with_data(run), LinkFits(run.reference_radiometer())
    pixel_role = pairs.roles_of_pixels(grid, section.block_degrees, section.seed)
    links, unreached = eras.links(days, fits.reference, section.overlap_days)
    for link in links:
        _fit(work, link, pixel_role, fits)
    changes = eras.hand_overs(days, run.radiometers())
    steps = [_test(work, change, days, pixel_role, fits) for change in changes]
    told = [item.described() for item in fits.fits.values()]
    about = {
        "simulated": str(run.is_simulated()).lower(),
        "soilft_version": __version__,
        "settings": section.model_dump(mode="json"),
        "links": [{k: v for k, v in item.items() if k != "channels"} for item in told],
        "unreached": unreached,
    }
    axes = intercalibration_store.axes_of(run.places.input(name) for name in run.radiometers())
    left_out = "without those left out for testing"
    tested_url, _ = _write(run, fits.tested, axes, {**about, "pairs": left_out})
    used_url, content = _write(run, fits.used, axes, {**about, "pairs": "all"})
    facts = Harmonized(
        used_url=used_url,
        tested_url=tested_url,
        reference=fits.reference,
        links=told,
        unreached=unreached,
        hand_overs=steps,
    )
    return Done(key, content, facts.to_json())


def _fit(work: Work, link: Link, pixel_role: Codes, fits: LinkFits) -> None:
    section = work.run.config.harmonize
    day_role = pairs.roles_of_days(link.days, section.block_days, section.seed)
    pairings = [_pairing(work.run, link.one, link.other, link.days, t) for t in fits.onto(link)]
    sums = [_summed(work, pairing, day_role, pixel_role) for pairing in pairings]
    fits.add(link, sums, day_role)


def _summed(work: Work, pairing: Pairing, day_role: Codes, pixel_role: Codes) -> PairSums:
    tasks = {
        f"pairs of rows {band}": SumBand(pairing, band, day_role, pixel_role)
        for band in pairs.bands(work.run.config.to_region().grid)
    }
    parts = work.gather("pairs", pairs.sum_band, tasks)
    return pairs.joined(parts, pairing, pixel_role)


def _test(
    work: Work, change: HandOver, days: Mapping[str, Numbers], pixel_role: Codes, fits: LinkFits
) -> dict[str, Any]:
    """The steps of one hand-over by channel and node."""
    run = work.run
    left_out = fits.days_left_out(change, days)
    if not len(left_out):
        return equivalence.described_untested(change)
    grid, section = run.config.to_region().grid, run.config.harmonize
    places = equivalence.places_of(grid, pixel_role, section.block_degrees)
    pairing = _pairing(run, change.before, change.after, left_out)
    tasks = {
        f"hand-over of rows {band}": StepBand(pairing, fits.transfers(change), band, places)
        for band in pairs.bands(grid)
    }
    first, *rest = work.gather("hand-over", equivalence.steps_of_band, tasks)
    return equivalence.described_test(change, left_out, sum(rest, start=first), pairing.axes())


def _pairing(
    run: Run, one: str, other: str, days: Numbers, onto: Transfer | None = None
) -> Pairing:
    return Pairing(run.places.input(one), run.places.input(other), run.config.days, days, onto)


def _write(
    run: Run, fitted: Mapping[str, Fitted], axes: Axes, about: Mapping[str, Any]
) -> tuple[str, str]:
    """Path below the store of the coefficients, and the digest of their values."""
    url, content = intercalibration_store.write(
        run.places.harmonization,
        fitted,
        run.radiometers(),
        run.reference_radiometer(),
        run.config.to_region().grid,
        axes,
        about,
    )
    return run.places.path(url), content
