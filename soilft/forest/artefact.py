"""Model artefact: a fitted forest in the store, named by its content, checked before use.

The digest is over what the forest computes from (nodes, values, classes, features, settings) and
whether its inputs were simulated, not over the file: skops files carry times and differ from
process to process. Digests of version 1, those of 0.3.0, do not know whether anything was
simulated. From version 2 on the card is sealed and knows the SHA-256 of every file: a byte that is
changed is found, though the digest does not know of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from soilft.errors import DamagedObject, ModelError
from soilft.forest import stored
from soilft.forest.by_radiometer import Forests
from soilft.forest.grow import ForestSettings
from soilft.predictors.features import VERSION as FEATURES_VERSION
from soilft.store import documents, objects
from soilft.store.digest import arrays_digest, digest

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier

    from soilft.uncertainty.bundle import Uncertainty

_LEAF = -1
_UNDEFINED = -2
#: Of the digest, as a card says it; cards of version 1 say nothing.
DIGEST_VERSION = 2
_CARD = "card.json"
_APPLICABILITY = "applicability.npz"
_SHAPE = {
    "digest": str,
    "?digest_version": int,
    "eras_with_a_forest": [int],
    "features": [str],
    "file_sha256": {str: str},
    "settings": dict,
    "versions": {str: str},
    "?uncertainty": dict,
    "?simulated": bool,
}
# What is asked of a card by itself: what else it has must fit, and need not be there.
_OPTIONAL = {f"?{name.removeprefix('?')}": of for name, of in _SHAPE.items()}
_REMEDY = "Put the model back from a copy, or train again."


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
    *,
    simulated: bool | None = None,
) -> str:
    """SHA-256 over node fields, classes, features, settings, uncertainty and whether simulated.

    Equal models have equal digests, whatever their files look like.

    Parameters
    ----------
    simulated
        Whether any input was; None for a digest of version 1, which does not know.
    """
    measures = None if uncertainty is None else uncertainty.digest
    nodes = arrays_digest(_nodes(forests.whole))
    own = {
        str(n): arrays_digest(_nodes(forest)) for n, forest in sorted(forests.by_radiometer.items())
    }
    values = (nodes, own, names, asdict(settings), FEATURES_VERSION, measures)
    if simulated is None:
        return digest(*values)
    return digest(*values, {"version": DIGEST_VERSION, "simulated": simulated})


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
    simulated = bool(facts.get("simulated"))
    identity = model_digest(forests, names, settings, uncertainty, simulated=simulated)
    url = objects.join(root, "models", identity)
    content = {_file_name(None): stored.to_bytes(forests.whole)} | {
        _file_name(number): stored.to_bytes(forest)
        for number, forest in forests.by_radiometer.items()
    }
    if uncertainty is not None:
        content[_APPLICABILITY] = uncertainty.to_bytes()
    everything = [forests.whole, *forests.by_radiometer.values()]
    card = {
        **facts,
        "simulated": simulated,
        "digest": identity,
        "digest_version": DIGEST_VERSION,
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
    objects.write(objects.join(url, _CARD), objects.to_json(documents.sealed(card)))
    return ModelRef(url, identity)


def _file_name(radiometer: int | None) -> str:
    return "forest.skops" if radiometer is None else f"forest-era-{radiometer:03d}.skops"


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("soilft", "scikit-learn", "numpy")}


def card_of(reference: ModelRef) -> dict[str, Any]:
    """Card of a model: as it was written, where it is of digest version 2.

    Raises
    ------
    ModelError
        Where there is none, or it is not as it was written.
    """
    found, content = _read_card(reference, {**_OPTIONAL, "features": [str]})
    _require_seal(reference, found, content)
    return found


def require_whole(reference: ModelRef) -> None:
    """Hold a model's card to its seal and its files to the card, without making a forest of them.

    Raises
    ------
    ModelError
        Where one is not as it was written.
    """
    card = card_of(reference)
    for name in card.get("file_sha256") or {}:
        _content(reference.url, name, card)


def load(reference: ModelRef) -> Model:
    """Read a model and check it: file, versions, types, structure, digest, card.

    Raises
    ------
    ModelError
        Where any of these is not what the card and the reference say. Nothing is predicted then.
    """
    card, content = _read_card(reference, _SHAPE)
    for package in ("scikit-learn",):
        if card["versions"].get(package) != _versions()[package]:
            raise ModelError(
                reference.url,
                expected=f"{package} {card['versions'].get(package)}, which grew the forest",
                found=_versions()[package],
                remedy="Install that version, or train again.",
            )
    names = tuple(card["features"])
    forests = Forests(
        _forest(reference.url, None, card),
        {number: _forest(reference.url, number, card) for number in card["eras_with_a_forest"]},
    )
    uncertainty = _uncertainty(reference.url, card, len(names))
    with _sound(objects.join(reference.url, _CARD), "settings of a forest"):
        settings = ForestSettings(**card["settings"])
        identity = model_digest(forests, names, settings, uncertainty, simulated=_simulated(card))
    if identity != reference.digest:
        raise ModelError(
            reference.url,
            expected=f"digest {reference.digest}",
            found=identity,
            remedy=_REMEDY,
        )
    _require_seal(reference, card, content)
    return Model(forests, names, card, uncertainty)


def _read_card(reference: ModelRef, shape: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Card of a model and its bytes, its seal not yet looked at."""
    url = objects.join(reference.url, _CARD)
    content = objects.read(url)
    if content is None:
        raise ModelError(reference.url, expected="forest.skops and card.json", found="not both")
    try:
        card: dict[str, Any] = objects.from_json(url, content)
        documents.require(url, card, shape)
    except DamagedObject as error:
        raise _damaged(url, error) from error
    return card, content


