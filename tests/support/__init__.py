"""Real components that tests start for themselves."""
