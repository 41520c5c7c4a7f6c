"""Whatever byte, field or file of a stored model is changed, nothing is predicted with it."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soilft.errors import ModelError
from soilft.forest.artefact import ModelRef, card_of, load, model_digest, save
from soilft.forest.by_radiometer import Forests
from soilft.forest.grow import ForestSettings
from soilft.store import documents, objects
from tests.support.models import NAMES, SETTINGS, edit_card, grown, refused, with_uncertainty


def every_file(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    assert [path.name for path in files] == ["applicability.npz", "card.json", "forest.skops"]
    return files


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """Give a model of every kind of file."""
    return with_uncertainty(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def copied(whole: ModelRef, tmp_path: Path) -> ModelRef:
    """Give a copy of it, to do something to."""
    shutil.copytree(whole.url, tmp_path / "model")
    return ModelRef(str(tmp_path / "model"), whole.digest)


def test_whatever_byte_of_whatever_file_is_changed_is_refused(copied: ModelRef) -> None:
    load(copied)
    for path in every_file(Path(copied.url)):
        content = path.read_bytes()
        for place in np.linspace(0, len(content) - 1, 25).astype(int):
            for bit in (0x01, 0x20):
                changed = bytearray(content)
                changed[place] ^= bit
                path.write_bytes(changed)
                refused(copied, "expected .*, found ")
        path.write_bytes(content)
    load(copied)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_cut_file_is_refused(copied: ModelRef, share: float) -> None:
    for path in every_file(Path(copied.url)):
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        refused(copied, path.name)
        path.write_bytes(content)


def test_whatever_field_of_the_card_is_changed_or_gone_is_refused(copied: ModelRef) -> None:
    card = Path(copied.url) / "card.json"
    content = card.read_bytes()
    for name, said in json.loads(content).items():
        others = [None, [], {}, "other", 7, not said] if said is not None else [7]
        for other in others:
            if other != said or type(other) is not type(said):
                card.write_bytes(objects.to_json({**json.loads(content), name: other}))
                refused(copied, "expected .*, found ")
                with pytest.raises(ModelError, match=r"card\.json"):
                    card_of(copied)
        rest = {key: value for key, value in json.loads(content).items() if key != name}
        card.write_bytes(objects.to_json(rest))
        refused(copied, "expected .*, found ")
    card.write_bytes(objects.to_json({**json.loads(content), "new": 1}))
    refused(copied, "SHA-256")


@pytest.mark.parametrize("content", [b"[]", b"null", b'"card"', b"{}", b"\xff\xfe{}", b"["])
def test_a_card_of_any_other_content_is_refused(copied: ModelRef, content: bytes) -> None:
    (Path(copied.url) / "card.json").write_bytes(content)
    refused(copied, r"card\.json: expected .*, found .*Put the model back from a copy")
    with pytest.raises(ModelError):
        card_of(copied)


def test_a_forest_of_simulated_inputs_has_another_digest(tmp_path: Path) -> None:
    made = [
        save(str(tmp_path), Forests(grown()), NAMES, SETTINGS, {"simulated": simulated})
        for simulated in (True, False)
    ]
    assert made[0].digest != made[1].digest
    # Whoever changes the word, and seals the card anew, has another model.
    edit_card(made[0], lambda card: card.update(simulated=False))
    card = Path(made[0].url) / "card.json"
    card.write_bytes(objects.to_json(documents.sealed(json.loads(card.read_text()))))
    refused(made[0], f"expected digest {made[0].digest}, found {made[1].digest}")


def as_of_version_1(reference: ModelRef) -> ModelRef:
    """Give a model as 0.3.0 left it."""
    model = load(reference)
    settings = ForestSettings(**model.card["settings"])
    identity = model_digest(model.forests, model.names, settings, model.uncertainty)
    assert identity != reference.digest

    def without(card: dict[str, Any]) -> None:
        del card["digest_version"], card["sha256"], card["file_sha256"]["applicability.npz"]
        card["digest"] = identity

    edit_card(reference, without)
    return ModelRef(reference.url, identity)


def test_a_model_of_digest_version_1_loads_and_is_checked_as_before(copied: ModelRef) -> None:
    earlier = as_of_version_1(copied)
    assert load(earlier).uncertainty is not None
    assert card_of(earlier)["simulated"] is True
    edit_card(earlier, lambda card: card.update(title="another"))
    load(earlier)
    refused(copied, "expected digest")
    for change, match in (
        (lambda card: card["settings"].update(seed=99), "expected digest"),
        (lambda card: card["settings"].update(depth=99), "settings of a forest"),
        (lambda card: card.update(features="abcd"), "features is 'abcd' and no list"),
        (lambda card: card.pop("versions"), "no versions"),
    ):
        content = (Path(copied.url) / "card.json").read_bytes()
        edit_card(earlier, change)
        refused(earlier, match)
        (Path(copied.url) / "card.json").write_bytes(content)
    place = Path(copied.url) / "applicability.npz"
    place.write_bytes(place.read_bytes()[:-30])
    refused(earlier, "sound area")
