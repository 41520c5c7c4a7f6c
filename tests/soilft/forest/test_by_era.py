"""Forests by radiometer: each row is left to its own, or to the forest of all rows."""

from pathlib import Path

import numpy as np
import pytest

from soilft.errors import ModelError
from soilft.forest.artefact import load, model_digest, save
from soilft.forest.by_era import Forests, eras_to_grow, fit_by_era
from soilft.forest.grow import ForestSettings, fit
from soilft.store import objects

NAMES = ("a", "b", "c")
SETTINGS = ForestSettings(n_estimators=5, min_samples_leaf=4, seed=1)


def two_eras() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give rows of which one radiometer's mean the opposite of the other's."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(600, 3)).astype("float32")
    features[::9, 1] = np.nan
    era = np.repeat(np.array([0, 1], "uint8"), 300)
    label = ((features[:, 0] > 0) ^ (era == 1)).astype("uint8")
    return features, label, era


def test_each_row_is_left_to_the_forest_of_its_radiometer() -> None:
    features, label, era = two_eras()
    forests = fit_by_era(SETTINGS, features, label, era)
    found = forests.votes(features, era)
    for number in (0, 1):
        rows = era == number
        alone = fit(SETTINGS, features[rows], label[rows])
        np.testing.assert_array_equal(found[rows], alone.predict_proba(features[rows])[:, 1])
    whole = fit(SETTINGS, features, label).predict_proba(features)[:, 1]
    for unknown in (7, 255):
        other = forests.votes(features, np.full(600, unknown, "uint8"))
        np.testing.assert_array_equal(other, whole)


def test_without_forests_by_radiometer_the_rows_radiometer_is_not_asked() -> None:
    features, label, era = two_eras()
    forests = Forests(fit(SETTINGS, features, label))
    np.testing.assert_array_equal(forests.votes(features), forests.votes(features, era))
    with pytest.raises(ValueError, match="radiometer of each row"):
        fit_by_era(SETTINGS, features, label, era).votes(features)


def test_no_rows_are_no_votes() -> None:
    features, label, era = two_eras()
    assert fit_by_era(SETTINGS, features, label, era).votes(features[:0], era[:0]).shape == (0,)


def test_a_radiometer_gets_a_forest_where_its_rows_have_both_classes() -> None:
    _, label, era = two_eras()
    assert eras_to_grow(label, era) == [0, 1]
    assert eras_to_grow(np.where(era == 1, 0, label), era) == [0]
    assert eras_to_grow(label, np.where(era == 1, 255, era)) == [0]
    assert eras_to_grow(label, np.zeros_like(era)) == []


def test_they_come_back_from_the_store_as_they_were(tmp_path: Path) -> None:
    features, label, era = two_eras()
    forests = fit_by_era(SETTINGS, features, label, era)
    reference = save(str(tmp_path), forests, NAMES, SETTINGS, {})
    model = load(reference)
    assert model.card["eras_with_a_forest"] == [0, 1]
    np.testing.assert_array_equal(model.votes(features, era), forests.votes(features, era))
    assert reference.digest != model_digest(Forests(forests.whole), NAMES, SETTINGS)


@pytest.mark.parametrize("name", ["forest.skops", "forest-era-001.skops"])
def test_one_that_was_exchanged_or_lost_is_refused(tmp_path: Path, name: str) -> None:
    features, label, era = two_eras()
    reference = save(str(tmp_path), fit_by_era(SETTINGS, features, label, era), NAMES, SETTINGS, {})
    objects.copy(
        objects.join(reference.url, "forest-era-000.skops"), objects.join(reference.url, name)
    )
    with pytest.raises(ModelError, match=f"{name}: expected sha256"):
        load(reference)
    objects.remove(objects.join(reference.url, name))
    with pytest.raises(ModelError, match=f"expected {name} and card.json, found not both"):
        load(reference)
