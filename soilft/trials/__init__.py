"""Cross-validation experiments and comparisons of records."""
