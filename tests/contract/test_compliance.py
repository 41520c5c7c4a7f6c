"""Two days of a cube, as NetCDF, before IOOS's compliance-checker at its strictest.

What is skipped is listed here with the reason, and so is every message that the skipped checks
would have given: a new one fails.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from soilft.cube import netcdf
from soilft.days import DaySpan
from tests.support.cubes import SMALL, make

pytestmark = pytest.mark.process

CHECKER = Path(sys.executable).with_name("compliance-checker")
TWO_DAYS = DaySpan(date(2015, 1, 30), date(2015, 1, 31))
ORDER = (
    "{}'s spatio-temporal dimensions are not in the recommended order T, Z, Y, X and/or further "
    "dimensions are not located left of T, Z, Y, X. The dimensions (and their guessed types) are "
    "time (T), overpass (U), y (Y), x (X) (with U: other/unknown; L: unlimited)."
)
PACKED = (
    "Variable is not of type byte, short, or int as required for different type "
    "add_offset/scale_factor."
)
VERTICAL = (
    "Could not find vertical variable to test extent of "
    "geospatial_vertical_min/geospatial_vertical_max, see CF-1.6 spec chapter 4.3"
)
# What ACDD-1.3 asks across the antimeridian, the westernmost greater than the easternmost, the
# checker holds against least and greatest.
LONGITUDES = (
    "Data for possible longitude variables ({'x': np.float64(181.875)}) did not match "
    "geospatial_lon_max value (-178.125)"
)
SKIPPED: Mapping[str, Mapping[str, list[str]]] = {
    "cf:1.11": {
        # A recommendation of CF. Time leads in every array: all grow along their first dimension.
        "check_dimension_order": [ORDER.format(f"overpass_{n}") for n in ("probability", "state")],
        # CF-1.11 section 8.1 allows unsigned bytes for packed data; the checker asks for signed.
        "check_packed_data": [PACKED] * 3,
    },
    "acdd:1.3": {
        # The table of standard names has none for the probability of a frozen soil, nor for a
        # dissimilarity of predictors; a wrong one would be worse.
        "check_var_standard_name": ["standard_name"] * 3,
        # A state of the ground's surface has no vertical axis for the extents to be read from.
        "check_vertical_extents": [VERTICAL],
    },
}


def skipped(kind: str, test: str) -> Mapping[str, list[str]]:
    """Checks that are skipped, and what they would say."""
    across = kind == "across" and test == "acdd:1.3"
    return {**SKIPPED[test], **({"check_lon_extents": [LONGITUDES]} if across else {})}


@pytest.fixture(scope="module", params=[*SMALL, "across"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which grid the cube is on."""
    return str(request.param)


@pytest.fixture(scope="module")
def exported(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give two days of a cube on each kind of grid as a NetCDF file."""
    folder = tmp_path_factory.mktemp(kind)
    cube = make(folder / "cube.zarr", kind)
    netcdf.export(cube.url, folder / "two-days.nc", TWO_DAYS)
    return folder / "two-days.nc"


def checked(path: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CHECKER, "--test", test, "--criteria", "strict", *options, path],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("test", SKIPPED)
def test_two_days_pass_the_strictest_check(exported: Path, kind: str, test: str) -> None:
    skips = [option for name in skipped(kind, test) for option in ("--skip-checks", name)]
    done = checked(exported, test, *skips)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All tests passed!" in done.stdout


@pytest.mark.parametrize("test", SKIPPED)
def test_skipped_checks_would_say_what_is_listed_and_no_more(
    exported: Path, kind: str, test: str
) -> None:
    report = exported.with_name("report.json")
    done = checked(exported, test, "--format", "json", "--output", str(report))
    # Not passed: where a checker learns better, what it need not skip any more shows here.
    assert done.returncode == 1
    results = json.loads(report.read_text())[test]["all_priorities"]
    found = sorted(
        message
        for result in results
        for message in [*result["msgs"], *(m for c in result["children"] for m in c["msgs"])]
    )
    assert found == sorted(m for messages in skipped(kind, test).values() for m in messages)
