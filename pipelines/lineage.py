"""Keys of all units of the ledger: what each depends on, in the order of the stages.

A unit is done when its record holds the key that its inputs, its settings and the versions of its
readers and its stage give today. Later stages are keyed by the content of what earlier ones made.
No key holds a version of the package, and none the text that Python writes of a value. The keys of
ingested units are properties of their tasks, which hold all that decides them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pipelines.facts import Harmonized, NormalsFitted
from soilft.annual import layers as annual_layers
from soilft.days import DaySpan
from soilft.predictors.features import VERSION as FEATURES_VERSION
from soilft.predictors.window import HALO_DAYS, REACH_DAYS
from soilft.radiometers.gaps import NEIGHBOUR_DAYS
from soilft.radiometers.gaps import VERSION as GAPS_VERSION
from soilft.radiometers.intercalibration_fit import VERSION as HARMONIZE_VERSION
from soilft.radiometers.normals_fit import VERSION as NORMALS_VERSION
from soilft.store.digest import digest, spelled
from soilft.training.held_out import ONE_WINTER
from soilft.trials.raw_record import VERSION as RAW_RECORD_VERSION

if TYPE_CHECKING:
    from pipelines.run import Run
    from soilft.annual.layers import SummaryBand, YearBand
    from soilft.forest.artefact import ModelRef
    from soilft.forest.grow import ForestSettings
    from soilft.store.ledger import Done

#: Release whose values each stage still gives. Whoever changes what a stage makes of the same
#: inputs raises its version to the release that is to come; readers and the stage ingest have
#: theirs beside their code. What the stage makes is made anew then; what follows, if it differs.
VERSIONS: Mapping[str, str] = MappingProxyType(
    {
        "transfers": "0.3.0",
        "normals": "0.3.0",
        "table": "0.3.0",
        "forest": "0.3.0",
        "predict": "0.3.0",
        "annual": "0.3.0",
        "validate": "0.3.0",
    }
)


# harmonize


def transfers_key(run: Run) -> str:
    """What the transfers between radiometers depend on."""
    names = run.radiometers()
    return digest(
        VERSIONS["transfers"],
        HARMONIZE_VERSION,
        names,
        run.config.harmonize.model_dump(mode="json"),
        spelled(run.config.to_region()),
        str(run.config.days),
        _contents(run, sources=names),
    )


def normals_key(run: Run) -> str:
    """What the normals depend on."""
    names, transfers, span = run.radiometers(), run.harmonization(), run.normal_span()
    return digest(
        VERSIONS["normals"],
        NORMALS_VERSION,
        names,
        spelled(run.config.to_region()),
        str(span),
        _contents(run, span, names),
        None if transfers is None else transfers.content,
        run.operating()[: len(span)].tobytes().hex(),
    )


def filling_key(run: Run, within: DaySpan | None = None) -> str:
    """What the filling of gaps depends on, on some days."""
    if not run.radiometers():
        return ""
    normals = run.normals()
    rows = (within or run.config.days).within(run.config.days)
    return digest(
        GAPS_VERSION,
        sorted(run.config.gap_filling.levels),
        None if normals is None else normals.content,
        run.operating()[rows].tobytes().hex(),
    )


# train


def table_key(run: Run) -> str:
    """What the training table depends on."""
    config, transfers = run.config, run.harmonization()
    return digest(
        VERSIONS["table"],
        FEATURES_VERSION,
        spelled(config.feature_set()),
        spelled(config.to_region()),
        str(config.days),
        config.label.model_dump(mode="json"),
        config.sampling.model_dump(mode="json"),
        config.validation.block_degrees,
        config.validation.seed,
        _contents(run),
        None if transfers is None else transfers.content,
        filling_key(run),
    )


def blocks_key(run: Run, days: int, cells: int) -> str:
    """What the side of the spatial blocks depends on: it is estimated from some days and cells."""
    return digest(table_key(run), days, cells)


def trees_key(table: Done, settings: ForestSettings, strata: int, radiometer: int | None) -> str:
    """What the trees of a forest depend on; ``radiometer`` is the one whose rows alone teach it."""
    return digest(_grown_by(table, settings), strata, radiometer)


def search_key(table: Done, settings: ForestSettings, section: Mapping[str, Any]) -> str:
    """What the search for a forest's settings depends on."""
    return digest(_grown_by(table, settings), section)


def _grown_by(table: Done, settings: ForestSettings) -> list[str]:
    return [VERSIONS["forest"], version("scikit-learn"), table.content, spelled(settings)]


def forest_key(run: Run, table_content: str) -> str:
    """What the forest and its uncertainty depend on."""
    section = run.config.validation
    judged = (section.rows_per_fit, section.trees_per_fit, section.level, section.seed)
    return digest(
        VERSIONS["forest"], table_content, run.config.forest.key(), judged, *_one_winter(run)
    )


def _one_winter(run: Run) -> tuple[str, ...]:
    """What keys add where a New Year lies in the only winter: 0.3.0 took it for two years."""
    days = run.config.days
    crossed = days.first.year < days.last.year and len(days) <= ONE_WINTER
    return ("one winter",) if crossed else ()


# predict


