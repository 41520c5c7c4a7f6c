"""Stage annual: annual layers of the staged cube, with ranges, means, trends and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from importlib.util import find_spec
from typing import Any

from pipelines import lineage
from pipelines.events import Event
from pipelines.facts import ErrorCorrelation, Pictures
from pipelines.plan import Plan, Unit
from pipelines.run import Run
from pipelines.stages.predict import require_predicted
from pipelines.stages.train.stage import require_model
from pipelines.work import Work, stage
from soilft.annual import day_correlation
from soilft.annual import layers as annual_layers
from soilft.annual import store as annual_store
from soilft.annual.day_correlation import PairsOfBand
from soilft.annual.layers import Drawing, SummaryBand, YearBand
from soilft.days import DaySpan
from soilft.forest.artefact import ModelRef
from soilft.grid import Grid
from soilft.schema import Template
from soilft.store import objects
from soilft.store import zarr as store
from soilft.store.digest import digest
from soilft.store.ledger import Done

STAGE = "annual"
CORRELATION, PICTURES = "correlation", "pictures"
NO_PICTURES = "pictures are left out: matplotlib is not installed (pip install 'soilft[viz]')"
_REMEDY = "Give each worker more memory, or make annual.{} fewer."


@stage(STAGE)
def annual(work: Work) -> None:
    """Make what the ledger does not have: the days' correlation, years, means and pictures.

    Raises
    ------
    StoreError
        Where chunks of the cube are missing.
    """
    run = work.run
    model = require_model(run)
    require_predicted(run, model)
    if not years(run):
        return
    layers = _Layers(run, model)
    found = work.once(layers.planned(layers.correlation()), partial(_correlate, work, layers))
    store.sweep_partials(layers.url)
    work.create(layers.url, _template(layers, ErrorCorrelation.of(found)))
    remedy = _REMEDY.format("draws")
    work.do(annual_layers.make_year, layers.planned(layers.by_year()), Done, remedy=remedy)
    work.do(annual_layers.make_summary, layers.planned(layers.summary()), Done, remedy=remedy)
    work.once(layers.planned(layers.pictures()), partial(_draw, work, layers))


def plan(run: Run, model: ModelRef) -> Plan[Any]:
    """Every unit of the stage; there are no keys yet of those that depend on a unit to do."""
    layers = _Layers(run, model)
    units: list[Unit[Any]] = []
    for step in (layers.correlation, layers.by_year, layers.summary, layers.pictures):
        if years(run):
            units += step(known=not layers.planned(units).todo)
    return layers.planned(units)


def years(run: Run) -> dict[int, DaySpan]:
    """Freezing years that lie wholly within the period."""
    return annual_store.whole_years(run.config.days, run.config.annual.start_month)


def count(run: Run) -> int:
    """How many units the stage has."""
    bands, whole = len(annual_store.bands(run.config.to_region().grid)), len(years(run))
    return 2 + (whole + 1) * bands if whole else 0


def content(run: Run, model: ModelRef) -> str | None:
    """Digest of the annual layers and their pictures; None where they are not as they would be."""
    planned = plan(run, model)
    return digest(planned.contents) if planned.units and not planned.todo else None


def remarks(run: Run, model: ModelRef) -> list[str]:
    """Sentences about what the stage left out."""
    layers = _Layers(run, model)
    found = []
    described = layers.described()
    if described is not None and described.weights is None:
        why = "too few labelled days to estimate how the errors of days correlate"
        found.append(f"annual: there are no ranges, {why}")
    record = run.ledger.get(STAGE, layers.within + PICTURES)
    left_out = "" if record is None else Pictures.of(record).left_out
    if left_out:
        found.append(f"annual: {left_out}")
    return found


@dataclass(frozen=True)
class _Layers:
    """The units that the annual layers of a run's cube are made by, step after step.

    The keys of a step are known once all units before it are done.
    """

    run: Run
    model: ModelRef

    @cached_property
    def grid(self) -> Grid:
        return self.run.config.to_region().grid

    @cached_property
    def years(self) -> dict[int, DaySpan]:
        return years(self.run)

    @property
    def url(self) -> str:
        return self.run.annual_url(self.model)

    @property
    def within(self) -> str:
        """What the ledger has before the names of the units."""
        return lineage.annual_unit(self.run, self.model, "")

    @property
    def known_span(self) -> DaySpan:
        """Days whose labels the correlation of errors is estimated from."""
        return self.run.config.days.first_days(self.run.config.annual.correlation_days)

    def planned(self, units: list[Unit[Any]]) -> Plan[Any]:
        return Plan.of(self.run.ledger, STAGE, units, self.within)

    def described(self) -> ErrorCorrelation | None:
        """What was found of the correlation; None where it is to be made."""
        record = self.planned(self.correlation()).records.get(CORRELATION)
        return None if record is None else ErrorCorrelation.of(record)

    def correlation(self, *, known: bool = True) -> list[Unit[None]]:
        key = lineage.correlation_key(self.run, self.model, self.known_span) if known else None
        return [Unit(CORRELATION, key, None)]

    def by_year(self, *, known: bool = True) -> list[Unit[YearBand]]:
        key = partial(lineage.year_key, self.run, self.model)
        return [
            Unit(f"{task.year}-{task.rows.first}", key(task) if known else None, task)
            for task in _year_bands(self)
        ]

    def summary(self, *, known: bool = True) -> list[Unit[SummaryBand]]:
        key = partial(lineage.summary_key, self.run, self.model, years=list(self.years))
        columns, bands = self.grid.shape[1], annual_store.bands(self.grid)
        tasks = [SummaryBand(self.url, len(self.years), band, columns) for band in bands]
        return [
            Unit(f"summary-{task.rows.first}", key(task) if known else None, task) for task in tasks
        ]

    def pictures(self, *, known: bool = True) -> list[Unit[None]]:
        return [Unit(PICTURES, _pictures_key(self) if known else None, None)]


def _year_bands(layers: _Layers) -> list[YearBand]:
    run, section, found = layers.run, layers.run.config.annual, layers.described()
    weights = None if found is None or found.weights is None else tuple(found.weights)
    drawing = Drawing(weights, section.draws, section.seed, section.level)
    return [
        YearBand(
            run.staging_url(layers.model),
            layers.url,
            run.config.days,
            span,
            year,
            index,
            band,
            layers.grid.shape[1],
            section.least_known,
            drawing,
        )
        for index, (year, span) in enumerate(layers.years.items())
        for band in annual_store.bands(layers.grid)
    ]


def _pictures_key(layers: _Layers) -> str:
    units: list[Unit[Any]] = [*layers.by_year(known=False), *layers.summary(known=False)]
    names = [unit.name for unit in units]
    title = store.open_raw(layers.url).attrs["title"]
    left_out = find_spec("matplotlib") is None
    return lineage.pictures_key(layers.run, layers.model, names, title, left_out=left_out)


def _template(layers: _Layers, found: ErrorCorrelation) -> Template:
    """Structure of the layers' store, and what it says of how they were made."""
    run, section = layers.run, layers.run.config.annual
    of_cube = store.open_raw(run.staging_url(layers.model)).attrs.asdict()
    about = {
        "freezing_year_begins_in_month": section.start_month,
        "least_known_share": section.least_known,
        "draws": section.draws,
        "seed": section.seed,
        "day_correlation_lags": found.lags,
        "day_correlations": found.correlations,
        "day_correlation_labelled_days": str(layers.known_span),
    }
    return annual_store.template(
        layers.grid,
        layers.years,
        section.level,
        annual_store.attributes(of_cube, about),
        calibrated=run.card(layers.model).calibrated,
    )


