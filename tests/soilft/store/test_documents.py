"""Documents are read back in the shape and with the bytes that they were written in."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from soilft.errors import DamagedObject
from soilft.store import documents, objects

SHAPE = {
    "name": str,
    "count": int,
    "when": documents.moment,
    "?parts": [{"key": str}],
    "?sizes": {str: int},
    "?either": (int, str),
}
WHOLE = {
    "name": "n",
    "count": 3,
    "when": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
    "parts": [{"key": "a"}, {"key": "b"}],
    "sizes": {"x": 1},
    "either": "words",
    "beside": None,
}


def test_a_document_of_the_shape_is_read(tmp_path: Path) -> None:
    url = str(tmp_path / "it.json")
    assert documents.read(url, SHAPE) is None
    for value in (
        WHOLE,
        {k: WHOLE[k] for k in ("name", "count", "when")},
        {**WHOLE, "sizes": None},
    ):
        objects.write(url, objects.to_json(value))
        assert documents.read(url, SHAPE) == value


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"name": 7}, "name is 7 and no str"),
        ({"count": True}, "count is True and no int"),
        ({"count": "3"}, "count is '3' and no int"),
        ({"when": "yesterday"}, "when is 'yesterday'"),
        ({"when": "2026-01-01T00:00:00"}, "no time zone"),
        ({"when": 7}, "when is 7"),
        ({"parts": {}}, r"parts is \{\} and no list"),
        ({"parts": [{"key": "a"}, {}]}, r"no parts\[1\].key"),
        ({"sizes": {"x": "1"}}, "sizes.x is '1' and no int"),
        ({"either": 1.5}, "either is 1.5 and no int or str"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, change: dict, found: str) -> None:
    url = str(tmp_path / "it.json")
    objects.write(url, objects.to_json({**WHOLE, **change}))
    with pytest.raises(DamagedObject, match=f"it.json: expected .*{found}.*Ask somebody"):
        documents.read(url, SHAPE, "Ask somebody.")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"null", b"[]"])
def test_what_is_no_document_is_named(tmp_path: Path, content: bytes) -> None:
    url = str(tmp_path / "it.json")
    objects.write(url, content)
    with pytest.raises(DamagedObject, match=r"it\.json: expected .*, found .*Put it back"):
        documents.read(url, SHAPE)


def test_every_byte_of_a_sealed_document_counts(tmp_path: Path) -> None:
    url = str(tmp_path / "it.json")
    content = objects.to_json(documents.sealed(WHOLE))
    assert documents.parsed(url, content, SHAPE)["name"] == "n"
    documents.require_seal(url, content)
    for place in range(len(content)):
        for bit in (0x01, 0x04, 0x20, 0x2A):
            changed = bytearray(content)
            changed[place] ^= bit
            with pytest.raises(DamagedObject):
                documents.require_seal(url, bytes(changed))
    half = content.replace(b'"n"', b'"\\ud800"')
    for other in (half, content + b"\n", content.replace(b"\n", b""), objects.to_json(WHOLE)):
        with pytest.raises(DamagedObject):
            documents.require_seal(url, other)
