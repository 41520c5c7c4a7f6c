"""Real granules: renamed, linked, cut, locked, truncated and with flipped bits, by a seed.

Each ends as read, as set aside by its name, or as refused by its name; nothing else is raised.
"""

import fcntl
import random
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from soilft.days import DaySpan
from soilft.errors import GranuleBusy, InputError, NoGranules
from soilft.grid import Grid
from soilft.ingest import reading
from soilft.ingest.archive import search
from soilft.ingest.granules import ChunkOfDays, Ingested, ingest_days, template_for
from soilft.ingest.ground import StaticFields, ingest_static, static_template
from soilft.sources import PRODUCTS
from soilft.store import zarr as store

pytestmark = pytest.mark.slow

GRID = Grid("EPSG:4326", 90.0, 31.0, 0.25, 0.25, (2, 3))
DAYS = DaySpan(date(2015, 1, 1), date(2016, 1, 3))
# Product of each real granule, its day, and a name that says another.
GLDAS = "gldas/GLDAS_NOAH025_3H.A20160101.0300.021.nc4"
CROPPED = "gldas/cropped/GLDAS_NOAH025_3H.A20150101.0000.021.nc4"
CCI = "esa_cci_sm/ESACCI-SOILMOISTURE-L3S-SSMV-COMBINED-20160101000000-fv03.3.nc"
SAMPLES = {
    GLDAS: ("gldas-noah-025-3h", date(2016, 1, 1), GLDAS.replace("0101", "0103")),
    CROPPED: ("gldas-noah-025-3h", date(2015, 1, 1), CROPPED.replace("0101", "0103")),
    CCI: ("esa-cci-sm-flag", date(2016, 1, 1), CCI.replace("20160101", "20160102")),
    "dem/etopo20_global_20arcmin.nc": ("dem", None, "dem/ground.nc"),
    "dem/himalaya_srtm30_wgs84.tif": ("dem", None, "dem/ground.nc"),
}


# Folders of what the readers do not take: a radiometer of the 1990s, and cuts without their names.
OTHERS = (("cetb", "amsr2-cetb-25km"), ("smap_ft", "smap-l3-ft-36km"))
# The same, under the names that the readers would take.
TAKEN = {
    "cetb/NSIDC0630_SIR_EASE2_T25km_F13_SSMI_A_19H_19910602_v2.0.nc": (
        "amsr2-cetb-25km",
        date(2013, 6, 2),
        "NSIDC0630_GRD_EASE2_T25km_GCOMW1_AMSR2_A_18H_20130602_v2.0.nc",
    ),
    "smap_ft/SPL3FTP_subsetted.nc4": (
        "smap-l3-ft-36km",
        date(2016, 1, 15),
        "SMAP_L3_FT_P_20160115_R19240_001_subsetted.nc4",
    ),
}
# The older sample holds soil moisture alone.
OPTIONS: dict[str, dict[str, Any]] = {
    "gldas-noah-025-3h": {"variables_read": ("SoilMoi0_10cm_inst",), "min_granules": 1}
}


def outcome(product: str, day: date | None, pattern: str, folder: Path) -> Ingested | str:
    """What becomes of the files of a pattern: what ingest gives, or the sentence of its refusal."""
    source = PRODUCTS[product](**OPTIONS.get(product, {}))  # type: ignore[operator]
    url = str(folder / "store.zarr")
    try:
        found = search(source, [pattern]).found
        if day is None:
            store.create(url, static_template([source], GRID))
            return ingest_static(StaticFields(url, source, GRID, found))
        whole = DaySpan(day, day)
        store.create(url, template_for(source, GRID, whole, 1))
        return ingest_days(ChunkOfDays(url, source, GRID, whole, whole, found))
    except (InputError, NoGranules) as error:
        return str(error)


def renamed(path: Path, other: str, _: random.Random) -> Path:
    return path.rename(path.with_name(other))


def unknown(path: Path, _other: str, _: random.Random) -> Path:
    return path.rename(path.with_name(f"copy of {path.stem}.bin"))


def linked(path: Path, _other: str, _: random.Random) -> Path:
    target = path.rename(path.with_name("somewhere else"))
    path.symlink_to(target)
    return path


def truncated(path: Path, _other: str, rng: random.Random) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content))])
    return path


