"""Predictors of every pixel-day, by one function for training and for prediction.

- `stores`: the input stores of a region, as a value that travels to workers.
- `window`: the inputs of a chunk of days, read once and matched in time.
- `features`: the groups of predictors, their formulas, and the function that computes them.
- `lazy`: the predictors as one lazy array.
"""
