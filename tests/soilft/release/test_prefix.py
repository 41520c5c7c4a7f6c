"""Objects below a release's prefix: what is sent, what is not sent again, what is refused."""

import re
from hashlib import md5, sha256
from pathlib import Path

import pytest

from soilft.errors import ReleaseRefused
from soilft.release.prefix import opened
from soilft.store import objects


def test_what_lies_there_already_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(tmp_path / "v1.0")
    objects.write(objects.join(url, "cube/a"), b"first")
    objects.write(objects.join(url, "cube/a.partial"), b"half")
    sent: list[str] = []
    create = objects.create
    monkeypatch.setattr(
        objects, "create", lambda to, content: sent.append(to) or create(to, content)
    )
    with opened(url) as prefix:
        written = prefix.write("cube", iter([("a", b"first"), ("b", b"second")]))
        assert sent == [objects.join(url, "cube/b")]
        assert prefix.expected == {"cube/a": 5, "cube/b": 6}
    digests = {"sha256": sha256(b"first").hexdigest(), "md5": md5(b"first").hexdigest()}
    assert written["a"] == {**digests, "size": 5}


def test_what_lies_there_as_another_is_written_over(tmp_path: Path) -> None:
    url = str(tmp_path / "v1.0")
    for content in (b"flipp", b"cut"):
        objects.write(objects.join(url, "cube/a"), content)
        with opened(url) as prefix:
            prefix.write("cube", iter([("a", b"first")]))
        assert objects.read(objects.join(url, "cube/a")) == b"first"


def test_a_copy_that_lies_there_as_another_is_made_again(tmp_path: Path) -> None:
    source, url = str(tmp_path / "report"), str(tmp_path / "v1.0")
    objects.write(objects.join(source, "report.html"), b"first")
    objects.write(objects.join(url, "report/report.html"), b"flipp")
    with opened(url) as prefix:
        prefix.copy_all(source, "report")
    assert objects.read(objects.join(url, "report/report.html")) == b"first"


def test_all_but_metadata_and_halves_is_copied(tmp_path: Path) -> None:
    source, url = str(tmp_path / "group"), str(tmp_path / "v1.0")
    for name in ("zarr.json", "c/0", "c/1.partial"):
        objects.write(objects.join(source, name), b"12")
    with opened(url) as prefix:
        prefix.copy_all(source, "annual", without_metadata=True)
        prefix.check(but=())
        prefix.copy_all(source, "report")
        prefix.check(but=())
    assert prefix.expected == {"annual/c/0": 2, "report/c/0": 2, "report/zarr.json": 2}


def test_an_object_too_many_or_missing_is_refused_unless_it_is_excepted(tmp_path: Path) -> None:
    url = str(tmp_path / "v1.0")
    objects.write(objects.join(url, "claim.json"), b"{}")
    with opened(url) as prefix:
        prefix.create_all({"page.html": b"page"})
        prefix.check(but={"claim.json"})
        with pytest.raises(ReleaseRefused, match=re.escape("claim.json: expected no object")):
            prefix.check(but=())
        objects.remove(objects.join(url, "page.html"))
        with pytest.raises(ReleaseRefused, match="an object of 4 bytes"):
            prefix.check(but={"claim.json"})


def test_what_a_killed_publication_said_stays(tmp_path: Path) -> None:
    url = str(tmp_path / "v1.0")
    with opened(url) as prefix:
        prefix.once("release.json", {"made": "first"})
    with opened(url) as prefix:
        prefix.once("release.json", {"made": "again"})
        prefix.check(but=())
    assert objects.read_json(objects.join(url, "release.json")) == {"made": "first"}
