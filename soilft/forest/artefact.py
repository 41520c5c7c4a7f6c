"""Model artefact: a fitted forest in the store, named by its content, checked before use.

The digest is over what the forest computes from (nodes, values, classes, features, settings), not
over the file: skops files carry times and differ from process to process.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from soilft.errors import ModelError
from soilft.forest import stored
from soilft.forest.by_radiometer import Forests
from soilft.forest.grow import ForestSettings
from soilft.predictors.features import VERSION as FEATURES_VERSION
from soilft.store import objects
from soilft.store.digest import arrays_digest, digest

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier

    from soilft.uncertainty.bundle import Uncertainty

_LEAF = -1
_UNDEFINED = -2


@dataclass(frozen=True)
class ModelRef:
    """Where a model lies and what it must be: all that a task carries of it."""

    url: str
    digest: str


@dataclass(frozen=True)
class Model:
    """Loaded, checked forests, their features in order, and what is known of their uncertainty.

    ``uncertainty`` is None where there were too few rows to fit it; the card says why.
    """

    forests: Forests
    names: tuple[str, ...]
    card: Mapping[str, Any]
    uncertainty: Uncertainty | None = None

    def require_features(self, names: tuple[str, ...]) -> None:
        """Refuse predictors that are not those of the training, in their order.

        Raises
        ------
        ModelError
            Naming what is missing and what is foreign.
        """
        if names != self.names:
            absent = sorted(set(self.names) - set(names))
            foreign = sorted(set(names) - set(self.names))
            raise ModelError(
                f"model {self.card['digest'][:12]}",
                expected=f"its {len(self.names)} features in order",
                found=f"without {absent}, with foreign {foreign}"
                if absent or foreign
                else "the same in another order",
                remedy="Predict with the inputs and groups of the training, or train again.",
            )

    def votes(
        self, features: npt.NDArray[np.float32], radiometer: npt.NDArray[np.uint8] | None = None
    ) -> npt.NDArray[np.float64]:
        """Share of the forest's votes for frozen, uncalibrated, shape (row,); see `Forests`."""
        return self.forests.votes(features, radiometer)

    def frozen_probability(
        self, features: npt.NDArray[np.float32], radiometer: npt.NDArray[np.uint8] | None = None
    ) -> npt.NDArray[np.float64]:
        """Probability of the frozen class, calibrated where the model is, shape (row,)."""
        votes = self.votes(features, radiometer)
        return votes if self.uncertainty is None else self.uncertainty.calibration.apply(votes)


def _nodes(forest: ExtraTreesClassifier) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {"classes": np.asarray(forest.classes_)}
    for i, estimator in enumerate(forest.estimators_):
        tree = estimator.tree_
        for name in (
            "children_left",
            "children_right",
            "feature",
            "threshold",
            "value",
            "missing_go_to_left",
        ):
            arrays[f"{i:05d}.{name}"] = np.asarray(getattr(tree, name))
    return arrays


def model_digest(
    forests: Forests,
    names: tuple[str, ...],
    settings: ForestSettings,
    uncertainty: Uncertainty | None = None,
) -> str:
    """SHA-256 over node fields, classes, features, settings and uncertainty.

    Equal models have equal digests, whatever their files look like.
    """
    measures = None if uncertainty is None else uncertainty.digest
    nodes = arrays_digest(_nodes(forests.whole))
    own = {
        str(n): arrays_digest(_nodes(forest)) for n, forest in sorted(forests.by_radiometer.items())
    }
    return digest(nodes, own, names, asdict(settings), FEATURES_VERSION, measures)


def save(
    root: str,
    forests: Forests,
    names: tuple[str, ...],
    settings: ForestSettings,
    facts: Mapping[str, Any],
    uncertainty: Uncertainty | None = None,
) -> ModelRef:
    """Write ``models/<digest>/`` with the forests, their uncertainty and their card.

    Parameters
    ----------
    facts
        What the card says beside structure and versions: training rows, simulated or not.
    """
    identity = model_digest(forests, names, settings, uncertainty)
    url = objects.join(root, "models", identity)
    content = {_file_name(None): stored.to_bytes(forests.whole)} | {
        _file_name(number): stored.to_bytes(forest)
        for number, forest in forests.by_radiometer.items()
    }
    everything = [forests.whole, *forests.by_radiometer.values()]
    card = {
        **facts,
        "digest": identity,
        "file_sha256": {name: hashlib.sha256(value).hexdigest() for name, value in content.items()},
        "eras_with_a_forest": sorted(forests.by_radiometer),
        "features": list(names),
        "features_version": FEATURES_VERSION,
        "settings": asdict(settings),
        "classes": [int(c) for c in forests.whole.classes_],
        "nodes": int(sum(e.tree_.node_count for forest in everything for e in forest.estimators_)),
        "uncertainty": None if uncertainty is None else uncertainty.to_dict(),
        "applicability_threshold": None
        if uncertainty is None
        else float(uncertainty.applicability.threshold),
        "versions": _versions(),
    }
    for name, value in content.items():
        objects.write(objects.join(url, name), value)
    if uncertainty is not None:
        objects.write(objects.join(url, "applicability.npz"), uncertainty.to_bytes())
    objects.write(objects.join(url, "card.json"), objects.to_json(card))
    return ModelRef(url, identity)


