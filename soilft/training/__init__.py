"""Training rows: sampling of labelled pixel-days, the table, and its folds.

- `reach`: correlation length of the predictors, for the size of spatial blocks.
- `sampling`: rows drawn by a hash of place and time, in proportion to strata.
- `table`: the training table in the store.
- `folds`: training and test folds, by year, spatial block and radiometer.
"""
