"""Two commands on one scheduler, each with what it knows of its own store."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from distributed import Client

from tests.failure.test_damaged_store import flip
from tests.support.forked_commands import Ended, commands
from tests.support.small_run import before, product_bytes, region_file


@pytest.mark.slow
def test_two_commands_on_one_scheduler_do_not_disturb_each_other(
    small_archive: Path, unbroken: Path, dask_client: Client, tmp_path: Path
) -> None:
    """An input of one store is damaged: it alone makes it again, and says so."""
    address = dask_client.scheduler_info(n_workers=0)["address"]
    configs = [region_file(tmp_path / name, small_archive) for name in ("sound", "damaged")]
    for config in configs:
        shutil.copytree(unbroken, config.parent / "store")
        before("train", config.parent / "store")
    flip(tmp_path / "damaged/store/inputs/amsr2.zarr/tb/c/1/0/0/0/0")

    def run(config: Path) -> Ended:
        with commands() as command:
            return command("run", config, "--quiet", "--scheduler", address)

    with ThreadPoolExecutor(2) as threads:
        sound, damaged = threads.map(run, configs)
    assert (sound.code, damaged.code) == (0, 0), sound.text + damaged.text
    assert "made again" not in sound.text
    assert "amsr2.zarr/tb" in damaged.text
    for config in configs:
        assert product_bytes(config.parent / "store") == product_bytes(unbroken)
