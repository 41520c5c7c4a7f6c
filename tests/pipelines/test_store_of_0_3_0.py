"""A store that release 0.3.0 made goes on with today's code; SIMULATED, and packed in the tests."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
import xarray as xr

from soilft.store import zarr as zarr_store
from tests.contract import store_of_0_3_0
from tests.support.command import soilft
from tests.support.small_run import latest

pytestmark = pytest.mark.slow

OLD = ("v1.0", "v1.1", "v2.0")
BEYOND_REACH = "2015-10-05"
"""The last day that nothing which came later, on the 11th and 12th, has a part in."""


@dataclass(frozen=True)
class Unpacked:
    """Folder with the store and its region file, and what asks today's command about them."""

    folder: Path
    archive: Path

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def soilft(self, command: str, *words: object, code: int = 0) -> CompletedProcess[str]:
        return soilft(
            command,
            self.folder / "region.yaml",
            *words,
            "--store",
            self.store,
            environment={store_of_0_3_0.VARIABLE: str(self.archive)},
            code=code,
        )

    def release(self, version: str) -> Path:
        return self.store / "releases" / version


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    store_of_0_3_0.unpack(folder)
    return folder


@pytest.fixture
def store(packed: Path, tmp_path: Path) -> Path:
    """Give a copy of the store, to do something to."""
    return Path(shutil.copytree(packed / "store", tmp_path / "it/store"))


@pytest.fixture(scope="module")
def archive(packed: Path, small_archive: Path, once: Callable[..., Path]) -> Path:
    """Give the granules that 0.3.0 saw: those of the small run but for the last days."""

    def without_new(folder: Path) -> None:
        shutil.copytree(small_archive, folder / "archive")
        store_of_0_3_0.hold_back(folder / "archive", folder / "later", *store_of_0_3_0.NEW)

    found = once("archive of 0.3.0", without_new) / "archive"
    sums = {path.name: sha256(path.read_bytes()).hexdigest() for path in found.rglob("*.*")}
    for record in (packed / "store/ledger/ingest").rglob("*.json"):
        for name, known in json.loads(record.read_text())["facts"].get("sha256", {}).items():
            if sums[name] != known:
                pytest.skip("needs the libraries that wrote the granules: constraints.txt")
    return found


@pytest.fixture
def old(store: Path, packed: Path, archive: Path) -> Unpacked:
    """Give the store with its region file and the granules that 0.3.0 saw."""
    shutil.copy(packed / "region.yaml", store.parent)
    return Unpacked(store.parent, archive)


@pytest.fixture
def forests(packed: Path) -> None:
    """Skip where no day can be predicted."""
    card = json.loads((packed / "store/releases/v2.0/model/card.json").read_text())
    if card["versions"]["scikit-learn"] != version("scikit-learn"):
        pytest.skip("needs the scikit-learn that grew the forests: constraints.txt")


@pytest.fixture
def old_with_new_days(old: Unpacked, small_archive: Path, forests: None) -> Unpacked:
    """Give the same when two more days have come."""
    return Unpacked(old.folder, small_archive)


