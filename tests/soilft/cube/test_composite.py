"""The composite state of a day by its morning and its evening overpass."""

import numpy as np

from soilft.cube.structure import COMPOSITE, composite, variables
from soilft.schema import MISSING


def test_every_pair_of_overpasses_has_its_state() -> None:
    codes = np.array([0, 1, MISSING], "uint8")
    morning, evening = np.meshgrid(codes, codes, indexing="ij")
    expected = [[0, 3, MISSING], [2, 1, MISSING], [MISSING, MISSING, MISSING]]
    found = composite(morning, evening)
    assert found.tolist() == expected
    assert found.dtype == np.uint8
    assert COMPOSITE["AM_frozen_PM_thawed"] == found[1, 0]
    assert COMPOSITE["AM_thawed_PM_frozen"] == found[0, 1]


def test_it_is_a_variable_where_both_overpasses_are_predicted() -> None:
    both = {v.name: v for v in variables(("PM", "AM"), calibrated=True)}
    assert both["composite_state"].cf_attributes["_FillValue"] == MISSING
    assert both["composite_state"].attributes["flag_values"] == [0, 1, 2, 3]
    for overpasses in (("AM",), ("daily",), ("AM", "daily")):
        names = {v.name for v in variables(overpasses, calibrated=True)}
        assert "composite_state" not in names