def emptied(path: Path, _other: str, _: random.Random) -> Path:
    path.write_bytes(b"")
    return path


def cut(path: Path, _other: str, rng: random.Random) -> Path:
    """Cut a piece out of the middle."""
    content = path.read_bytes()
    first, last = sorted(rng.randrange(len(content)) for _ in range(2))
    path.write_bytes(content[:first] + content[last:])
    return path


def flipped(path: Path, _other: str, rng: random.Random) -> Path:
    """Flip one to some hundred bits, half of them where containers describe themselves."""
    content = bytearray(path.read_bytes())
    for _ in range(2 ** rng.randrange(8)):
        reach = min(len(content), 20_000) if rng.random() < 0.5 else len(content)
        content[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    return path


Damage = Callable[[Path, str, random.Random], Path]
TIMES: dict[Damage, int] = {
    renamed: 1,
    unknown: 1,
    linked: 1,
    emptied: 1,
    truncated: 4,
    cut: 4,
    flipped: 12,
}
CASES = [(damage, seed) for damage, times in TIMES.items() for seed in range(times)]


@pytest.mark.parametrize("sample", SAMPLES)
def test_as_it_is_it_is_read(sample: str, samples: Path, tmp_path: Path) -> None:
    product, day, _ = SAMPLES[sample]
    made = outcome(product, day, str(samples / sample), tmp_path)
    assert isinstance(made, Ingested)
    assert made.set_aside == ()


@pytest.mark.parametrize(("folder", "product"), OTHERS)
def test_what_no_reader_knows_is_refused_by_its_name(
    folder: str, product: str, samples: Path, tmp_path: Path
) -> None:
    made = outcome(product, date(2016, 1, 1), f"{samples}/{folder}/*", tmp_path)
    assert isinstance(made, str)
    assert any(path.name in made for path in (samples / folder).iterdir())


@pytest.mark.parametrize(("damage", "seed"), [case for case in CASES if case[0] is not unknown])
@pytest.mark.parametrize("sample", TAKEN)
def test_what_is_not_what_its_name_says_is_set_aside_by_it(
    sample: str, damage: Damage, seed: int, samples: Path, tmp_path: Path
) -> None:
    product, day, name = TAKEN[sample]
    path = Path(shutil.copy(samples / sample, tmp_path / name))
    path = damage(path, name, random.Random(f"{sample} {seed}"))
    made = outcome(product, day, str(path), tmp_path)
    assert isinstance(made, Ingested)
    assert [item.granule for item in made.set_aside] == [name]


@pytest.mark.parametrize(("damage", "seed"), CASES)
@pytest.mark.parametrize("sample", SAMPLES)
def test_whatever_happened_to_it_is_told_by_its_name(
    sample: str, damage: Damage, seed: int, samples: Path, tmp_path: Path
) -> None:
    product, day, other = SAMPLES[sample]
    (tmp_path / "archive").mkdir()
    path = Path(shutil.copy(samples / sample, tmp_path / "archive"))
    path = damage(path, Path(other).name, random.Random(f"{sample} {seed}"))
    if damage is renamed and day is not None:
        granule = PRODUCTS[product]().granule(str(path))  # type: ignore[operator]
        assert granule is not None
        day = granule.days[-1]
    made = outcome(product, day, f"{tmp_path}/archive/{path.name}", tmp_path)
    if isinstance(made, str):
        assert path.name in made
    else:
        assert all(item.granule == path.name for item in made.set_aside)
        assert len(made.set_aside) <= 1
    if damage in (truncated, emptied, renamed) and (day is not None or damage is not renamed):
        assert isinstance(made, str) or made.set_aside, "read as if nothing had happened"
    if damage is linked:
        assert isinstance(made, Ingested)
        assert made.set_aside == ()


@pytest.mark.parametrize("sample", [name for name in SAMPLES if not name.endswith(".tif")])
def test_a_lock_of_another_process_passes(
    sample: str, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAUSES_SECONDS", (0.0, 0.0))
    product, day, _ = SAMPLES[sample]
    path = Path(shutil.copy(samples / sample, tmp_path))
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(GranuleBusy, match=path.name):
            outcome(product, day, str(path), tmp_path)
    made = outcome(product, day, str(path), tmp_path)
    assert isinstance(made, Ingested)
    assert made.set_aside == ()
