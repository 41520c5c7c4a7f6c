"""Extremely randomised trees: grown in groups, kept as a checked artefact, applied to any rows.

- `strata`: random strata of a table that no worker could hold as a whole.
- `search`: settings chosen by a grid search on blocked folds.
- `grow`: trees grown in groups, the same on any number of workers.
- `by_radiometer`: a forest for each radiometer's rows, beside the forest of all rows.
- `stored`: forests as bytes, and back, by skops.
- `artefact`: a forest with all that belongs to it in the store, checked before use.
- `loaded`: the models that a process holds.
- `compiled`: votes of a forest, by a compiled loop.
"""
