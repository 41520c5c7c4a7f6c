"""Status of a store and plan of a run, as tables. Nothing is written and no task is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from pipelines.facts import Harmonized
from pipelines.plan import Plan
from pipelines.run import Run
from pipelines.stages import annual, predict
from pipelines.stages.harmonize import transfers as harmonize
from pipelines.stages.ingest import sufficiency, truth
from pipelines.stages.ingest import units as ingest_units
from pipelines.stages.ingest.stage import availability
from pipelines.stages.publish import is_published
from pipelines.stages.validate import stage as validate
from pipelines.stages.validate.stage import scorecard
from soilft.cube import structure as cube
from soilft.cube.structure import PredictDays
from soilft.forest.artefact import ModelRef
from soilft.ingest.granules import template_for
from soilft.ingest.ground import static_template
from soilft.release.publication import latest
from soilft.report.experiments import HEADLINE, held_out
from soilft.scores.ablations import ABLATIONS
from soilft.store import objects


@dataclass(frozen=True)
class StageState:
    """Units of a stage that are up to date, and those to do with their decoded size."""

    stage: str
    done: int
    todo: int
    decoded_bytes: int
    note: str = ""
    cautions: tuple[str, ...] = ()


def states(run: Run) -> list[StageState]:
    """State of every stage, from the archive and the ledger.

    Raises
    ------
    NoGranules
        Where a pattern matches no file of its product.
    """
    planned = ingest_units.plan(run)
    found = [_ingested(run, planned)]
    if run.harmonizes or run.needs_normals:
        found.append(_harmonized(run, ingested=not planned.todo))
    # What later stages would do is known only once the inputs are as the archive is.
    model = None if planned.todo else run.model()
    predicted = None if model is None else predict.plan(run, model)
    is_whole = predicted is not None and not predicted.todo
    return [
        *found,
        _trained(run, model),
        _predicted(run, predicted),
        _annual(run, model if is_whole else None),
        _validated(run, model),
        _published(run, model, predicted if is_whole else None),
    ]


def _ingested(run: Run, planned: Plan[Any]) -> StageState:
    """How many chunks of the inputs are as the archive is."""
    config, grid = run.config, run.config.to_region().grid
    size = sum(
        template_for(source, grid, config.days, config.chunks.ingest_days).decoded_bytes
        for source in config.daily_sources().values()
    )
    if config.static_sources():
        size += static_template(list(config.static_sources().values()), grid).decoded_bytes
    todo = len(planned.todo)
    files = sum(len(unit.task.files) for unit in planned.units)
    to_write = size * todo // max(len(planned), 1)
    note = f"{files} granules"
    # Of what is to be ingested anew, the records are those of another archive.
    cautions = (*planned.cautions, *sufficiency.cautions(run, planned.records))
    return StageState("ingest", len(planned.done), todo, to_write, note, cautions)


def _harmonized(run: Run, *, ingested: bool) -> StageState:
    """How far radiometers are inter-calibrated, and the normals of gap filling fitted."""
    notes: list[str] = []
    if run.harmonizes:
        others = len(run.radiometers()) - 1
        notes.append(f"{others} radiometers inter-calibrated to {run.reference_radiometer()}")
    if run.needs_normals:
        notes.append(f"normals of {len(run.normal_span())} days")
    planned = harmonize.plan(run)
    done = len(planned.done) if ingested else 0
    return StageState("harmonize", done, len(planned) - done, 0, ", ".join(notes))


def _trained(run: Run, model: ModelRef | None) -> StageState:
    """Whether the table and the forest are those of the inputs."""
    forest = run.config.forest
    trees = len(forest.settings().groups(forest.group_size))
    note = f"{forest.n_estimators} trees in {trees} tasks"
    return StageState("train", 2 * (model is not None), 2 * (model is None), 0, note)


def _predicted(run: Run, predicted: Plan[PredictDays] | None) -> StageState:
    """How many chunks of days are predicted by today's model."""
    config, count = run.config, len(run.predict_spans())
    todo = count if predicted is None else len(predicted.todo)
    template = cube.template(
        config.to_region().grid,
        config.days,
        config.label.overpasses,
        config.chunks.predict_days,
        {},
    )
    to_write = template.decoded_bytes * todo // count
    return StageState("predict", count - todo, todo, to_write, f"{len(config.days)} days")


