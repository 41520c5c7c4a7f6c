"""Parts of a staged cube that a release lacks."""

from pathlib import Path

from tests.support.staged import days, stage


def test_new_days_are_those_of_the_parts_that_a_release_lacks(tmp_path: Path) -> None:
    first, late = stage(str(tmp_path), 20), stage(str(tmp_path), 21, other={2: 7})
    whole = days(21).chunks(first.layout.shard_days)
    before = {"parts": [part.as_json() for part in first.parts]}
    assert first.new_days(before) == []
    assert late.new_days(None) == whole
    # Of three shards, the first has another day and the last one more.
    assert late.new_days(before) == [whole[0], whole[2]]
