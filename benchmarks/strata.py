"""Forests on strata of the rows against one on the whole table, where both fit.

Scores, on the same folds of held-out years and blocks, the forest that ``forest.strata: 1`` grows,
the one of several strata, and a forest for each radiometer (rows of one without its own are
judged by the whole). ``python benchmarks/strata.py STORE`` takes the training table of a store and
prints all scores, with the mean of the differences over the folds and its standard error.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.draws import at_most
from soilft.forest import strata
from soilft.forest.by_radiometer import Forests, fit_by_radiometer
from soilft.forest.grow import ForestSettings, fit, fit_strata
from soilft.store import objects
from soilft.training.held_out import year_block_folds
from soilft.training.table import StoredTable, read_table

Rows = npt.NDArray[np.intp]
Grower = Callable[[StoredTable, Rows, Rows], npt.NDArray[Any]]


def states(votes: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """The more probable class of each row; a tie is thawed."""
    return (votes > 0.5).astype("uint8")


def growers(settings: ForestSettings, count: int) -> dict[str, Grower]:
    """Each way of growing: train on some rows, give the states of others."""

    def whole(table: StoredTable, train: Rows, test: Rows) -> npt.NDArray[Any]:
        forest = fit(settings, table.features[train], table.label[train])
        return states(Forests(forest).votes(table.features[test]))

    def stratified(table: StoredTable, train: Rows, test: Rows) -> npt.NDArray[Any]:
        stratum = strata.of_rows(
            settings.seed, table.day[train], table.overpass[train], table.cell[train], count
        )
        forest = fit_strata(settings, table.features[train], table.label[train], stratum, count)
        return states(Forests(forest).votes(table.features[test]))

    def by_radiometer(table: StoredTable, train: Rows, test: Rows) -> npt.NDArray[Any]:
        features, label, radiometer = (
            table.features[train],
            table.label[train],
            table.radiometer[train],
        )
        forests = fit_by_radiometer(settings, features, label, radiometer)
        return states(forests.votes(table.features[test], table.radiometer[test]))

    return {
        "the whole table": whole,
        f"{count} strata": stratified,
        "one forest an era": by_radiometer,
    }


def main() -> None:
    """Grow each way on each fold, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", help="store with a training table")
    parser.add_argument("--strata", type=int, default=4)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--leaf", type=int, default=20, help="min_samples_leaf")
    parser.add_argument("--rows", type=int, default=50_000, help="to train on and to judge, a fold")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    settings = ForestSettings(
        n_estimators=arguments.trees, min_samples_leaf=arguments.leaf, seed=arguments.seed
    )
    table = read_table(table_of(arguments.store))
    folds = year_block_folds(table.year, table.block, arguments.folds, arguments.seed)
    found: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    for number, fold in enumerate(folds):
        train, test = (
            at_most(rows, arguments.rows, arguments.seed + number)
            for rows in (fold.train, fold.test)
        )
        if not len(test) or len(np.unique(table.label[train])) < 2:
            print(f"fold {number}: left out, {len(train)} rows to train on, {len(test)} to judge")
            continue
        for name, grower in growers(settings, arguments.strata).items():
            start = time.perf_counter()
            right = float(np.mean(grower(table, train, test) == table.label[test]))
            seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start
            found.setdefault(name, []).append(right)
    print(
        f"{len(table)} rows x {len(table.names)} features, {arguments.trees} trees, leaves of "
        f"{arguments.leaf}, seed {arguments.seed}: accuracy on held-out years and blocks"
    )
    reference = np.array(found["the whole table"])
    for name, scores in found.items():
        difference = np.array(scores) - reference
        error = difference.std(ddof=1) / np.sqrt(len(scores)) if len(scores) > 1 else np.nan
        print(
            f"{name:>20}: {np.mean(scores):.4f}, difference {difference.mean():+.4f} "
            f"(standard error {error:.4f}, {len(scores)} folds), {seconds[name]:.1f} s"
        )


def table_of(root: str) -> str:
    """URL of the one training table of a store.

    Raises
    ------
    SystemExit
        Where there is none or more than one.
    """
    names = [n for n in objects.listing(objects.join(root, "training")) if n.count("/") == 2]
    tables = sorted({name.rpartition("/")[0] for name in names if name.endswith("/zarr.json")})
    if len(tables) != 1:
        raise SystemExit(f"{root}: expected one training table, found {len(tables)}")
    return objects.join(root, "training", tables[0])


if __name__ == "__main__":
    main()
