"""Scores: accuracy with confidence intervals, baselines, the scorecard.

- `metrics`: scores of a classification into thawed and frozen.
- `bootstrap`: confidence intervals by resampling of clusters, and paired tests.
- `predictions`: of a forest, on rows that it was not trained on.
- `baselines`: rules without training, on the same pixel-days.
- `reference_states`: baselines of pixel series, other labels and truth, row by row.
- `held_out_scores`: scores of held-out rows, as plain numbers.
- `cube_counts`: confusion counts of the cube against labels, truth and stations.
- `gap_levels`: scores of each gap-filling level, on withheld pixel-days.
- `frozen_days`: frozen days a year of several records on the same pixel-days.
- `annual_errors`: errors of the annual layers, and their trend.
- `at_stations`: the cube's state beside soil temperature of stations, around the melting point.
- `ablations`: groups of features that forests are kept from.
- `by_radiometer`: a forest for each radiometer against one for all, on the same held-out rows.
- `evidence`: the measurements that a scorecard is made from.
- `skill`: the forest's gain over the majority class, on held-out rows.
- `subject`: the record that it is about, and the settings that it is scored by.
- `comparisons`: held-out rows and the cube, each against a reference.
- `scorecard`: all of them together, with the cautions to read them with.
"""
