"""Commands for what is published take a store alone, and end with 4 where there is damage."""

from pathlib import Path

import pytest

from soilft.release.publication import latest, publish
from tests.support.command import soilft
from tests.support.staged import stage

REGION = """
title: a region whose archive is not here
store: {store}
inputs:
  amsr2:
    product: amsr2-l3
    granules: ${{NO_SUCH_ARCHIVE}}/*.h5
publication:
  keep_days: 3
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Give a store of two releases."""
    root = str(tmp_path / "store")
    for count in (4, 9):
        publish(root, stage(root, count, companions={"model": b"{}"}))
    return Path(root)


@pytest.fixture(params=["store", "region file"])
def where(request: pytest.FixtureRequest, store: Path, tmp_path: Path) -> Path:
    """Give what names the store: itself, or a region file whose archive is not known here."""
    if request.param == "store":
        return store
    file = tmp_path / "region.yaml"
    file.write_text(REGION.format(store=store))
    return file


def test_a_store_is_enough_to_list_verify_go_back_and_prune(where: Path, store: Path) -> None:
    listed = soilft("releases", where).stdout
    assert "v1.0" in listed
    assert "v1.1" in listed
    assert "v1.1: 26 objects are as they were published" in soilft("verify", where).stdout
    assert "v1.0: " in soilft("verify", where, "v1.0").stdout
    assert "Now the latest: v1.0" in soilft("rollback", where, "v1.0").stdout
    assert (latest(str(store)) or {})["version"] == "v1.0"
    assert "Nothing to remove" in soilft("prune", where).stdout
    assert "removed v1.1" in soilft("prune", where, "--keep-days", 0).stdout


def test_the_order_of_before_is_understood(where: Path) -> None:
    assert "v1.0: " in soilft("verify", "v1.0", where).stdout
    assert "Now the latest: v1.0" in soilft("rollback", "v1.0", where).stdout


def test_damage_ends_with_4_and_is_named_in_full(store: Path) -> None:
    release = store / "releases/v1.1"
    (release / "cube.zarr/quality_flag/c/1/0/1").write_bytes(b"1")
    (release / "cube.zarr/time/zarr.json").unlink()
    (release / "view.html").write_bytes(b"1")
    done = soilft("verify", store, code=4)
    assert "v1.1: 24 objects are as they were published" in done.stdout
    for told in (
        "3 that are not",
        "quality_flag/c/1/0/1 (array quality_flag, tile of row 0, column 1, days 2016-01-09..2016-",
        "time/zarr.json (metadata of time): expected content of SHA-256",
        "view.html (beside the cube): expected no object",
        "soilft rollback",
    ):
        assert told in done.stderr
    soilft("verify", store, "v1.0")


def test_a_release_or_a_store_that_is_not_there_is_named(store: Path, tmp_path: Path) -> None:
    done = soilft("verify", store, "v2.0", code=4)
    assert "expected one of v1.0, v1.1, found v2.0" in done.stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "expected a release, found none" in soilft("verify", empty, "v1.0", code=4).stderr
    for nowhere in (tmp_path / "nowhere", "no-such-region"):
        done = soilft("verify", nowhere, code=2)
        assert "expected a store" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("url", ["s3://user:canary@bucket/x", "s3:/user:canary@bucket"])
@pytest.mark.parametrize("command", ["releases", "verify", "rollback", "prune"])
def test_a_store_with_credentials_is_refused_and_not_shown(
    command: str, url: str, tmp_path: Path
) -> None:
    version = ["v1.0"] if command == "rollback" else []
    file = tmp_path / "region.yaml"
    file.write_text(REGION.format(store=tmp_path))
    for words in ([url], [file, "--store", url], ["no-such-region", "--store", url]):
        done = soilft(command, *words, *version, code=2)
        assert "in the environment or a profile" in done.stderr
        assert "canary" not in done.stderr + done.stdout


@pytest.mark.s3
def test_a_store_on_s3_is_enough(s3_store: str) -> None:
    publish(s3_store, stage(s3_store, 4))
    assert "objects are as they were published" in soilft("verify", s3_store).stdout
    assert "v1.0" in soilft("releases", s3_store).stdout


def test_a_damaged_pointer_is_named_and_made_anew(store: Path) -> None:
    (store / "latest.json").write_bytes(b"{")
    done = soilft("releases", store, code=4)
    assert "latest.json: expected JSON" in done.stderr
    assert "soilft rollback" in done.stderr
    soilft("rollback", store, "v1.1")
    soilft("verify", store)


def test_a_damaged_release_is_listed_as_such(store: Path) -> None:
    (store / "releases/v1.0/release.json").write_bytes(b"[]")
    done = soilft("releases", store)
    assert "kept, damaged" in done.stdout
    assert "v1.0/release.json: expected" in done.stderr
