"""Figures of a run's report; without matplotlib there are none, and the page says so."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from pipelines.run import Run
from soilft.forest.artefact import ModelRef
from soilft.ingest.availability import Availability
from soilft.report import cube_states
from soilft.report import figures as draw
from soilft.scores.evidence import TRUTH, Evidence
from soilft.store import objects


def figures(run: Run, model: ModelRef, evidence: Evidence, card: dict[str, Any]) -> dict[str, str]:
    """Every figure that there is something to show in, by name."""
    if find_spec("matplotlib") is None:
        return {}
    simulated = bool(card["simulated"])
    headline = card["experiments"]["year_block"]
    found: dict[str, str] = {}
    lon, lat = run.config.to_region().grid.lonlat
    if headline["scores"] is not None:
        title = "Held-out years and blocks"
        found["confusion"] = draw.confusion(headline["scores"], title, simulated=simulated)
        bins = headline["probability"]["reliability"]
        found["reliability"] = draw.reliability(bins, simulated=simulated)
        found["monthly"] = draw.monthly(headline["by"]["month"], simulated=simulated)
    if card["importance"]:
        found["importance"] = draw.importance(card["importance"], simulated=simulated)
    if card["baselines"]:
        found["differences"] = draw.differences(card["baselines"], simulated=simulated)
    share = _accuracy(evidence, _map_reference(run, evidence))
    if share is not None:
        found["accuracy_map"] = draw.accuracy_map(lon, lat, share, simulated=simulated)
    days = objects.read_json(run.places.availability)
    if days is not None:
        table = Availability.from_json(days)
        found["availability"] = draw.availability(table, simulated=simulated)
    if card["annual"] and card["annual"]["layers"]:
        layers = card["annual"]["layers"]
        series = {layer["name"]: layer["series"] for layer in layers}
        found["annual"] = draw.annual(layers[0]["years"], series, simulated=simulated)
    if card["harmonization"] is not None:
        changes = card["harmonization"]["hand_overs"]
        if any(change["steps"] for change in changes):
            found["hand_over"] = draw.hand_overs(changes, simulated=simulated)
    return found | cube_states.draw(
        run.staging_url(model),
        run.places.input(run.config.label.input),
        run.config.label.reference_overpass,
        run.config.days,
        run.predict_spans(),
        lon,
        lat,
        simulated=simulated,
    )


def _map_reference(run: Run, evidence: Evidence) -> str:
    """The truth where it is known, else the label that was learnt."""
    return TRUTH if TRUTH in evidence.totals.known else run.config.label.input


def _accuracy(evidence: Evidence, name: str) -> Any:
    if name not in evidence.totals.known:
        return None
    known, right = evidence.totals.known[name], evidence.totals.right[name]
    return np.where(known > 0, right / np.maximum(known, 1), np.nan)
