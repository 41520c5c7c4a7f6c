"""The command `soilft` and what it shows."""
