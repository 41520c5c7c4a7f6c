"""Stage harmonize, second part: the normals of brightness temperature for filling gaps."""

from __future__ import annotations

from dataclasses import replace

from distributed import Client

from pipelines.events import Emit
from pipelines.run import Run
from pipelines.work import Outcomes, check_memory, collect
from soilft import __version__
from soilft.predictors import normals_fit
from soilft.predictors.normals_fit import NormalsBand, NormalsOfBand
from soilft.predictors.stores import GapRefs
from soilft.radiometers import eras, normals_store
from soilft.radiometers import pairs as overlap
from soilft.store.ledger import Record

STAGE, UNIT = "harmonize", "normals"


def make_normals(run: Run, client: Client, emit: Emit, outcomes: Outcomes) -> None:
    """Fit the normals of today's inputs, unless it is done, or nothing is filled by them."""
    if not run.needs_normals:
        return
    if run.normals() is not None:
        outcomes.skipped += 1
        return
    grid, span = run.config.to_region().grid, run.normal_span()
    inputs = replace(run.input_refs(), gaps=GapRefs((), eras.spells(run.operating())))
    tasks = {
        f"normals of rows {a}..{b - 1}": NormalsBand(inputs, span, (a, b))
        for a, b in overlap.bands(grid)
    }
    peak = max(task.peak_bytes for task in tasks.values())
    check_memory(client, STAGE, peak, "Give each worker more memory, or make normal_days fewer.")
    found: dict[str, NormalsOfBand] = {}
    part = Outcomes("normals")
    collect(client, normals_fit.fit_band, tasks, found.__setitem__, part, emit)
    if part.failed:
        outcomes.failed |= part.failed
        return
    normals = normals_fit.joined([found[unit] for unit in tasks], inputs.open())
    about = {
        "simulated": str(run.is_simulated()).lower(),
        "soilft_version": __version__,
        "radiometers": list(run.radiometers()),
        "days": str(span),
        "least_seen": normals_fit.LEAST_SEEN,
        "least_pairs": normals_fit.LEAST_PAIRS,
    }
    url, content = normals_store.write(run.url("normals"), normals, grid, about)
    facts = {"url": url.removeprefix(run.store).lstrip("/"), "days": len(span)}
    run.ledger.put(STAGE, UNIT, Record(run.normals_key(), content, facts))
    outcomes.done += 1