def run_id(run: Run, model: ModelRef) -> str:
    """Names the staging of what this model makes of this configuration."""
    return digest(model.digest, run.config.digest(), run.config.chunks.predict_days)[:16]


def predict_unit(run: Run, model: ModelRef, span: DaySpan) -> str:
    """Name of a predicted chunk of days."""
    return f"{run_id(run, model)}/{span.first}"


def predict_key(run: Run, model: ModelRef, span: DaySpan) -> str:
    """What a predicted chunk depends on: the model, and the inputs of its days and near them.

    What lasts is looked up in the days before; what is matched and filled, on either side.
    """
    before = span.widened(REACH_DAYS, run.config.days)
    after = span.widened(HALO_DAYS + NEIGHBOUR_DAYS, run.config.days)
    wide = DaySpan(before.first, after.last)
    return digest(
        VERSIONS["predict"],
        FEATURES_VERSION,
        run_id(run, model),
        str(span),
        run.config.digest(),
        _contents(run, wide),
        filling_key(run, wide),
    )


# annual


def annual_unit(run: Run, model: ModelRef, name: str) -> str:
    """Name of a unit of the annual layers, within those of today's settings."""
    return f"{run_id(run, model)}/{run.annual_name}/{name}"


def correlation_key(run: Run, model: ModelRef, known: DaySpan) -> str:
    """What the correlation of the days' errors depends on, estimated from some known days."""
    labels = _contents(run, known, (run.config.label.input,))
    return _annual_key(run, str(known), _predicted(run, model, known), labels)


def year_key(run: Run, model: ModelRef, task: YearBand) -> str:
    """What the layers of a year depend on, in a band of rows."""
    predicted = _predicted(run, model, task.span)
    return _annual_key(run, str(task.span), task.index, task.rows, task.drawing.weights, predicted)


def summary_key(run: Run, model: ModelRef, task: SummaryBand, years: Sequence[int]) -> str:
    """What means and trends depend on, in a band of rows."""
    names = [f"{year}-{task.rows.first}" for year in years]
    return _annual_key(run, task.rows, list(years), _layers(run, model, names))


def pictures_key(
    run: Run, model: ModelRef, names: Sequence[str], title: object, *, left_out: bool
) -> str:
    """What the pictures of some units depend on; they are left out where nothing can draw them."""
    return _annual_key(run, _layers(run, model, names), title, left_out)


def _annual_key(run: Run, *values: Any) -> str:
    settings = run.config.annual.key()
    return digest(VERSIONS["annual"], annual_layers.versions(), settings, *values)


def _predicted(run: Run, model: ModelRef, within: DaySpan) -> list[str]:
    """Contents of the predicted chunks that touch some days."""
    spans = [span for span in run.predict_spans() if span.touches(within)]
    records = [run.ledger.get("predict", predict_unit(run, model, span)) for span in spans]
    return [record.content if record else "" for record in records]


def _layers(run: Run, model: ModelRef, names: Sequence[str]) -> list[str]:
    """Contents of units of the annual layers."""
    records = [run.ledger.get("annual", annual_unit(run, model, name)) for name in names]
    return [record.content if record else "" for record in records]


# validate


def scorecard_key(run: Run, model: ModelRef, compared: Sequence[str]) -> str:
    """What a scorecard depends on; ``compared`` names what the states are held against."""
    table, transfers = run.ledger.get("train", "table"), run.harmonization()
    # Other labels and stations are compared with, though neither table nor model knows of them.
    beside = [record.content for record in run.station_records()]
    beside += [record.content for _, record in run.input_records()]
    return digest(
        VERSIONS["validate"],
        run_id(run, model),
        "" if table is None else table.content,
        run.config.validation.model_dump(mode="json"),
        [item.reason for item in run.set_aside()],
        beside,
        sorted(compared),
        None if transfers is None else digest(transfers.facts),
        raw_record_key(run),
        *_one_winter(run),
    )


def raw_record_key(run: Run) -> str | None:
    """What the raw record depends on; None where no radiometer is inter-calibrated."""
    if run.harmonization() is None:
        return None
    return digest(RAW_RECORD_VERSION, table_key(run))


def raw_table_key(run: Run, table: Done) -> str:
    """What the predictors of the radiometers as they are depend on, for the rows of a table."""
    return digest(RAW_RECORD_VERSION, table_key(run), table.content)


# publish


def method(run: Run, model: ModelRef) -> dict[str, Any]:
    """Everything but days that decides the published values, as JSON values."""
    transfers, normals = run.harmonization(), run.normals()
    return {
        "config": run.config.digest(),
        "model": model.digest,
        "features": FEATURES_VERSION,
        "gaps": GAPS_VERSION,
        "inputs": [source.references for _, source in sorted(run.sources().items())],
        "transfers": transfers and _kept(transfers, Harmonized.of(transfers).kept),
        "normals": normals and _kept(normals, NormalsFitted.of(normals).kept),
    }


def _kept(record: Done, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": record.content, "facts": facts}


def _contents(
    run: Run, within: DaySpan | None = None, sources: Sequence[str] | None = None
) -> list[tuple[str, str]]:
    """Units and contents of inputs that touch some days, of some sources, all where None."""
    records = run.input_records(within)
    return [(str(u), r.content) for u, r in records if sources is None or u.source in sources]
