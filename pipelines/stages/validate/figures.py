"""Figures of a run's report; without matplotlib there are none, and the page says so."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from pipelines.run import Run
from soilft.days import day_of
from soilft.forest.artefact import ModelRef
from soilft.ingest.availability import Availability
from soilft.report import figures as draw
from soilft.schema import OVERPASSES
from soilft.scores.evidence import TRUTH, Evidence
from soilft.store import objects
from soilft.store import zarr as store


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
    return found | _states(run, model, lon, lat, simulated=simulated)


def _map_reference(run: Run, evidence: Evidence) -> str:
    """The truth where it is known, else the label that was learnt."""
    return TRUTH if TRUTH in evidence.totals.known else run.config.label.input


def _accuracy(evidence: Evidence, name: str) -> Any:
    if name not in evidence.totals.known:
        return None
    known, right = evidence.totals.known[name], evidence.totals.right[name]
    return np.where(known > 0, right / np.maximum(known, 1), np.nan)


def _states(run: Run, model: ModelRef, lon: Any, lat: Any, *, simulated: bool) -> dict[str, str]:
    """Four days of the cube a season apart, and all days of the pixel with the most of them."""
    group = store.open_raw(run.staging_url(model))
    state = store.array(group, "freeze_thaw_state")
    whole = run.config.days
    known = np.concatenate(
        [(np.asarray(state[s.within(whole)]) <= 1).sum(axis=(1, 2)) for s in run.predict_spans()]
    )
    if not known.any():
        return {}
    examples = []
    for part in np.array_split(np.arange(len(whole)), min(4, len(whole))):
        at = int(part[np.argmax(known[part])])
        day = day_of(int(whole.numbers[at]))
        examples.append((str(day), np.asarray(state[at])))
    found = {"example_days": draw.example_days(examples, lon, lat, simulated=simulated)}
    rows, columns = state.shape[1:]
    y, x = rows // 2, columns // 2
    percent = np.asarray(store.array(group, "frozen_probability")[:, y, x])
    label = store.open_raw(run.places.input(run.config.label.input))
    codes = np.asarray(store.array(label, "overpass")[...]).tolist()
    at_pass = codes.index(OVERPASSES[run.config.label.reference_overpass])
    seen = np.asarray(store.array(label, "freeze_thaw")[:, at_pass, y, x])
    found["pixel_decade"] = draw.pixel_decade(
        whole.numbers,
        np.where(percent == 255, np.nan, percent / 100),
        np.asarray(state[:, y, x]),
        seen,
        None,
        f"{lat[y, x]:.2f} N, {lon[y, x]:.2f} E",
        simulated=simulated,
    )
    return found
