"""Planned units of inputs that are simulated without granules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from pipelines.run import Run
from pipelines.stages.ingest.truth import source_of as truth_of
from soilft.days import DaySpan
from soilft.errors import ConfigError
from soilft.ingest.simulated import SENSORS, SimulatedDays
from soilft.ingest.truth import NAME as TRUTH
from soilft.simulate import Archive
from soilft.simulate.archive import PATTERNS
from soilft.store import objects

# Ledger units of what all simulated days need, of what does not change, and of stations.
GROUND, FILES, STATIONS = "simulation/ground", "simulation/files", "simulation/stations"


def archive_of(run: Run) -> Archive:
    """Where the synthetic Earth of a run keeps its ground and its files.

    Raises
    ------
    ConfigError
        Where the store is not on this machine: the integrated ground is read as local files.
    """
    config = run.config
    if config.simulation is None or not objects.is_local(run.store):
        raise ConfigError(
            "store", expected="a local path, where inputs are simulated", found=run.store
        )
    bounds, period = config.to_region().unwound, config.period
    root, simulation = Path(run.places.simulation).resolve(), config.simulation
    ground = None if simulation.ground is None else Path(simulation.ground).resolve()
    return Archive(
        root, bounds, period.start, period.end, simulation.seed, simulation.noise, ground
    )


def simulated_days(run: Run) -> tuple[date, ...]:
    """Days of the period that are simulated."""
    simulation = run.config.simulation
    return tuple(run.config.days if simulation is None else simulation.days(run.config.days))


def days(run: Run, archive: Archive) -> dict[str, SimulatedDays]:
    """Tasks of every source with days and of the truth, by name of their unit.

    Chunk after chunk, so that the sources of the same days share a worker's ground.
    """
    config, grid = run.config, run.config.to_region().grid
    sources = {name: (run.places.input(name), s) for name, s in config.daily_sources().items()}
    for name, (_, source) in sources.items():
        _require_simulated(name, source.product, SENSORS)
    true = truth_of(run)
    if true is not None:
        sources[TRUTH] = run.places.truth, true
    chunks = days_by_chunk(run)
    return {
        f"{name}/{span.first}": SimulatedDays(url, source, grid, config.days, span, archive, days)
        for span, days in chunks.items()
        for name, (url, source) in sources.items()
    }


def days_by_chunk(run: Run) -> dict[DaySpan, tuple[date, ...]]:
    """Days that are simulated without granules, by chunk: those of the chunks between, or all."""
    simulation, wanted = run.config.simulation, simulated_days(run)
    if simulation is None or not simulation.direct:
        return {}
    found = {span: tuple(day for day in wanted if day in span) for span in run.ingest_spans()}
    if simulation.direct == "between":
        return {span: tuple(span) for span, days in found.items() if not days}
    return found


def _require_simulated(name: str, product: str, known: Mapping[str, str]) -> None:
    """Check that a product can be simulated without granules.

    Raises
    ------
    ConfigError
        Where it cannot.
    """
    if product not in known:
        raise ConfigError(
            f"inputs of a direct simulation: {name}",
            expected=f"one of {', '.join(known)}",
            found=product,
        )


def patterns(run: Run, product: str) -> tuple[str, ...]:
    """Where the files of a product without days are left."""
    _require_simulated(product, product, PATTERNS)
    return (str(archive_of(run).root / PATTERNS[product]),)
