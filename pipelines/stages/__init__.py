"""Stages of a run, in the order of the data.

- `order`: the names of the stages, and all of them run in turn.
- `ingest`: native granules to input stores.
- `harmonize`: inter-calibration of the radiometers, and the normals for filling gaps.
- `train`: the training table, the forest and its uncertainty.
- `predict`: the staged cube, a chunk of days a task.
- `annual`: the annual layers of the staged cube.
- `validate`: the scorecard and the report.
- `publish`: the staged cube, its model and its report as a release.
- `update`: new days of a published record, by the same model.
"""
