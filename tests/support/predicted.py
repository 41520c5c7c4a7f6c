"""A staged cube of some years without the way to it: hand-made probabilities and labels.

The stores, the ledger and the keys are the run's own; no forest has grown, and the probabilities
are of a simple season, so a test knows what the annual layers have to be.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from pipelines import lineage
from pipelines.config.region_file import load
from pipelines.run import Run
from pipelines.stages.predict import template_of
from soilft.annual.day_correlation import DayCorrelation
from soilft.days import DaySpan
from soilft.forest.artefact import ModelRef
from soilft.ingest.granules import template_for
from soilft.schema import MISSING
from soilft.store import objects
from soilft.store import zarr as store
from soilft.store.digest import arrays_digest, digest
from soilft.store.ledger import Done
from tests.support.small_run import region_file

PERIOD = DaySpan(date(2011, 6, 1), date(2015, 8, 14))
CORRELATION = DayCorrelation((0.0, 0.6, 0.0, 0.0, 0.2))
CHUNKS = {"ingest_days": 2000, "predict_days": 200}


@dataclass(frozen=True)
class Predicted:
    """Where the run is, and what was put into its cube."""

    config: Path
    run: Run
    model: ModelRef
    percent: npt.NDArray[np.uint8]


def probabilities(shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Hundredths (day, y, x): a winter longer by a week each year, whole days and rows missing."""
    days = PERIOD.numbers.astype("float64")[:, None, None]
    year = (days - days[0]) / 365.25
    rows = np.arange(shape[0])[None, :, None]
    warmth = 60 * np.cos((days - 15199) * 2 * np.pi / 365.25) + 4 * year + 2 * rows - 20
    percent = np.clip(50 + warmth + np.arange(shape[1])[None, None, :] % 3, 0, 100).astype("uint8")
    percent[5::17, :, ::2] = MISSING
    percent[400:700, 0] = MISSING
    percent[:, -1, -1] = MISSING
    return percent


def predicted(folder: Path) -> Predicted:
    """Write the region file, the label's store, the staging cube and their records."""
    config = region_file(
        folder,
        folder / "archive",
        period={"start": PERIOD.first, "end": PERIOD.last},
        chunks=CHUNKS,
        annual={"draws": 40, "correlation_days": 1200},
    )
    run = Run(load(config))
    grid = run.config.to_region().grid
    percent = probabilities(grid.shape)
    latent = CORRELATION.draw(percent[0].size, len(PERIOD), [5]).T.reshape(percent.shape)
    label = np.where(norm.cdf(latent) < percent / 100, 1, 0).astype("uint8")
    _ingested(run, label)
    card: dict[str, Any] = {"features": [], "uncertainty": {}}
    objects.write(run.places.url("models", "a" * 64, "card.json"), objects.to_json(card))
    model = ModelRef(run.places.url("models", "a" * 64), "a" * 64)
    run.ledger.put("train", "table", Done(lineage.table_key(run), "table"))
    asked = {"asked": run.config.forest.key()}
    run.ledger.put("train", "forest", Done(lineage.forest_key(run, "table"), model.digest, asked))
    _staged(run, model, percent)
    return Predicted(config, run, model, percent)


def _ingested(run: Run, label: npt.NDArray[np.uint8]) -> None:
    config = run.config
    source = config.daily_sources()["smos"]
    template = template_for(source, config.to_region().grid, config.days, 2000)
    store.create(run.places.input("smos"), template)
    # The soil's temperature is unknown: no state of the cube is impossible.
    reanalysis = config.daily_sources()["gldas"]
    template = template_for(reanalysis, config.to_region().grid, config.days, 2000)
    store.create(run.places.input("gldas"), template)
    states = np.stack([label] * len(source.overpasses), axis=1)
    store.write_region(run.places.input("smos"), {"freeze_thaw": states}, {})
    facts = {"simulated": True, "newest_day": str(PERIOD.last), "coverage": [1.0] * len(PERIOD)}
    made = Done("key", arrays_digest({"label": states}), facts)
    run.ledger.put("ingest", f"smos/{run.ingest_spans()[0].first}", made)


def _staged(run: Run, model: ModelRef, percent: npt.NDArray[np.uint8]) -> None:
    url = run.staging_url(model)
    store.create(url, template_of(run, model))
    state = np.where(percent > 50, 1, 0).astype("uint8")
    state[percent == MISSING] = MISSING
    for span in run.predict_spans():
        days = span.within(PERIOD)
        values = {"freeze_thaw_state": state[days], "frozen_probability": percent[days]}
        store.write_region(url, values, {"time": days})
        by_day = [arrays_digest({n: v[i] for n, v in values.items()}) for i in range(len(span))]
        record = Done(lineage.predict_key(run, model, span), digest(by_day), {"days": by_day})
        run.ledger.put("predict", lineage.predict_unit(run, model, span), record)
