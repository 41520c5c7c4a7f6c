"""Simulated truth of a run, and the place of its files."""

from __future__ import annotations

from pipelines.run import Run
from soilft.days import DaySpan
from soilft.errors import ConfigError
from soilft.ingest.truth import NAME, PREFIX, SATELLITES, SUFFIX, TruthSource
from soilft.store.ledger import SetAside


def source_of(run: Run) -> TruthSource | None:
    """The truth that a run's label is to be held against; None where nothing is simulated.

    Raises
    ------
    ConfigError
        Where an input has the name that the truth bears.
    """
    config = run.config
    if config.simulation is None:
        return None
    if NAME in config.inputs:
        raise ConfigError(
            f"inputs.{NAME}", expected="another name where inputs are simulated", found=NAME
        )
    label = config.daily_sources()[config.label.input]
    if label.product not in SATELLITES:
        return None
    return TruthSource(SATELLITES[label.product], label.overpasses, config.simulation.seed)


def unit(span: DaySpan) -> str:
    """Ledger unit of a chunk of days."""
    return f"{NAME}/{span.first}"


def set_aside(run: Run) -> list[SetAside]:
    """Files of the truth that are left out at present."""
    records = [run.ledger.get("ingest", unit(span)) for span in run.ingest_spans()]
    return [item for record in records if record is not None for item in record.set_aside]


def patterns(run: Run) -> tuple[str, ...]:
    """Where the files of the truth lie: as configured, or beside the folder of the label's.

    Raises
    ------
    ConfigError
        Where the label's granules have no folder beside which it could lie.
    """
    config = run.config
    if config.simulation is not None and config.simulation.truth is not None:
        return (config.simulation.truth,)
    found = []
    for pattern in config.inputs[config.label.input].patterns:
        root, *rest = pattern.rsplit("/", 2)
        if len(rest) < 2:
            raise ConfigError(
                "simulation.truth", expected="a pattern of files", found=f"none, beside {pattern}"
            )
        found.append(f"{root}/{NAME}/{PREFIX}*{SUFFIX}")
    return tuple(dict.fromkeys(found))
