"""Stage ingest: native or simulated inputs to input stores.

- `granules`: the stage: native granules to ``inputs/<source>.zarr``.
- `simulated`: planned units of inputs that are simulated without granules.
- `truth`: the simulated truth of a run, and the place of its files.
"""
