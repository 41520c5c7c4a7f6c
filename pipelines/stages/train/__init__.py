"""The third stage: the table, the forest, its uncertainty."""
