"""The second stage: radiometers inter-calibrated, gaps and normals known."""
