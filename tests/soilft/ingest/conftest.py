"""A small archive of one number a file."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    for name, value in (
        ("number_20150101_A_v10.json", 1.0),
        ("number_20150101_D_v10.json", 2.0),
        ("number_20150103_A_v10.json", 4.0),
        ("readme.txt", 0.0),
    ):
        (folder / name).write_text(json.dumps(value))
    return folder
