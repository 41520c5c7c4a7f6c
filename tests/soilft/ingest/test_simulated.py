"""Days simulated straight onto a grid."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from soilft.days import DaySpan
from soilft.grid import Region
from soilft.ingest.granules import template_for
from soilft.ingest.simulated import SimulatedDays, is_scaled
from soilft.ingest.truth import TruthSource
from soilft.simulate import Archive
from soilft.sources import Amsr2L3, GldasNoah3h, SmosL3Ft
from soilft.store.zarr import create

BOUNDS = (90.0, 32.0, 92.5, 34.0)
START, END, SEED = date(2015, 10, 1), date(2015, 10, 4), 5


def test_a_scale_of_the_noise_counts_for_instruments_alone() -> None:
    sources = (Amsr2L3(("36",)), SmosL3Ft(), GldasNoah3h(), TruthSource("smos", ("AM",), SEED))
    assert [is_scaled(source, 2.0) for source in sources] == [True, True, False, False]
    assert not any(is_scaled(source, 1.0) for source in sources)


@pytest.mark.parametrize("product", ["truth", "smos", "amsr2"])
def test_one_degree_is_made_of_its_quarter_degree_cells(tmp_path: Path, product: str) -> None:
    archive = Archive(tmp_path, BOUNDS, START, END, SEED)
    source = {
        "truth": TruthSource("smos", ("AM", "PM"), SEED),
        "smos": SmosL3Ft(),
        "amsr2": Amsr2L3(("36",)),
    }[product]
    days, found = DaySpan(START, START + timedelta(days=1)), []
    for preset in ("latlon-1.0", "latlon-0.25"):
        grid, url = Region("any", preset, (90, 32, 92, 34)).grid, str(tmp_path / preset)
        create(url, template_for(source, grid, days, 2))
        SimulatedDays(url, source, grid, days, days, archive, tuple(days))()
        found.append(xr.open_zarr(url).load())
    coarse, fine = found
    name = "tb" if product == "amsr2" else "freeze_thaw"
    assert coarse[name].shape[-2:] == (2, 2)
    blocks = fine[name].values.reshape(*fine[name].shape[:-2], 2, 4, 2, 4)
    known = np.isfinite(blocks).mean(axis=(-3, -1))
    np.testing.assert_array_equal(np.isfinite(coarse[name].values), known >= 0.5)
    filled = np.where(np.isfinite(blocks), blocks, 0.0)
    whole = known == 1.0
    assert whole.any()
    mean = filled.mean(axis=(-3, -1))[whole]
    if product == "amsr2":
        np.testing.assert_allclose(coarse[name].values[whole], mean, atol=0.1)
    if product == "truth":
        clear = np.abs(mean - 0.5) > 0.01
        np.testing.assert_array_equal((coarse[name].values[whole])[clear], (mean > 0.5)[clear])
    if product == "smos":
        for cell, state in zip(
            np.moveaxis(blocks, -3, -2).reshape(*whole.shape, 16)[whole],
            coarse[name].values[whole],
            strict=True,
        ):
            counts = np.bincount(cell.astype(int), minlength=3)
            assert counts[int(state)] >= counts.max() - 1
