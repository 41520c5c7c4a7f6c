"""A dozen random sequences of deliveries, commands, kills and damage; `make soak` has 200."""

from pathlib import Path

import pytest
from distributed import Client
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.forked_commands import commands
from tests.support.sequences import machine_of, world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

A_DOZEN = settings(
    max_examples=12,
    stateful_step_count=6,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_whatever_befalls_a_store_a_release_is_right_or_refused_by_name(
    dask_client: Client, tmp_path: Path
) -> None:
    with (
        commands() as command,
        world(tmp_path / "own", tmp_path / "shared", dask_client, command) as it,
    ):
        run_state_machine_as_test(machine_of(it), settings=A_DOZEN)
        print(dict(it.counts))
    assert it.counts["sequences"] >= A_DOZEN.max_examples
    assert it.counts["releases"] > 0
    assert it.counts["damages"] > 0
