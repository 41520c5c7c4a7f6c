"""SMAP L3 freeze/thaw: whole grids and cuts lie where the file says, or are refused."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from soilft.errors import GridMismatch
from soilft.schema import FROZEN
from soilft.sources.smap import GRIDS
from tests.support.smap import (
    GLOBAL,
    NAME,
    SOURCE,
    arrays,
    at,
    cell,
    observed,
    one_place,
    placed,
    written,
)


def test_rows_upside_down_are_refused(tmp_path: Path) -> None:
    fields = {name: values[:, ::-1] for name, values in observed(arrays()).items()}
    with pytest.raises(
        GridMismatch, match=r"expected \(406, 964\) .*row 0 in the north.*found row 0 at row -405"
    ) as error:
        SOURCE.read(written(tmp_path, fields))
    assert NAME in str(error.value)


def test_rolled_columns_are_refused(tmp_path: Path) -> None:
    fields = {n: np.roll(values, 482, axis=2) for n, values in observed(arrays()).items()}
    with pytest.raises(GridMismatch, match=r"found column 0 at column -482.* by latitude"):
        SOURCE.read(written(tmp_path, fields))


def test_the_nine_kilometre_grid_is_refused(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with h5py.File(path, "w") as file:
        for name, dtype in (("freeze_thaw", "u1"), ("surface_flag", "u2")):
            file.create_dataset(f"{GLOBAL}/{name}", (2, 1624, 3856), dtype, chunks=(1, 406, 964))
    with pytest.raises(GridMismatch, match=r"36032\.2 m.*found shape \(2, 1624, 3856\)"):
        SOURCE.read(path)


def test_one_overpass_without_an_axis_is_refused(tmp_path: Path) -> None:
    fields = {name: values[0] for name, values in arrays().items()}
    with pytest.raises(GridMismatch, match=r"2 x \(406, 964\).*found shape \(406, 964\)"):
        SOURCE.read(written(tmp_path, fields))


def cut(fields: dict[str, np.ndarray], row: int, column: int) -> dict[str, np.ndarray]:
    """A rectangle of 60 rows and 90 columns."""
    return {n: v[:, row : row + 60, column : column + 90] for n, v in fields.items()}


def index_fields() -> dict[str, np.ndarray]:
    rows, columns = np.indices((406, 964), "uint16")
    found = {"EASE_row_index": rows, "EASE_column_index": columns}
    return {name: np.stack([values, np.full_like(values, 65534)]) for name, values in found.items()}


@pytest.mark.parametrize("how", ["latitude", "index", "axes"])
def test_a_cut_lies_where_the_file_says(tmp_path: Path, how: str) -> None:
    row, column = cell(91, 31.5)
    corner = row - 30, column - 40
    fields = one_place(91, 31.5, 0, 1, 0)
    if how != "latitude":
        fields = {n: v for n, v in fields.items() if n not in ("latitude", "longitude")}
    if how == "index":
        fields |= index_fields()
    fields = cut(fields, *corner)
    if how == "axes":
        whole = GRIDS["global"]
        fields["y"] = whole.y[corner[0] : corner[0] + 60]
        fields["x"] = whole.x[corner[1] : corner[1] + 90]
    found = placed(written(tmp_path, fields))["freeze_thaw"]
    assert at(found[0], 91, 31.5) == FROZEN
    assert (found == FROZEN).sum() == 1


def test_a_cut_that_does_not_say_where_is_refused(tmp_path: Path) -> None:
    fields = {n: v for n, v in arrays().items() if n not in ("latitude", "longitude")}
    with pytest.raises(GridMismatch, match=r"says which part it is, found \(60, 90\) cells"):
        SOURCE.read(written(tmp_path, cut(fields, 0, 0)))


def test_a_cut_whose_places_disagree_is_refused(tmp_path: Path) -> None:
    fields = cut(observed(arrays()) | index_fields(), 100, 200)
    fields["EASE_row_index"] = fields["EASE_row_index"] + np.uint16(5)
    with pytest.raises(GridMismatch, match=r"row 0 at row 100\.00 to 100\.00 by latitude"):
        SOURCE.read(written(tmp_path, fields))


def test_a_cut_elsewhere_cannot_serve_the_region(tmp_path: Path) -> None:
    path = written(tmp_path, cut(observed(arrays(rest=1)), 300, 100))
    with pytest.raises(GridMismatch, match="covers some of the region") as error:
        placed(path)
    assert NAME in str(error.value)
