"""The report's code may change: its pages stay the same."""

import pytest

from tests.contract import golden_report


@pytest.mark.parametrize("name", ["whole", "bare", "hostile"])
def test_the_report_is_the_golden_page(name: str) -> None:
    wanted = (golden_report.FOLDER / f"{name}.html").read_text(encoding="utf-8")
    assert golden_report.pages()[name] == wanted
