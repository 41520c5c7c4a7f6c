"""Figures of a run's report; without matplotlib there are none, and the page says so."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from pipelines.run import Run
from soilft.forest.artefact import ModelRef
from soilft.report import cube_states, record_figures, score_figures
from soilft.scores.evidence import TRUTH, Evidence
from soilft.store import objects


def figures(run: Run, model: ModelRef, evidence: Evidence, card: dict[str, Any]) -> dict[str, str]:
    """Every figure that there is something to show in, by name."""
    if find_spec("matplotlib") is None:
        return {}
    config, simulated = run.config, bool(card["simulated"])
    lon, lat = config.to_region().grid.lonlat
    drawn = score_figures.of_card(card) | record_figures.of_card(card)
    share = evidence.totals.share_right(TRUTH, config.label.input)
    if share is not None:
        drawn["accuracy_map"] = score_figures.accuracy_map(lon, lat, share, simulated=simulated)
    days = objects.read_json(run.places.availability)
    if days is not None:
        drawn["availability"] = record_figures.availability(days, simulated=simulated)
    return drawn | cube_states.draw(
        run.staging_url(model),
        run.places.input(config.label.input),
        config.label.reference_overpass,
        config.days,
        run.predict_spans(),
        lon,
        lat,
        simulated=simulated,
    )
