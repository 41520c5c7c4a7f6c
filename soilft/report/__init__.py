"""Validation report: one page of figures and tables, and the figures of quick looks.

- `tables`: columns and numbers of the tables.
- `style`: the look of figures, maps with the coast, quick looks.
- `coast`: the coastline for maps.
- `score_figures`: figures of scores.
- `record_figures`: figures of the inputs, of hand-overs and of annual layers.
- `cube_states`: figures of the cube's states, on example days and of one pixel.
- `experiments`: the experiments in their order, and what their folds held out.
- `sections`: values of one part of the scorecard each, as the templates show them.
- `page`: the page, made from `templates/`, and the summary for a terminal.
"""
