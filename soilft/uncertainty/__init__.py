"""Uncertainty of a state: calibrated probability, conformal sets, area of applicability.

- `calibration`: votes to probabilities, on groups that the forest was not fitted on.
- `conformal`: sets of states that miss each class in no more than a stated share.
- `applicability`: distance of predictors from those of the training rows.
- `bundle`: the three as one value, kept with the model.
"""
