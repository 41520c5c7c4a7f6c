"""Annual layers: frozen days, onsets and cycles, with their ranges, means and trends.

- `phenology`: definitions of the layers, from a daily state.
- `day_correlation`: correlation of the errors of probabilities from day to day.
- `ranges`: ranges of a year's layers, by draws from the probabilities.
- `trend`: Theil-Sen slope and Mann-Kendall test of one series, or of every pixel.
- `store`: the layers in the store, by year, with anomalies, means and trends.
- `layers`: the tasks that compute them.
- `pictures`: maps and the regional series as PNG.
"""
