"""The forest: grown in groups of trees, kept as a checked artefact, applied to blocks of days."""
