"""The code may be moved and renamed: what the small run writes stays the same to the byte."""

import json
from pathlib import Path
from typing import Any

import pytest

from soilft import __version__
from tests.contract import golden_run


@pytest.mark.slow
def test_the_small_run_writes_what_the_golden_record_holds(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    record: dict[str, Any] = json.loads(golden_run.RECORD.read_text())
    if record["setting"] != golden_run.setting():
        # The record holds for other libraries or another processor: its code is run here, too.
        try:
            with golden_run.code_of(record["commit"]) as code:
                record |= golden_run.made_by(code, tmp_path)
        except LookupError as error:
            pytest.skip(f"needs the libraries of the golden record, or its commit: {error}")
    if __version__ == golden_run.VERSION:
        found = golden_run.content_of(request.getfixturevalue("unbroken"))
    else:
        found = golden_run.made_by(golden_run.ROOT, tmp_path)
    for what in ("objects", "ledger"):
        there, wanted = found[what], record[what]
        assert wanted
        assert there.keys() == wanted.keys()
        changed = [name for name in wanted if there[name] != wanted[name]]
        assert not changed, "meant? Then a commit of its own: make golden, with a decision record"
