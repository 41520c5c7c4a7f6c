"""Stage harmonize: radiometers inter-calibrated, and the normals for filling gaps.

- `transfers`: the stage: coefficients fitted, and hand-overs tested.
- `normals`: the normals of brightness temperature.
"""
