"""The list of guards speaks of the code as it is."""

import pytest

from tests.support.guards import GUARDS, ROOT, Guard


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.file)
def test_a_guard_stands_where_the_list_says(guard: Guard) -> None:
    assert (ROOT / guard.file).read_text().count(guard.line) >= 1
    assert guard.line != guard.instead
    assert all((ROOT / test.split("::")[0]).exists() for test in guard.tests.split())
