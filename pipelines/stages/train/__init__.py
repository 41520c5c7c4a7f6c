"""Stage train: the training table, the forest and its uncertainty.

- `stage`: the stage as a whole.
- `table`: the size of spatial blocks, and the training rows.
- `forest`: settings and trees of the forest.
- `by_radiometer`: whether each radiometer's rows get a forest of their own.
- `inner_votes`: votes for training rows that a forest was kept from, for the calibration.
- `uncertainty`: calibration, conformal sets and applicability.
"""
