"""Chunks that are changed or lost after their record: never published, and made again."""

import shutil
from pathlib import Path

import pytest

from tests.support.command import soilft
from tests.support.small_run import before, product_bytes, region_file


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.slow
def test_what_was_damaged_is_said_and_made_again_by_the_same_command(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    """Of inputs: a value, a chunk, an axis, metadata that still parse, and none at all."""
    config = region_file(tmp_path, small_archive)
    made = tmp_path / "store"
    shutil.copytree(unbroken, made)
    before("harmonize", made)
    inputs = made / "inputs"
    flip(inputs / "amsr2.zarr/tb/c/1/0/0/0/0")
    (inputs / "gldas.zarr/SoilTMP0_10cm_inst_mean/c/3/0/0").unlink()
    flip(inputs / "smos.zarr/time/c/0")
    metadata = inputs / "smos.zarr/zarr.json"
    metadata.write_text(metadata.read_text().replace('"fill_value": 255', '"fill_value": 1'))
    (inputs / "static.zarr/zarr.json").unlink()
    # A stage by itself makes nothing again, and uses it no more the second time.
    for _ in range(2):
        refused = soilft("train", config, "--quiet", code=3)
        assert "static.zarr/zarr.json" in refused.stdout + refused.stderr
    run = soilft("run", config, "--quiet")
    said = " ".join(run.stderr.split())
    for name in ("amsr2.zarr/tb", "gldas.zarr/Soil"):
        assert name in said, said
    assert "inputs/smos.zarr: its metadata were changed or lost, and made again" in said
    assert "changed or lost after it was written, and made again" in said
    assert product_bytes(made) == product_bytes(unbroken)

    # Of the staging cube, before it is published.
    shutil.rmtree(made / "releases")
    (made / "latest.json").unlink()
    (staged,) = (made / "runs").glob("*/cube.zarr/freeze_thaw_state/c")
    flip(staged / "1/0/0")
    (staged / "2/0/0").unlink()
    refused = soilft("publish", config, "--quiet", code=4)
    assert "freeze_thaw_state/c/" in "".join(refused.stderr.split())
    assert not (made / "latest.json").exists()
    run = soilft("run", config, "--quiet")
    assert "predict: 2 done, 4 up to date" in run.stdout
    assert product_bytes(made) == product_bytes(unbroken)
