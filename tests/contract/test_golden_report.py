"""The report's code may change: its pages stay the same."""

import pytest

from tests.contract import golden_report


def one_spelling(html: str) -> str:
    """One of the two ways to write each quotation mark; MarkupSafe's is not that of `html`."""
    return html.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")


@pytest.mark.parametrize("name", ["whole", "bare", "hostile"])
def test_the_report_is_the_golden_page(name: str) -> None:
    wanted = (golden_report.FOLDER / f"{name}.html").read_text(encoding="utf-8")
    assert one_spelling(golden_report.pages()[name]) == one_spelling(wanted)
