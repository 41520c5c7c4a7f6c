"""Small models on disk, and what is done to them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from soilft.errors import ModelError
from soilft.forest.artefact import ModelRef, load, save
from soilft.forest.by_radiometer import Forests
from soilft.forest.grow import ForestSettings, fit
from soilft.store import objects

NAMES = ("a", "b", "c", "d")
SETTINGS = ForestSettings(n_estimators=6, min_samples_leaf=4, seed=1)


def grown() -> ExtraTreesClassifier:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 4)).astype("float32")
    features[rng.random(features.shape) < 0.1] = np.nan
    label = (np.nan_to_num(features[:, 0]) > 0.2).astype("uint8")
    return fit(SETTINGS, features, label)


def edit_card(reference: ModelRef, change: Callable[[dict[str, Any]], None]) -> None:
    url = objects.join(reference.url, "card.json")
    card = objects.read_json(url)
    change(card)
    objects.write(url, objects.to_json(card))


def refused(reference: ModelRef, match: str) -> None:
    with pytest.raises(ModelError, match=match) as error:
        load(reference)
    assert error.value.code == "model"


def with_uncertainty(folder: Path) -> ModelRef:
    from soilft.uncertainty import applicability, calibration, conformal
    from soilft.uncertainty.bundle import Uncertainty

    forest = grown()
    rng = np.random.default_rng(7)
    features = rng.normal(size=(300, 4)).astype("float32")
    label = (features[:, 0] + rng.normal(0, 0.5, 300) > 0).astype("uint8")
    votes = forest.predict_proba(features)[:, 1]
    measures = Uncertainty(
        calibration.fit_sigmoid(votes, label),
        conformal.fit(votes, label, 0.9),
        applicability.fit(features, forest.feature_importances_, np.arange(300) // 30, 0),
    )
    return save(str(folder), Forests(forest), NAMES, SETTINGS, {"simulated": True}, measures)
