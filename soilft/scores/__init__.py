"""Scores: accuracy with intervals, baselines, the scorecard."""
