"""Stage ingest: native or simulated inputs to input stores.

- `granules`: the stage: native granules to ``inputs/<source>.zarr``.
- `simulated`: inputs of a synthetic Earth without granules, in their place.
- `truth`: the truth of a synthetic Earth, beside the inputs.
"""
