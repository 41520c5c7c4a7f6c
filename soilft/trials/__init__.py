"""Cross-validation experiments, and comparisons of the record with and without inter-calibration.

- `rules`: settings of the forests that experiments grow.
- `inner_folds`: folds within the training rows, for calibration and conformal sets.
- `uncertainty_fit`: calibration, conformal sets and applicability of a forest, on inner folds.
- `experiments`: training rows, test rows and predictions of each fold.
- `design`: the features that each forest is given, and the rows its folds hold out.
- `withheld_days`: known states described again from each gap-filling level alone.
- `raw_record`: the record without inter-calibration, its forest and its states.
- `hand_over`: the step in frozen days a year at a hand-over.
"""
