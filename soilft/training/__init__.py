"""Training rows: sampling of labelled pixel-days, the table, and its folds.

- `block_size`: the size of spatial blocks, by the correlation length of the predictors.
- `sampling`: rows drawn by a hash of place and time, in proportion to strata.
- `table`: the training table in the store.
- `held_out`: rows held out for testing: at random, by year, spatial block and radiometer.
"""
