"""Steps in frozen days at the hand-overs between radiometers, by the model of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pipelines.facts import Harmonized
from pipelines.run import Run
from pipelines.work import Work
from soilft.forest.artefact import ModelRef
from soilft.predictors.features import FeatureSet
from soilft.radiometers import equivalence, pairs
from soilft.trials import hand_over
from soilft.trials.hand_over import HandOverDays


def frozen_days(work: Work, model: ModelRef) -> list[dict[str, Any] | None]:
    """The step of each hand-over, in the order of the record; None where nothing can tell."""
    run = work.run
    record = run.harmonization()
    if record is None:
        return []
    region, section = run.config.to_region(), run.config.harmonize
    role = pairs.roles_of_pixels(region.grid, section.block_degrees, section.seed)
    places = equivalence.places_of(region.grid, role, section.block_degrees)
    facts = Harmonized.of(record)
    tested = run.places.url(facts.tested_url)
    inputs = replace(run.input_refs(), transfers=tested)
    features = of_reference(run)
    names = run.radiometers()
    found: list[dict[str, Any] | None] = []
    for change in facts.hand_overs:
        days = np.array(change.get("left_out", []), "int32")
        tasks = {
            f"hand-over {part[0]}..{part[-1]}": HandOverDays(
                inputs,
                features,
                model,
                names.index(change["before"]),
                names.index(change["after"]),
                part,
                places,
            )
            for part in hand_over.parts_of(days)
        }
        parts = work.gather("frozen days", hand_over.frozen_steps, tasks)
        found.append(hand_over.described(parts) if parts else None)
    return found


def of_reference(run: Run) -> FeatureSet:
    """The features of the overpass whose state is the day's."""
    features, name = run.config.feature_set(), run.config.label.reference_overpass
    return replace(features, targets=tuple(t for t in features.targets if t.name == name))
