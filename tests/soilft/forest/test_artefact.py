"""A stored forest predicts as it did, and one that was tampered with predicts nothing."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from soilft.errors import ModelError
from soilft.forest import loaded as loading
from soilft.forest.artefact import ModelRef, load, save
from soilft.forest.by_radiometer import Forests
from soilft.forest.grow import ForestSettings, fit
from soilft.store import objects
from tests.support.models import NAMES, SETTINGS, edit_card, grown, refused, with_uncertainty


@pytest.fixture
def reference(tmp_path: Path) -> ModelRef:
    """Give a model as training leaves it."""
    return save(str(tmp_path), Forests(grown()), NAMES, SETTINGS, {"simulated": True, "rows": 400})


def test_a_stored_forest_predicts_as_it_did(reference: ModelRef) -> None:
    model = load(reference)
    features = np.random.default_rng(5).normal(size=(300, 4)).astype("float32")
    features[::7, 2] = np.nan
    expected = grown().predict_proba(features)[:, 1]
    np.testing.assert_array_equal(model.frozen_probability(features), expected)
    assert model.names == NAMES
    assert model.card["simulated"] is True
    assert model.card["digest"] == reference.digest
    assert reference.url.endswith(f"models/{reference.digest}")


def test_the_same_forest_saved_twice_has_one_digest(tmp_path: Path) -> None:
    one = save(str(tmp_path / "one"), Forests(grown()), NAMES, SETTINGS, {})
    two = save(str(tmp_path / "two"), Forests(grown()), NAMES, SETTINGS, {"rows": 1})
    assert one.digest == two.digest
    assert load(two).names == NAMES


@pytest.mark.s3
def test_a_model_on_s3_loads(s3_store: str) -> None:
    reference = save(s3_store, Forests(grown()), NAMES, SETTINGS, {})
    assert load(reference).card["nodes"] > 6


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.999])
def test_a_flipped_byte_is_refused(reference: ModelRef, place: float) -> None:
    url = objects.join(reference.url, "forest.skops")
    content = bytearray(objects.read(url) or b"")
    content[int(place * len(content))] ^= 0x10
    objects.write(url, bytes(content))
    refused(reference, r"forest\.skops: expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}")


def test_another_forest_under_the_reference_is_refused(reference: ModelRef, tmp_path: Path) -> None:
    other = ForestSettings(n_estimators=6, min_samples_leaf=9, seed=2)
    features = np.random.default_rng(3).normal(size=(100, 4)).astype("float32")
    forest = fit(other, features, (features[:, 1] > 0).astype("uint8"))
    foreign = save(str(tmp_path / "foreign"), Forests(forest), NAMES, other, {})
    for name in ("forest.skops", "card.json"):
        objects.copy(objects.join(foreign.url, name), objects.join(reference.url, name))
    refused(reference, f"expected digest {reference.digest}, found {foreign.digest}")


def test_another_scikit_learn_is_refused(reference: ModelRef) -> None:
    edit_card(reference, lambda card: card["versions"].update({"scikit-learn": "1.2.0"}))
    refused(reference, r"scikit-learn 1\.2\.0, which grew the forest.*Install that version")


def test_reordered_features_are_refused(reference: ModelRef) -> None:
    edit_card(reference, lambda card: card["features"].reverse())
    refused(reference, "expected digest")


def test_features_left_out_of_the_card_are_refused(reference: ModelRef) -> None:
    edit_card(reference, lambda card: card["features"].pop())
    refused(reference, "expected 3 features, found 4")


def test_changed_settings_are_refused(reference: ModelRef) -> None:
    edit_card(reference, lambda card: card["settings"].update(seed=99))
    refused(reference, "expected digest")


@pytest.mark.parametrize("name", ["forest.skops", "card.json"])
def test_half_an_artefact_is_refused(reference: ModelRef, name: str) -> None:
    objects.remove(objects.join(reference.url, name))
    refused(reference, "expected forest.skops and card.json, found not both")


def first_inner(tree: Any) -> int:
    """Give the last node that has children, so that a parent stands before it."""
    return int(np.flatnonzero(tree.children_left != -1)[-1])


def out_of_range(tree: Any) -> None:
    tree.children_left[first_inner(tree)] = tree.node_count


def far_out_of_range(tree: Any) -> None:
    tree.children_right[0] = 2**40


def negative_child(tree: Any) -> None:
    tree.children_right[0] = -7


def cycle(tree: Any) -> None:
    tree.children_left[first_inner(tree)] = 0


def own_child(tree: Any) -> None:
    tree.children_right[0] = 0


def half_a_leaf(tree: Any) -> None:
    tree.children_left[first_inner(tree)] = -1


def value_not_a_number(tree: Any) -> None:
    tree.value[-1] = np.nan


def threshold_not_a_number(tree: Any) -> None:
    tree.threshold[0] = np.nan


def foreign_feature(tree: Any) -> None:
    tree.feature[0] = 4


@pytest.mark.parametrize(
    "damage",
    [
        out_of_range,
        far_out_of_range,
        negative_child,
        cycle,
        own_child,
        half_a_leaf,
        value_not_a_number,
        threshold_not_a_number,
        foreign_feature,
    ],
    ids=lambda damage: damage.__name__,
)
def test_a_tree_that_cannot_be_walked_is_refused_even_where_all_digests_agree(
    tmp_path: Path, damage: Callable[[Any], None]
) -> None:
    forest = grown()
    damage(forest.estimators_[3].tree_)
    # The digests are of the damaged forest: whoever forged it has done it well.
    reference = save(str(tmp_path), Forests(forest), NAMES, SETTINGS, {})
    refused(reference, "tree 3: expected a walkable tree")


class Payload:
    """A type that no forest contains."""

    def __init__(self) -> None:
        self.x = 1


@pytest.mark.parametrize("kind", ["foreign type", "another estimator"])
def test_anything_but_a_forest_is_refused(reference: ModelRef, kind: str) -> None:
    import skops.io  # takes longer than all other imports of this file together

    other: Any = Payload()
    if kind == "another estimator":
        rng = np.random.default_rng(0)
        other = RandomForestClassifier(2).fit(rng.normal(size=(20, 4)), [0, 1] * 10)
    content = skops.io.dumps(other)
    objects.write(objects.join(reference.url, "forest.skops"), content)
    sha = hashlib.sha256(content).hexdigest()
    edit_card(reference, lambda card: card["file_sha256"].update({"forest.skops": sha}))
    refused(reference, "Payload" if kind == "foreign type" else "expected ExtraTreesClassifier")


def test_other_predictors_are_refused_by_name(reference: ModelRef) -> None:
    model = load(reference)
    model.require_features(NAMES)
    with pytest.raises(ModelError, match=r"without \['b'\], with foreign \['z'\]"):
        model.require_features(("a", "z", "c", "d"))
    with pytest.raises(ModelError, match="the same in another order"):
        model.require_features(("b", "a", "c", "d"))


def test_a_process_reads_a_model_once(
    reference: ModelRef, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read: list[str] = []
    original = objects.read

    def counted(url: str) -> bytes | None:
        read.append(url.rsplit("/", 1)[-1])
        return original(url)

    monkeypatch.setattr(objects, "read", counted)
    monkeypatch.setattr(loading, "_held", {})
    first = loading.loaded(reference)
    assert loading.loaded(ModelRef(reference.url, reference.digest)) is first
    assert sorted(read) == ["card.json", "forest.skops"]
    other = save(str(tmp_path / "other"), Forests(grown()), ("a", "b", "c", "z"), SETTINGS, {})
    assert loading.loaded(other).names == ("a", "b", "c", "z")
    assert len(loading._held) == 1


def test_card_is_json_with_versions_and_nodes(reference: ModelRef) -> None:
    card = json.loads(objects.read(objects.join(reference.url, "card.json")) or b"")
    assert set(card["versions"]) == {"soilft", "scikit-learn", "numpy"}
    assert card["nodes"] == sum(e.tree_.node_count for e in grown().estimators_)
    assert card["classes"] == [0, 1]


def of_the_file(place: Path) -> Callable[[dict[str, Any]], None]:
    """Give a change of the card that makes a file's SHA-256 its own again."""
    sha = hashlib.sha256(place.read_bytes()).hexdigest()
    return lambda card: card["file_sha256"].update({place.name: sha})


