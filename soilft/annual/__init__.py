"""Annual layers: frozen days, onsets and cycles, with their ranges and trends."""
