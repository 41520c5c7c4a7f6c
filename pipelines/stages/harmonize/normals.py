"""Stage harmonize, second part: the normals of brightness temperature for filling gaps."""

from __future__ import annotations

from dataclasses import replace

from pipelines.facts import NormalsFitted
from pipelines.work import Work
from soilft import __version__
from soilft.radiometers import eras, normals_fit, normals_store, pairs
from soilft.radiometers.normals_fit import NormalsBand
from soilft.radiometers.opened import GapRefs
from soilft.store.ledger import Done


def fit_normals(work: Work, key: str) -> Done:
    """Fit the normals of today's inputs, and write them."""
    run = work.run
    grid, span = run.config.to_region().grid, run.normal_span()
    inputs = replace(run.input_refs(), gaps=GapRefs((), eras.spells(run.operating())))
    tasks = {
        f"normals of rows {band}": NormalsBand(inputs, span, band) for band in pairs.bands(grid)
    }
    remedy = "Give each worker more memory, or make normal_days fewer."
    parts = work.gather("normals", normals_fit.fit_band, tasks, remedy=remedy)
    normals = normals_fit.joined(parts, inputs.open())
    about = {
        "simulated": str(run.is_simulated()).lower(),
        "soilft_version": __version__,
        "radiometers": list(run.radiometers()),
        "days": str(span),
        "least_seen": normals_fit.LEAST_SEEN,
        "least_pairs": normals_fit.LEAST_PAIRS,
    }
    url, content = normals_store.write(run.places.normals, normals, grid, about)
    return Done(key, content, NormalsFitted(run.places.path(url), len(span)).to_json())