def _file_name(radiometer: int | None) -> str:
    return "forest.skops" if radiometer is None else f"forest-era-{radiometer:03d}.skops"


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("soilft", "scikit-learn", "numpy")}


def load(reference: ModelRef) -> Model:
    """Read a model and check it: file, versions, types, structure, digest.

    Raises
    ------
    ModelError
        Where any of these is not what the card and the reference say. Nothing is predicted then.
    """
    card = objects.read_json(objects.join(reference.url, "card.json"))
    if card is None:
        raise ModelError(reference.url, expected="forest.skops and card.json", found="not both")
    for package in ("scikit-learn",):
        if card["versions"][package] != _versions()[package]:
            raise ModelError(
                reference.url,
                expected=f"{package} {card['versions'][package]}, which grew the forest",
                found=_versions()[package],
                remedy="Install that version, or train again.",
            )
    names = tuple(card["features"])
    forests = Forests(
        _forest(reference.url, None, card),
        {number: _forest(reference.url, number, card) for number in card["eras_with_a_forest"]},
    )
    uncertainty = _uncertainty(reference.url, card["uncertainty"], len(names))
    identity = model_digest(forests, names, ForestSettings(**card["settings"]), uncertainty)
    if identity != reference.digest:
        raise ModelError(reference.url, expected=f"digest {reference.digest}", found=identity)
    return Model(forests, names, card, uncertainty)


def _forest(url: str, radiometer: int | None, card: Mapping[str, Any]) -> ExtraTreesClassifier:
    place = objects.join(url, _file_name(radiometer))
    content = objects.read(place)
    if content is None:
        raise ModelError(url, expected=f"{_file_name(radiometer)} and card.json", found="not both")
    found = hashlib.sha256(content).hexdigest()
    asked = card["file_sha256"].get(_file_name(radiometer))
    if found != asked:
        raise ModelError(place, expected=f"sha256 {asked}", found=found)
    forest = stored.from_bytes(place, content)
    _check_structure(place, forest, len(card["features"]))
    return forest


def _uncertainty(url: str, content: Any, width: int) -> Uncertainty | None:
    if content is None:
        return None
    from soilft.uncertainty.bundle import Uncertainty

    place = objects.join(url, "applicability.npz")
    archive = objects.read(place)
    if archive is None:
        raise ModelError(place, expected="the area of applicability", found="no file")
    try:
        found = Uncertainty.read(content, archive)
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ModelError(
            place, expected="a sound area of applicability", found=str(error)
        ) from error
    if found.applicability.weight.shape != (width,):
        found_shape = str(found.applicability.weight.shape)
        raise ModelError(place, expected=f"weights of {width} features", found=found_shape)
    return found


def _check_structure(url: str, forest: ExtraTreesClassifier, width: int) -> None:
    """Walkable trees: children after their parent and within the tree, features known, no NaN."""
    if forest.n_features_in_ != width:
        raise ModelError(url, expected=f"{width} features", found=str(forest.n_features_in_))
    if set(np.asarray(forest.classes_).tolist()) != {0, 1}:
        raise ModelError(url, expected="classes 0 and 1", found=str(forest.classes_))
    for i, estimator in enumerate(forest.estimators_):
        tree = estimator.tree_
        left, right = tree.children_left, tree.children_right
        inner = left != _LEAF
        node = np.arange(tree.node_count)
        sound = (
            ((right != _LEAF) == inner).all()
            and (left[inner] > node[inner]).all()
            and (right[inner] > node[inner]).all()
            and (np.maximum(left, right)[inner] < tree.node_count).all()
            and ((tree.feature[inner] >= 0) & (tree.feature[inner] < width)).all()
            and (tree.feature[~inner] == _UNDEFINED).all()
            and np.isfinite(tree.value).all()
            and np.isfinite(tree.threshold[inner]).all()
        )
        if not sound:
            raise ModelError(
                f"{url}: tree {i}", expected="a walkable tree", found="inconsistent nodes"
            )
