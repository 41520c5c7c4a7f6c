"""The sixth stage: the scorecard and the report."""
