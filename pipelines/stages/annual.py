"""Stage annual: annual layers of the staged cube, with ranges, means, trends and pictures."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from distributed import Client

from pipelines.events import Emit, Event, silent
from pipelines.run import Run
from pipelines.stages.predict import missing
from pipelines.stages.train.stage import require_model
from pipelines.work import Outcomes, check_memory, collect
from soilft import __version__
from soilft.annual import day_correlation
from soilft.annual import layers as annual_layers
from soilft.annual import store as annual_store
from soilft.annual.day_correlation import PairsOfBand
from soilft.annual.layers import Drawing, SummaryBand, YearBand
from soilft.days import DaySpan
from soilft.errors import StoreError
from soilft.forest.artefact import ModelRef
from soilft.predictors.normals_fit import first_days
from soilft.store import objects
from soilft.store import zarr as store
from soilft.store.digest import digest
from soilft.store.ledger import Record

STAGE = "annual"
NO_PICTURES = "pictures are left out: matplotlib is not installed (pip install 'soilft[viz]')"
_REMEDY = "Give each worker more memory, or make annual.draws fewer."


def annual(run: Run, client: Client, emit: Emit = silent) -> Outcomes:
    """Make what the ledger does not have: the days' correlation, years, means and pictures.

    Raises
    ------
    StoreError
        Where chunks of the cube are missing.
    """
    model = require_model(run)
    gaps = missing(run, model)
    if gaps:
        raise StoreError(
            run.staging_url(model),
            expected=f"all {len(run.predict_spans())} chunks of days",
            found=f"{len(gaps)} missing, the first {gaps[0]}",
            remedy="Run the stage predict.",
        )
    outcomes = Outcomes(STAGE)
    if not years(run):
        return outcomes
    work = _Work(run, model, client, emit, outcomes)
    for step in (work.correlation, work.layers, work.summary, work.pictures):
        step()
        if outcomes.failed:
            break
    return outcomes


def years(run: Run) -> dict[int, DaySpan]:
    """Freezing years that lie wholly within the period."""
    return annual_store.whole_years(run.config.days, run.config.annual.start_month)


def count(run: Run) -> int:
    """How many units the stage has."""
    bands, whole = len(annual_store.rows_of(run.config.to_region().grid)), len(years(run))
    return 2 + (whole + 1) * bands if whole else 0


def units(run: Run, model: ModelRef) -> dict[str, str | None]:
    """Every unit of the stage with today's key, None where that depends on a unit to do."""
    work = _Work(run, model)
    found: dict[str, str | None] = {}
    if not years(run):
        return found
    found[work.unit("correlation")] = work.correlation_key()

    def is_done() -> bool:
        return all(k and run.ledger.is_done(STAGE, u, k) for u, k in found.items())

    known = is_done()
    for name, year in work.year_tasks().items():
        found[work.unit(name)] = work.year_key(year) if known else None
    made = is_done()
    for name, band in work.summary_tasks().items():
        found[work.unit(name)] = work.summary_key(band) if made else None
    found[work.unit("pictures")] = work.pictures_key() if is_done() else None
    return found


def content(run: Run, model: ModelRef) -> str | None:
    """Digest of the annual layers and their pictures; None where they are not as they would be."""
    found = units(run, model)
    if not found or not all(k and run.ledger.is_done(STAGE, u, k) for u, k in found.items()):
        return None
    records = [run.ledger.get(STAGE, unit) for unit in found]
    return digest([record.content for record in records if record is not None])


def remarks(run: Run, model: ModelRef) -> list[str]:
    """Sentences about what the stage left out."""
    work = _Work(run, model)
    found = []
    described = work.described()
    if described is not None and described["weights"] is None:
        found.append("annual: there are no ranges, too few labelled days tell how days err alike")
    record = run.ledger.get(STAGE, work.unit("pictures"))
    if record is not None and record.facts["left_out"]:
        found.append(f"annual: {record.facts['left_out']}")
    return found


