"""Validation report: one page of figures and tables, and the figures of quick looks.

- `tables`: columns and numbers of the tables.
- `style`: the look of figures, maps with the coast, quick looks.
- `coast`: the coastline for maps.
- `figures`: figures as SVG markup or PNG data.
- `hand_over`: the figure of the hand-overs between radiometers.
- `sections`: tables and sentences of one part of the scorecard each.
- `page`: the page, and the summary for a terminal.
"""
