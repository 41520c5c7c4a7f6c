"""Forests by radiometer: each row is left to its own, or to the forest of all rows."""

from pathlib import Path

import numpy as np
import pytest

from soilft.errors import ModelError
from soilft.forest.artefact import load, model_digest, save
from soilft.forest.by_radiometer import Forests, fit_by_radiometer, radiometers_to_grow
from soilft.forest.grow import ForestSettings, fit
from soilft.store import objects

NAMES = ("a", "b", "c")
SETTINGS = ForestSettings(n_estimators=5, min_samples_leaf=4, seed=1)


def two_radiometers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give rows of which one radiometer's mean the opposite of the other's."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(600, 3)).astype("float32")
    features[::9, 1] = np.nan
    radiometer = np.repeat(np.array([0, 1], "uint8"), 300)
    label = ((features[:, 0] > 0) ^ (radiometer == 1)).astype("uint8")
    return features, label, radiometer


def test_each_row_is_left_to_the_forest_of_its_radiometer() -> None:
    features, label, radiometer = two_radiometers()
    forests = fit_by_radiometer(SETTINGS, features, label, radiometer)
    found = forests.votes(features, radiometer)
    for number in (0, 1):
        rows = radiometer == number
        alone = fit(SETTINGS, features[rows], label[rows])
        np.testing.assert_array_equal(found[rows], alone.predict_proba(features[rows])[:, 1])
    whole = fit(SETTINGS, features, label).predict_proba(features)[:, 1]
    for unknown in (7, 255):
        other = forests.votes(features, np.full(600, unknown, "uint8"))
        np.testing.assert_array_equal(other, whole)


def test_without_forests_by_radiometer_the_rows_radiometer_is_not_asked() -> None:
    features, label, radiometer = two_radiometers()
    forests = Forests(fit(SETTINGS, features, label))
    np.testing.assert_array_equal(forests.votes(features), forests.votes(features, radiometer))
    with pytest.raises(ValueError, match="radiometer of each row"):
        fit_by_radiometer(SETTINGS, features, label, radiometer).votes(features)


def test_no_rows_are_no_votes() -> None:
    features, label, radiometer = two_radiometers()
    assert fit_by_radiometer(SETTINGS, features, label, radiometer).votes(
        features[:0], radiometer[:0]
    ).shape == (0,)


def test_a_radiometer_gets_a_forest_where_its_rows_have_both_classes() -> None:
    _, label, radiometer = two_radiometers()
    assert radiometers_to_grow(label, radiometer) == [0, 1]
    assert radiometers_to_grow(np.where(radiometer == 1, 0, label), radiometer) == [0]
    assert radiometers_to_grow(label, np.where(radiometer == 1, 255, radiometer)) == [0]
    assert radiometers_to_grow(label, np.zeros_like(radiometer)) == []


def test_they_come_back_from_the_store_as_they_were(tmp_path: Path) -> None:
    features, label, radiometer = two_radiometers()
    forests = fit_by_radiometer(SETTINGS, features, label, radiometer)
    reference = save(str(tmp_path), forests, NAMES, SETTINGS, {})
    model = load(reference)
    assert model.card["eras_with_a_forest"] == [0, 1]
    np.testing.assert_array_equal(
        model.votes(features, radiometer), forests.votes(features, radiometer)
    )
    assert reference.digest != model_digest(Forests(forests.whole), NAMES, SETTINGS)


@pytest.mark.parametrize("name", ["forest.skops", "forest-era-001.skops"])
def test_one_that_was_exchanged_or_lost_is_refused(tmp_path: Path, name: str) -> None:
    features, label, radiometer = two_radiometers()
    reference = save(
        str(tmp_path), fit_by_radiometer(SETTINGS, features, label, radiometer), NAMES, SETTINGS, {}
    )
    objects.copy(
        objects.join(reference.url, "forest-era-000.skops"), objects.join(reference.url, name)
    )
    with pytest.raises(ModelError, match=f"{name}: expected sha256"):
        load(reference)
    objects.remove(objects.join(reference.url, name))
    with pytest.raises(ModelError, match=f"expected {name} and card.json, found not both"):
        load(reference)
