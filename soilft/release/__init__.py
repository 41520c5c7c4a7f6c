"""Publication: immutable releases and the pointer to the latest."""