def _annual(run: Run, model: ModelRef | None) -> StageState:
    """How many of the annual layers are those of the predicted cube."""
    whole = len(annual.years(run))
    note = f"{whole} whole freezing years" if whole != 1 else "1 whole freezing year"
    if model is None:
        return StageState("annual", 0, annual.count(run), 0, note)
    planned = annual.plan(run, model)
    return StageState("annual", len(planned.done), len(planned.todo), 0, note)


def _validated(run: Run, model: ModelRef | None) -> StageState:
    """Whether the scorecard is that of the model and its cube."""
    section = run.config.validation
    kinds = 1 + section.negative_control + len(ABLATIONS) * section.ablations
    scored = model is not None and not validate.plan(run, model).todo
    note = f"up to {section.folds * kinds} forests"
    return StageState("validate", int(scored), int(not scored), 0, note)


def _published(run: Run, model: ModelRef | None, predicted: Plan[PredictDays] | None) -> StageState:
    """Whether the latest release is the predicted cube."""
    release = latest(run.store)
    current = model is not None and predicted is not None and is_published(run, model, predicted)
    note = "no release yet" if release is None else f"latest is {release['version']}"
    return StageState("publish", int(current), int(not current), 0, note)


def table(run: Run, *, title: str) -> Table:
    """The states as a table for a terminal."""
    result = Table(title=title, title_justify="left")
    for name in ("stage", "up to date", "to do", "decoded size to write", "of"):
        result.add_column(name, justify="left" if name in ("stage", "of") else "right")
    told = states(run)
    cautions = [caution for state in told for caution in state.cautions]
    if cautions:
        result.caption, result.caption_justify = Text("\n".join(cautions)), "left"
    for state in told:
        result.add_row(
            state.stage,
            str(state.done),
            str(state.todo),
            f"{state.decoded_bytes / 2**20:.1f} MiB" if state.decoded_bytes else "-",
            state.note,
        )
    return result


def availability_table(run: Run, *, title: str) -> Table:
    """Days with data, coverage and the longest gap of each source, as a table for a terminal."""
    found = availability(run)
    result = Table(title=title, title_justify="left")
    for name in ("source", "days with data", "of", "mean coverage", "longest gap"):
        result.add_column(name, justify="left" if name in ("source", "longest gap") else "right")
    for name, source in found.sources.items():
        gap = found.longest_gap(name)
        result.add_row(
            name,
            str(source.days_with_data),
            str(len(found.days)),
            f"{source.mean_coverage:.2f}",
            f"{len(gap)} days, {gap}" if gap else "-",
        )
    return result


def hand_over_tables(run: Run) -> list[Table]:
    """The step of each channel at each hand-over between radiometers, for a terminal."""
    record = run.harmonization()
    found = []
    for change in Harmonized.of(record).hand_overs if record is not None else ():
        result = Table(
            title=f"{change['before']} to {change['after']}, {change['day']}: "
            f"step in K with 90 % interval {change.get('reason', '')}",
            title_justify="left",
        )
        for name in ("channel", "node", "pairs", "as they are", "harmonised", "equivalent"):
            result.add_column(name, justify="left" if name in ("channel", "node") else "right")
        for step in change["steps"]:
            result.add_row(
                step["channel"],
                step["node"],
                f"{step['pairs']:,}",
                _with_interval(step["raw"]),
                _with_interval(step["harmonized"]),
                "yes" if step["equivalent"] else "NO",
            )
        found.append(result)
    return found


def _with_interval(values: list[float | None]) -> str:
    mean, low, high = ("-" if v is None else f"{v:+.2f}" for v in values)
    return f"{mean} ({low} to {high})"


def report(run: Run) -> list[str]:
    """Sentences about what was set aside, the scores and the release."""
    aside = (*run.set_aside(), *truth.set_aside(run))
    lines = [f"set aside: {item.reason}" for item in aside]
    model = run.model()
    if model is not None:
        lines += annual.remarks(run, model)
    scores = scorecard(run)
    if scores is not None:
        best = scores["experiments"][HEADLINE]
        headline = best["scores"]
        if headline is not None:
            lines.append(
                f"{'SIMULATED: ' if scores['simulated'] else ''}{held_out(best)}: overall "
                f"accuracy {headline['overall_accuracy']:.3f}, balanced accuracy "
                f"{headline['balanced_accuracy']:.3f}"
            )
    release = latest(run.store)
    if release is not None:
        lines.append(f"latest release: {objects.join(run.store, release['cube'])}")
    return lines