def _correlate(work: Work, layers: _Layers, key: str) -> Done:
    """Day-to-day correlation of errors, from the labels of the first days."""
    run = work.run
    url, label, days = run.staging_url(layers.model), run.config.label, run.config.days
    tasks = {
        f"pairs of rows {band}": PairsOfBand(
            url,
            run.places.input(label.input),
            label.reference_overpass,
            days,
            layers.known_span,
            band,
            layers.grid.shape[1],
        )
        for band in annual_store.bands(layers.grid)
    }
    remedy = _REMEDY.format("correlation_days")
    first, *others = work.gather(STAGE, day_correlation.pairs, tasks, remedy=remedy)
    facts = ErrorCorrelation(**day_correlation.described(sum(others, start=first))).to_json()
    return Done(key, digest(facts), facts)


def _draw(work: Work, layers: _Layers, key: str) -> Done:
    """Quick looks beside the cube, where matplotlib is there."""
    left_out = ""
    drawn: dict[str, bytes] = {}
    if find_spec("matplotlib") is None:
        left_out = NO_PICTURES
        work.emit(Event(STAGE, work.outcomes.done, work.outcomes.done + 1, left_out))
    else:
        # matplotlib is an extra, and slow to load.
        from soilft.annual import pictures as quicklooks

        drawn = quicklooks.pictures(store.open_cube(layers.url), layers.grid)
    folder = work.run.quicklooks_url(layers.model)
    store.discard(folder)
    for name, png in drawn.items():
        objects.write(objects.join(folder, f"{name}.png"), png)
    made = digest({name: digest(png.hex()) for name, png in drawn.items()})
    return Done(key, made, Pictures(sorted(drawn), left_out).to_json())
