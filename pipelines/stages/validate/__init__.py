"""Stage validate: the scorecard and the report.

- `stage`: the stage as a whole.
- `evidence`: experiments and counts, run on the cluster.
- `withheld_days`: withheld pixel-days, predicted from each gap-filling level.
- `raw_record`: the record without inter-calibration, beside the one with it.
- `hand_over`: steps in frozen days where one radiometer hands over to the next.
- `figures`: the figures of the report.
"""
