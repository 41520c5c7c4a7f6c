"""The training table: sampling of labelled pixel-days, and their folds."""