def test_its_uncertainty_comes_back_with_it(tmp_path: Path) -> None:
    one, again = with_uncertainty(tmp_path / "one"), with_uncertainty(tmp_path / "again")
    assert one.digest == again.digest
    model = load(one)
    assert model.uncertainty is not None
    features = np.random.default_rng(5).normal(size=(50, 4)).astype("float32")
    votes = model.votes(features)
    np.testing.assert_array_equal(votes, grown().predict_proba(features)[:, 1])
    expected = model.uncertainty.calibration.apply(votes)
    np.testing.assert_array_equal(model.frozen_probability(features), expected)
    assert (expected != votes).any()
    bare = save(str(tmp_path / "bare"), Forests(grown()), NAMES, SETTINGS, {"simulated": True})
    assert bare.digest != one.digest
    assert load(bare).uncertainty is None


def test_tampered_uncertainty_predicts_nothing(tmp_path: Path) -> None:
    reference = with_uncertainty(tmp_path / "a")

    def higher(card: dict[str, Any]) -> None:
        card["uncertainty"]["conformal"]["threshold_frozen"] = 0.99

    edit_card(reference, higher)
    refused(reference, "digest")
    for number, (content, match) in enumerate(
        ((b"not an archive", "sound area"), (b"", "sound area"), (None, "no file"))
    ):
        reference = with_uncertainty(tmp_path / str(number))
        place = Path(reference.url) / "applicability.npz"
        if content is None:
            place.unlink()
        else:
            place.write_bytes(content)
            refused(reference, r"applicability\.npz: expected sha256")
            edit_card(reference, of_the_file(place))
        refused(reference, match)


def test_an_area_of_other_features_is_refused(tmp_path: Path) -> None:
    reference = with_uncertainty(tmp_path)
    place = Path(reference.url) / "applicability.npz"
    with np.load(place) as arrays:
        changed = {name: arrays[name] for name in arrays.files}
    for name in ("mean", "scale", "weight"):
        changed[name] = changed[name][:3]
    changed["rotation"] = changed["rotation"][:3]
    np.savez(place, **changed)
    edit_card(reference, of_the_file(place))
    refused(reference, "weights of 4 features|sound area|orthonormal rotation")
