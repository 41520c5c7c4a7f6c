"""What the ledger remembers, and what a digest depends on."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from soilft.errors import DamagedObject
from soilft.store.digest import arrays_digest, digest
from soilft.store.ledger import Done, Facts, Ledger, SetAside

RECORD = Done(
    "key-1",
    "content-1",
    {"granules": 7, "simulated": False},
    (SetAside("a.nc4", "grid-mismatch", "a.nc4: expected south first, found north first"),),
)


def test_a_record_reads_back_as_it_was(tmp_path) -> None:
    ledger = Ledger(str(tmp_path))
    assert ledger.get("ingest", "gldas-000") is None
    ledger.put("ingest", "gldas-000", RECORD)
    assert ledger.get("ingest", "gldas-000") == RECORD


def test_done_means_done_from_exactly_this_key(tmp_path) -> None:
    ledger = Ledger(str(tmp_path))
    assert not ledger.is_done("ingest", "gldas-000", "key-1")
    ledger.put("ingest", "gldas-000", RECORD)
    assert ledger.is_done("ingest", "gldas-000", "key-1")
    assert not ledger.is_done("ingest", "gldas-000", "key-2")
    assert not ledger.is_done("ingest", "gldas-001", "key-1")
    assert not ledger.is_done("predict", "gldas-000", "key-1")


def test_a_recalled_stage_is_read_in_one_go_and_then_asks_no_store(tmp_path) -> None:
    written = Ledger(str(tmp_path))
    for unit in ("b/2015-01-01", "a"):
        written.put("predict", unit, Done(f"key-{unit}", "content"))
    written.put("ingest", "d", RECORD)
    ledger = Ledger(str(tmp_path))
    ledger.recall("predict")
    shutil.rmtree(tmp_path / "ledger")
    assert ledger.get("predict", "b/2015-01-01") == Done("key-b/2015-01-01", "content")
    assert ledger.get("predict", "a") == Done("key-a", "content")
    assert ledger.get("predict", "c") is None
    assert ledger.get("ingest", "d") is None  # never recalled, and gone


def test_a_second_record_replaces_the_first(tmp_path) -> None:
    ledger = Ledger(str(tmp_path))
    ledger.put("ingest", "gldas-000", RECORD)
    ledger.put("ingest", "gldas-000", Done("key-2", "content-2"))
    assert ledger.get("ingest", "gldas-000") == Done("key-2", "content-2")


@pytest.mark.parametrize("units", [("a", "dem"), ("dem", "a")])
def test_of_two_units_that_wrote_one_object_the_earlier_is_to_do_again(tmp_path, units) -> None:
    """A static input in place of another writes the same objects; and so on the way back."""
    for unit, content in zip(units * 2, "1212", strict=True):
        ledger = Ledger(str(tmp_path))
        ledger.recall("ingest")
        assert not ledger.is_done("ingest", f"{unit}/static", "key")
        ledger.put("ingest", f"{unit}/static", Done("key", "", chunks={"static.zarr/c/0": content}))
        again = Ledger(str(tmp_path))
        again.recall("ingest")
        for known in (ledger, again):
            done = [u for u in units if known.is_done("ingest", f"{u}/static", "key")]
            assert (done, known.chunks) == ([unit], {"static.zarr/c/0": content})


def test_what_is_about_to_be_written_anew_is_held_against_nothing(tmp_path) -> None:
    ledger = Ledger(str(tmp_path))
    for unit in ("a", "b"):
        ledger.put("validate", unit, Done("key", "content", chunks={f"{unit}/x": "1"}))
    ledger.forget("validate", "a")
    assert ledger.chunks == {"b/x": "1"}
    assert ledger.is_done("validate", "a", "key")


def test_an_object_that_two_older_records_name_stays_known_when_one_is_forgotten(tmp_path) -> None:
    for unit, content in (("a", "1"), ("b", "2")):  # neither knows of the other
        Ledger(str(tmp_path)).put("ingest", unit, Done("key", "", chunks={"x": content}))
    ledger = Ledger(str(tmp_path))
    for unit in ("a", "b"):
        assert ledger.is_done("ingest", unit, "key")
    ledger.forget("ingest", "a")
    assert ledger.chunks == {"x": "2"}
    ledger.put("ingest", "a", Done("key", "", chunks={"x": "1"}))
    assert not ledger.is_done("ingest", "b", "key")
    assert ledger.chunks == {"x": "1"}


def test_ledger_on_s3(s3_store: str) -> None:
    ledger = Ledger(s3_store)
    ledger.put("ingest", "gldas-000", RECORD)
    fresh = Ledger(s3_store)
    fresh.recall("ingest")
    assert fresh.get("ingest", "gldas-000") == RECORD
    assert fresh.get("ingest", "gldas-001") is None


DAMAGED = [b"", b'{"key": "k', b"[]", b"null", b'"k"', b"{}", b"\xff\xfe{}", b'{"key": 3}']


@pytest.mark.parametrize("content", DAMAGED)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_damaged_record_costs_its_unit_and_is_said(
    tmp_path, content: bytes, at_once: bool, caplog: pytest.LogCaptureFixture
) -> None:
    written = Ledger(str(tmp_path))
    for unit in ("a/2015-01-01", "b"):
        written.put("predict", unit, RECORD)
    place = tmp_path / "ledger/predict/b.json"
    place.write_bytes(content)
    (place.parent / "b.txt").write_bytes(b"no record")
    ledger = Ledger(str(tmp_path))
    if at_once:
        ledger.recall("predict")
    assert ledger.get("predict", "b") is None
    assert not ledger.is_done("predict", "b", "key-1")
    assert ledger.get("predict", "a/2015-01-01") == RECORD
    (said,) = caplog.messages  # once, however often it is asked for
    assert str(place) in said
    assert said.endswith("Its unit is done again.")
    ledger.put("predict", "b", RECORD)
    assert Ledger(str(tmp_path)).get("predict", "b") == RECORD


def test_whatever_byte_of_a_record_is_changed_it_costs_its_unit(tmp_path) -> None:
    """Or nothing, where the byte says nothing, such as of the name of the seal."""
    Ledger(str(tmp_path)).put("predict", "b", RECORD)
    place = tmp_path / "ledger/predict/b.json"
    content = place.read_bytes()
    for at in range(len(content)):
        place.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert Ledger(str(tmp_path)).get("predict", "b") in (None, RECORD)
    place.write_bytes(content.replace(b"key-1", b"key-2"))
    assert Ledger(str(tmp_path)).get("predict", "b") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.pop("facts"),
        lambda value: value.update(facts=[1]),
        lambda value: value.update(set_aside=["a.nc4"]),
        lambda value: value["set_aside"][0].pop("code"),
        lambda value: value.update(content=None),
    ],
)
def test_a_record_of_another_shape_is_damaged(tmp_path, change) -> None:
    Ledger(str(tmp_path)).put("ingest", "b", RECORD)
    place = tmp_path / "ledger/ingest/b.json"
    value = json.loads(place.read_text())
    del value["sha256"]  # as 0.3.0 wrote it
    change(value)
    place.write_text(json.dumps(value))
    assert Ledger(str(tmp_path)).get("ingest", "b") is None


def test_a_record_without_the_facts_of_its_kind_is_named(tmp_path) -> None:
    @dataclass(frozen=True)
    class Told(Facts):
        granules: int
        days: int = 0
        more: int = 1

    ledger = Ledger(str(tmp_path))
    ledger.put("ingest", "b", RECORD)
    record = Ledger(str(tmp_path)).get("ingest", "b")
    assert record is not None
    assert Told.of(record) == Told(7)
    ledger.put("ingest", "b", Done("key", "content", {"days": 3}))
    record = Ledger(str(tmp_path)).get("ingest", "b")
    assert record is not None
    with pytest.raises(DamagedObject, match=r"b\.json: expected .*granules, found one of days"):
        Told.of(record)


@pytest.mark.process
def test_digest_is_the_same_in_another_process() -> None:
    value = {"b": [1, 2.5, None], "a": "\u2103", "c": {"y": True, "x": ("t",)}}
    here = digest(value, "more")
    program = f"from soilft.store.digest import digest; print(digest({value!r}, 'more'))"
    there = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert here == there
    assert len(here) == 64


def test_digest_tells_values_and_their_order_apart() -> None:
    assert digest("a", "b") != digest("b", "a")
    assert digest(["a", "b"]) != digest("a", "b")
    assert digest(1) != digest("1")
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


ARRAYS = st.dictionaries(
    st.sampled_from(["state", "tb", "x"]),
    hnp.arrays(
        st.sampled_from(["uint8", "float32", "int64"]),
        hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
    ),
    max_size=3,
)


@given(ARRAYS)
def test_arrays_digest_knows_neither_order_nor_memory_layout(arrays) -> None:
    turned = {name: np.asfortranarray(arrays[name]) for name in reversed(list(arrays))}
    swapped = {name: a.astype(a.dtype.newbyteorder(">")) for name, a in arrays.items()}
    assert arrays_digest(arrays) == arrays_digest(turned) == arrays_digest(swapped)


def test_arrays_digest_tells_name_type_shape_and_value_apart() -> None:
    a = np.arange(6, dtype="uint8")
    variants = [
        {"a": a},
        {"b": a},
        {"a": a.reshape(2, 3)},
        {"a": a.astype("int8")},
        {"a": a[::-1]},
        {"a": a, "b": a[:0]},
    ]
    assert len({arrays_digest(variant) for variant in variants}) == len(variants)
