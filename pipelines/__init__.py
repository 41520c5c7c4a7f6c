"""What runs: configuration, plan, the stages and the ``soilft`` command."""