def files(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read(release: Path, group: str | None = None) -> xr.Dataset:
    """A published cube as whoever has plain xarray reads it, no value decoded."""
    cube = release / "cube.zarr"
    return xr.open_zarr(cube, group=group, mask_and_scale=False, chunks=None).load()


def codecs(release: Path) -> set[str]:
    """Names of the codecs that pack the chunks of a cube's arrays."""
    root = zarr_store.open_raw(str(release / "cube.zarr"))
    arrays: list[Any] = [each for _, each in root.members(max_depth=None)]
    packing = [each.compressors for each in arrays if hasattr(each, "compressors")]
    return {codec.to_dict()["name"] for chain in packing for codec in chain}


def same_values(found: xr.Dataset, expected: xr.Dataset) -> None:
    assert set(found.data_vars) == set(expected.data_vars)
    for name in expected.variables:
        np.testing.assert_array_equal(found[name].values, expected[name].values, str(name))


def test_it_is_as_0_3_0_left_it_and_says_that_it_is_simulated(packed: Path, store: Path) -> None:
    assert (packed / "SIMULATED.txt").read_text().startswith("SIMULATED")
    assert store_of_0_3_0.COMMIT in (packed / "SIMULATED.txt").read_text()
    records = [json.loads(path.read_text()) for path in (store / "ledger").rglob("*.json")]
    assert len(records) > 150
    assert not [record for record in records if "chunks" in record]
    assert not (store / "ledger/stores").exists()
    for each in OLD:
        assert not (store / "releases" / each / "objects.json").exists()
        assert codecs(store / "releases" / each) == {"blosc"}
        cube = read(store / "releases" / each)
        assert cube.attrs["title"].startswith("SIMULATED")
        assert (cube.freeze_thaw_state != 255).any()


def test_status_says_what_is_recognised_and_what_is_to_do(old: Unpacked) -> None:
    before = files(old.store)
    said = old.soilft("status").stdout
    assert rows(said) == {
        "ingest": ("112", "0"),
        "harmonize": ("1", "0"),
        "train": ("2", "0"),
        "predict": ("37", "0"),
        "annual": ("0", "4"),
        "validate": ("1", "0"),
        "publish": ("0", "1"),
    }
    assert "latest is v2.0" in said
    assert files(old.store) == before
    (old.release("v2.0") / "release.json").write_text("{")
    assert rows(old.soilft("status").stdout)["publish"] == ("0", "1")


def rows(table: str) -> dict[str, tuple[str, str]]:
    """Units up to date and to do, by stage."""
    lines = [[cell.strip() for cell in line.split("│")] for line in table.splitlines()]
    return {cells[1]: (cells[2], cells[3]) for cells in lines if len(cells) > 4}


def test_run_does_the_annual_layers_alone_and_publishes_the_same_values(old: Unpacked) -> None:
    before = files(old.store)
    done = old.soilft("run", "--quiet")
    for stage in ("ingest", "harmonize", "train", "predict", "validate"):
        assert f"{stage}: nothing to do" in done.stdout
    assert "annual: 4 done, 0 up to date" in done.stdout
    assert "Published v2.1" in done.stdout
    assert "changes since v2.0: 0 days added, 0 of 640 pixel-days" in done.stderr
    for group in (None, "series", "annual"):
        same_values(read(old.release("v2.1"), group), read(old.release("v2.0"), group))
    # No shard was copied below metadata that read it otherwise.
    assert codecs(old.release("v2.1")) == {"blosc", "crc32c"}
    assert not parts(old.release("v2.1")) & parts(old.release("v2.0"))
    kept_as_they_were(old, before)
    verified = soilft("verify", old.store).stdout
    assert verified.startswith("v2.1: ")
    assert "not covered" not in verified
    assert {row[1] for row in rows(old.soilft("status").stdout).values()} == {"0"}
    assert "publish: nothing to do" in old.soilft("publish", "--quiet").stdout


def parts(release: Path) -> set[str]:
    """Keys of the parts that the days of a release are cut into."""
    return {part["key"] for part in json.loads((release / "release.json").read_text())["parts"]}


def kept_as_they_were(old: Unpacked, before: dict[str, str]) -> None:
    """Hold what 0.3.0 released, and the models, to what they were before."""
    now = files(old.store)
    kept = {
        name for name in before if name.startswith((*(f"releases/{v}/" for v in OLD), "models"))
    }
    assert len(kept) > 300
    assert {name: now[name] for name in kept} == {name: before[name] for name in kept}


@pytest.mark.usefixtures("forests")
def test_what_was_staged_and_is_damaged_is_predicted_again(old: Unpacked) -> None:
    (staged,) = [run for run in (old.store / "runs").iterdir() if is_of(run, old, "v2.0")]
    before = files(staged / "cube.zarr")
    flip(staged / "cube.zarr/frozen_probability/c/33/0/0")
    (staged / "cube.zarr/quality_flag/c/33/0/0").write_bytes(b"")
    (staged / "cube.zarr/freeze_thaw_state/c/34/0/0").unlink()
    done = old.soilft("predict", "--quiet")
    assert "predict: 2 done, 35 up to date" in done.stdout
    for days in ("2015-09-27..2015-10-06", "2015-10-07..2015-10-16"):
        assert f"{days} was changed or lost after 0.3.0 predicted it" in done.stderr
    assert files(staged / "cube.zarr") == before
    # All of it has checksums from now on, as what is predicted today.
    flip(staged / "cube.zarr/quality_flag/c/3/0/0")
    assert "store-damaged" in old.soilft("publish", "--quiet", code=4).stderr


def is_of(run: Path, old: Unpacked, version: str) -> bool:
    """Whether a staging cube is the one of a release."""
    said = json.loads((old.release(version) / "release.json").read_text())
    cube = xr.open_zarr(run / "cube.zarr", chunks=None)
    return bool(cube.attrs["model_digest"] == said["model_digest"])


def flip(path: Path) -> None:
    """Change a bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_update_adds_days_by_the_forest_that_0_3_0_grew(old_with_new_days: Unpacked) -> None:
    old = old_with_new_days
    before = files(old.store)
    done = old.soilft("update", "--quiet")
    assert "ingest: 3 done, 109 up to date" in done.stdout
    assert "predict: 4 done, 33 up to date" in done.stdout
    assert "Published v2.1" in done.stdout
    kept_as_they_were(old, before)
    found, earlier = read(old.release("v2.1")), read(old.release("v2.0"))
    same_values(*(cube.sel(time=slice(None, BEYOND_REACH)) for cube in (found, earlier)))
    for day in store_of_0_3_0.NEW:
        assert (earlier.freeze_thaw_state.sel(time=str(day)) == 255).all()
        assert (found.freeze_thaw_state.sel(time=str(day)) != 255).any()
    said = [json.loads((old.release(v) / "release.json").read_text()) for v in ("v2.0", "v2.1")]
    assert said[0]["method"] == said[1]["method"]
    assert soilft("verify", old.store).stdout.startswith("v2.1: ")


def test_after_a_rollback_an_update_goes_on_from_there(old_with_new_days: Unpacked) -> None:
    old = old_with_new_days
    assert "Now the latest: v1.1" in soilft("rollback", old.store, "v1.1").stdout
    assert latest(old.store)["version"] == "v1.1"
    done = old.soilft("update", "--quiet")
    assert "Published v1.2" in done.stdout
    assert "changes since v1.1" in done.stderr
    listed = soilft("releases", old.store).stdout
    assert [v for v in (*OLD, "v1.2") if v in listed] == [*OLD, "v1.2"]
    removed = soilft("prune", old.store, "--keep-days", 0).stdout
    assert removed == "".join(f"removed {v}\n" for v in OLD)
    assert soilft("verify", old.store).stdout.startswith("v1.2: ")
    assert (read(old.release("v1.2")).freeze_thaw_state != 255).any()


def test_rollback_and_prune_keep_what_they_say(store: Path) -> None:
    before = {v: read(store / "releases" / v) for v in OLD}
    assert "Nothing to remove" in soilft("prune", store, "--keep-days", 36_500).stdout
    soilft("rollback", store, "v1.0")
    assert "would remove v1.1\nwould remove v2.0" in (
        soilft("prune", store, "--keep-days", 0, "--dry-run").stdout
    )
    assert soilft("prune", store, "--keep-days", 0).stdout == "removed v1.1\nremoved v2.0\n"
    xr.testing.assert_identical(read(store / "releases/v1.0"), before["v1.0"])
    assert soilft("verify", store).stdout.startswith("v1.0: 26 objects are as they were published")
    soilft("rollback", store, "v2.0", code=4)


@pytest.mark.parametrize("release", OLD)
def test_verify_says_what_it_holds_and_what_it_cannot(store: Path, release: str) -> None:
    there = files(store / "releases" / release)
    said = soilft("verify", store, release).stdout.splitlines()
    assert said[0] == f"{release}: 26 objects are as they were published"
    assert said[1].startswith(f"{len(there) - 26} objects are not covered by what {release} says")
    covered = set(there) - {line.strip() for line in said[2:]}
    # The values of all days, for maps and for series.
    assert covered == {name for name in there if is_shard(name)}


def is_shard(name: str) -> bool:
    array = name.removeprefix("cube.zarr/").removeprefix("series/").split("/c/")[0]
    others = ("crs", "overpass", "time", "time_bnds", "x", "y")
    return "/c/" in name and "/" not in array and array not in others


def test_damage_that_can_be_seen_is_named(store: Path) -> None:
    release = store / "releases/v2.0"
    flip(release / "cube.zarr/freeze_thaw_state/c/0/0/0")
    (release / "cube.zarr/frozen_probability/c/0/0/0").unlink()
    (release / "model/forest.skops").unlink()
    (release / "cube.zarr/zarr.json").rename(release / "zarr.json")
    done = soilft("verify", store, code=4)
    assert "v2.0: 24 objects are as they were published" in done.stdout
    for told in (
        "4 that are not",
        "freeze_thaw_state/c/0/0/0 (array freeze_thaw_state, tile of row 0, column 0, days 2014-11",
        "frozen_probability/c/0/0/0 (array frozen_probability, tile of row 0, column 0, days 2014",
        "model/forest.skops (the model): expected an object, which the release needs",
        "cube.zarr/zarr.json (metadata of the cube, consolidated): expected an object",
        "soilft rollback",
    ):
        assert told in done.stderr
    soilft("verify", store, "v1.1")


def test_publish_copies_no_damage_and_says_that_annual_layers_are_to_be_made(
    old: Unpacked,
) -> None:
    expected = read(old.release("v2.0"))
    for name in ("freeze_thaw_state", "frozen_probability"):
        (old.release("v2.0") / f"cube.zarr/{name}/c/0/0/0").write_bytes(b"none")
    done = old.soilft("publish", "--quiet")
    assert "Published v2.1" in done.stdout
    assert "changes since v2.0: not compared, the cube before is damaged" in done.stderr
    assert "v2.1: without annual layers, which the release before has" in done.stderr
    same_values(read(old.release("v2.1")), expected)
    soilft("verify", old.store)


def test_a_forest_of_another_scikit_learn_is_refused_with_the_way_on(
    old: Unpacked, small_archive: Path
) -> None:
    for path in old.store.rglob("card.json"):
        card = json.loads(path.read_text())
        card["versions"]["scikit-learn"] = "1.0"
        path.write_text(json.dumps(card))
    done = Unpacked(old.folder, small_archive).soilft("update", "--quiet", code=3)
    assert "expected scikit-learn 1.0, which grew the forest" in done.stderr
    assert "Install that version, or train again." in done.stderr
    assert latest(old.store)["version"] == "v2.0"
    assert soilft("verify", old.store).stdout.startswith("v2.0: 26 objects are as they were")
