"""Codes of the radiometers' channels, which stores keep and must never change."""

import numpy as np

from soilft.channels import CODES, channel_coordinate


def test_codes_are_those_that_stores_hold() -> None:
    assert CODES == {
        "6.9V": 0, "6.9H": 1, "7.3V": 2, "7.3H": 3, "10.65V": 4, "10.65H": 5, "18.7V": 6,
        "18.7H": 7, "23.8V": 8, "23.8H": 9, "36.5V": 10, "36.5H": 11, "89.0V": 12, "89.0H": 13,
    }  # fmt: skip


def test_axis_names_its_own_codes() -> None:
    axis = channel_coordinate(["36.5V", "18.7H"])
    meanings = axis.attributes["flag_meanings"].split()
    names = dict(zip(axis.attributes["flag_values"], meanings, strict=True))
    assert [names[code] for code in axis.values] == ["36.5V", "18.7H"]
    assert axis.values.dtype == np.uint8
    assert axis.dims == ("channel",)