def _require_seal(reference: ModelRef, card: Mapping[str, Any], content: bytes) -> None:
    """Hold the card to what it was sealed as; one of digest version 1 has no seal."""
    if card.get("digest_version") is None and documents.SEAL not in card:
        return
    url = objects.join(reference.url, _CARD)
    try:
        documents.require_seal(url, content)
    except DamagedObject as error:
        raise _damaged(url, error) from error


def _damaged(url: str, error: DamagedObject) -> ModelError:
    return ModelError(url, expected=error.expected, found=error.found, remedy=_REMEDY)


def _simulated(card: Mapping[str, Any]) -> bool | None:
    """What the digest of a model knows of it; None of version 1."""
    return bool(card["simulated"]) if card.get("digest_version") == DIGEST_VERSION else None


@contextmanager
def _sound(place: str, expected: str) -> Iterator[None]:
    """Turn what libraries raise on damaged content into an error that names the file.

    Raises
    ------
    ModelError
        Whatever else was raised.
    """
    try:
        yield
    except (ModelError, MemoryError):
        raise
    except Exception as error:
        raise ModelError(
            place,
            expected=expected,
            found=f"{type(error).__name__}: {error}",
            remedy=_REMEDY,
        ) from error


def _content(url: str, name: str, card: Mapping[str, Any]) -> bytes:
    """Bytes of a file of the model, held against the card's SHA-256 where it has one."""
    place = objects.join(url, name)
    content = objects.read(place)
    if content is None:
        raise ModelError(place, expected=f"{name} and card.json", found="not both, no file")
    asked = card["file_sha256"].get(name)
    found = hashlib.sha256(content).hexdigest()
    # Cards of version 1 have none of the area of applicability, which the digest is over.
    is_open = name == _APPLICABILITY and card.get("digest_version") is None
    if found != asked and not (is_open and asked is None):
        raise ModelError(place, expected=f"sha256 {asked}", found=found, remedy=_REMEDY)
    return content


def _forest(url: str, radiometer: int | None, card: Mapping[str, Any]) -> ExtraTreesClassifier:
    name = _file_name(radiometer)
    place, content = objects.join(url, name), _content(url, name, card)
    with _sound(place, "a forest"):
        forest = stored.from_bytes(place, content)
        _check_structure(place, forest, len(card["features"]))
    return forest


def _uncertainty(url: str, card: Mapping[str, Any], width: int) -> Uncertainty | None:
    if card.get("uncertainty") is None:
        return None
    from soilft.uncertainty.bundle import Uncertainty

    place, archive = objects.join(url, _APPLICABILITY), _content(url, _APPLICABILITY, card)
    with _sound(place, "a sound area of applicability"):
        found = Uncertainty.read(card["uncertainty"], archive)
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
