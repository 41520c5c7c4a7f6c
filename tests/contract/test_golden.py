"""The public contract of a cube changes only where somebody meant it to."""

import json

import pytest

from tests.contract import golden
from tests.support.cubes import REGIONS


@pytest.mark.parametrize("kind", REGIONS)
def test_a_cube_says_of_itself_what_the_reviewed_contract_says(kind: str) -> None:
    reviewed = json.loads(golden.path(kind).read_text())
    found = golden.contract(kind)
    assert found["attributes"] == reviewed["attributes"]
    assert found["arrays"].keys() == reviewed["arrays"].keys()
    for name, array in found["arrays"].items():
        assert array == reviewed["arrays"][name], f"{name}; meant? python -m tests.contract.golden"
    assert found == reviewed


@pytest.mark.parametrize("kind", REGIONS)
def test_a_release_says_to_machines_what_the_reviewed_collection_says(kind: str) -> None:
    reviewed = json.loads(golden.collection_path(kind).read_text())
    assert golden.collection(kind) == reviewed, "meant? python -m tests.contract.golden"


@pytest.mark.parametrize("kind", REGIONS)
def test_every_variable_with_integers_has_both_fills_and_its_grid(kind: str) -> None:
    arrays = json.loads(golden.path(kind).read_text())["arrays"]
    fields = {name: array for name, array in arrays.items() if {"time", "y"} <= set(array["dims"])}
    assert len(fields) == 10
    for name, array in fields.items():
        dtype, fill = ("uint16", 65535) if name == "quality_flag" else ("uint8", 255)
        assert array["dtype"] == dtype
        assert array["fill_value"] == array["attributes"]["_FillValue"] == fill
        assert array["attributes"]["grid_mapping"] == "crs"
        auxiliary = {"latlon": None, "projected": "lat lon"}[kind]
        assert array["attributes"].get("coordinates") == auxiliary
        # CF knows no name for freeze/thaw: none, not a wrong one.
        assert "standard_name" not in array["attributes"]
    assert arrays["time"]["dtype"] == arrays["time_bnds"]["dtype"] == "int32"
    assert arrays["time"]["attributes"]["units"] == "days since 1970-01-01"
    assert arrays["time"]["attributes"]["bounds"] == "time_bnds"
    assert arrays["crs"]["attributes"]["crs_wkt"].startswith(("GEOGCRS", "PROJCRS"))