class _Work:
    """The steps of the stage for one run and model."""

    def __init__(
        self,
        run: Run,
        model: ModelRef,
        client: Client | None = None,
        emit: Emit = silent,
        outcomes: Outcomes | None = None,
    ) -> None:
        self.run, self.model, self.emit = run, model, emit
        self._client = client
        self.outcomes = outcomes or Outcomes(STAGE)
        self.section = run.config.annual
        self.grid = run.config.to_region().grid
        self.years = years(run)
        self.url = run.annual_url(model)

    @property
    def client(self) -> Client:
        if self._client is None:
            raise RuntimeError("a stage without a cluster")
        return self._client

    def unit(self, name: str) -> str:
        return f"{self.run.run_id(self.model)}/{self.run.annual_name}/{name}"

    def key(self, *values: Any) -> str:
        return digest(__version__, annual_layers.versions(), self.section.key(), *values)

    def contents(self, within: DaySpan) -> list[str]:
        """Digests of the predicted chunks that touch some days."""
        found = []
        for span in self.run.predict_spans():
            if not (span.last < within.first or within.last < span.first):
                record = self.run.ledger.get("predict", self.run.predict_unit(self.model, span))
                found.append("" if record is None else record.content)
        return found

    # The correlation of days' errors

    @property
    def known_span(self) -> DaySpan:
        return first_days(self.run.config.days, self.section.correlation_days)

    def correlation_key(self) -> str:
        label = f"{self.run.config.label.input}/"
        records = self.run.input_records(self.known_span)
        labels = [(unit, r.content) for unit, r in records if unit.startswith(label)]
        return self.key(str(self.known_span), self.contents(self.known_span), labels)

    def described(self) -> Any:
        record = self.run.ledger.get(STAGE, self.unit("correlation"))
        if record is None or record.key != self.correlation_key():
            return None
        return record.facts

    def correlation(self) -> None:
        """Day-to-day correlation of errors, from the labels of the first days."""
        if self.described() is not None:
            self.outcomes.skipped += 1
            return
        config, span = self.run.config, self.known_span
        tasks = {
            f"pairs of rows {a}..{b - 1}": PairsOfBand(
                self.run.staging_url(self.model),
                self.run.input_url(config.label.input),
                config.label.reference_overpass,
                config.days,
                span,
                (a, b),
            )
            for a, b in annual_store.rows_of(self.grid)
        }
        cells = min(annual_store.CHUNK_CELLS, self.grid.shape[0]) * self.grid.shape[1]
        check_memory(
            self.client,
            STAGE,
            day_correlation.peak_bytes(len(span), cells),
            "Give each worker more memory, or make annual.correlation_days fewer.",
        )
        parts: dict[str, Any] = {}
        part = Outcomes(STAGE)
        collect(self.client, day_correlation.pairs, tasks, parts.__setitem__, part, self.emit)
        if part.failed:
            self.outcomes.failed |= part.failed
            return
        facts = day_correlation.described(sum(parts[unit] for unit in tasks))
        record = Record(self.correlation_key(), digest(facts), facts)
        self.run.ledger.put(STAGE, self.unit("correlation"), record)
        self.outcomes.done += 1

    # Layers by year

    def drawing(self) -> Drawing:
        facts = self.described() or {"weights": None}
        weights = facts["weights"]
        return Drawing(
            None if weights is None else tuple(weights),
            self.section.draws,
            self.section.seed,
            self.section.level,
        )

    def year_tasks(self) -> dict[str, YearBand]:
        return {
            f"{year}-{a}": YearBand(
                self.run.staging_url(self.model),
                self.url,
                self.run.config.days,
                span,
                year,
                index,
                (a, b),
                self.grid.shape[1],
                self.section.least_known,
                self.drawing(),
            )
            for index, (year, span) in enumerate(self.years.items())
            for a, b in annual_store.rows_of(self.grid)
        }

    def year_key(self, task: YearBand) -> str:
        return self.key(
            str(task.span), task.index, task.rows, task.drawing.weights, self.contents(task.span)
        )

    def layers(self) -> None:
        """Layers and ranges of each year."""
        self._make_template()
        tasks = self.year_tasks()
        keys = {name: self.year_key(task) for name, task in tasks.items()}
        self._collect(annual_layers.make_year, tasks, keys)

    def _make_template(self) -> None:
        store.sweep_partials(self.url)
        card: Any = objects.read_json(objects.join(self.model.url, "card.json"))
        of_cube = store.open_raw(self.run.staging_url(self.model)).attrs.asdict()
        section, facts = self.section, self.described()
        about = {
            "freezing_year_begins_in_month": section.start_month,
            "least_known_share": section.least_known,
            "draws": section.draws,
            "seed": section.seed,
            "day_correlation_lags": facts["lags"],
            "day_correlations": facts["correlations"],
            "day_correlation_labelled_days": str(self.known_span),
        }
        template = annual_store.template(
            self.grid,
            self.years,
            section.level,
            annual_store.attributes(of_cube, about),
            calibrated=card["uncertainty"] is not None,
        )
        store.create(self.url, template)

    # Mean and trend

    def summary_tasks(self) -> dict[str, SummaryBand]:
        return {
            f"summary-{a}": SummaryBand(self.url, len(self.years), (a, b), self.grid.shape[1])
            for a, b in annual_store.rows_of(self.grid)
        }

    def summary_key(self, task: SummaryBand) -> str:
        made = [self.run.ledger.get(STAGE, self.unit(f"{y}-{task.rows[0]}")) for y in self.years]
        return self.key(task.rows, list(self.years), [r.content if r else "" for r in made])

    def summary(self) -> None:
        """Anomalies, means and trends."""
        tasks = self.summary_tasks()
        keys = {name: self.summary_key(task) for name, task in tasks.items()}
        self._collect(annual_layers.make_summary, tasks, keys)

    def _collect(self, function: Any, tasks: Any, keys: dict[str, str]) -> None:
        ledger = self.run.ledger
        todo = {n: t for n, t in tasks.items() if not ledger.is_done(STAGE, self.unit(n), keys[n])}
        self.outcomes.skipped += len(tasks) - len(todo)
        if not todo:
            return
        peak = max(task.peak_bytes for task in todo.values())
        check_memory(self.client, STAGE, peak, _REMEDY)

        def remember(name: str, made: str) -> None:
            ledger.put(STAGE, self.unit(name), Record(keys[name], made))

        collect(self.client, function, todo, remember, self.outcomes, self.emit)

    # Pictures

    def pictures_key(self) -> str:
        names = [*self.year_tasks(), *self.summary_tasks()]
        records = [self.run.ledger.get(STAGE, self.unit(name)) for name in names]
        contents = [record.content if record else "" for record in records]
        attributes = store.open_raw(self.url).attrs.asdict()
        return self.key(contents, attributes["title"], find_spec("matplotlib") is None)

    def pictures(self) -> None:
        """Quick looks beside the cube, where matplotlib is there."""
        key = self.pictures_key()
        if self.run.ledger.is_done(STAGE, self.unit("pictures"), key):
            self.outcomes.skipped += 1
            return
        left_out = ""
        drawn: dict[str, bytes] = {}
        if find_spec("matplotlib") is None:
            left_out = NO_PICTURES
            self.emit(Event(STAGE, self.outcomes.done, self.outcomes.done + 1, left_out))
        else:
            # matplotlib is an extra, and slow to load.
            from soilft.annual import pictures as quicklooks

            drawn = quicklooks.pictures(store.open_cube(self.url), self.grid)
        folder = self.run.quicklooks_url(self.model)
        store.discard(folder)
        for name, png in drawn.items():
            objects.write(objects.join(folder, f"{name}.png"), png)
        made = digest({name: digest(png.hex()) for name, png in drawn.items()})
        facts = {"pictures": sorted(drawn), "left_out": left_out}
        self.run.ledger.put(STAGE, self.unit("pictures"), Record(key, made, facts))
        self.outcomes.done += 1
