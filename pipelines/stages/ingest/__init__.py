"""Stage ingest: native or simulated inputs to input stores.

- `stage`: the stage: native granules to ``inputs/<source>.zarr``, and which days there are.
- `units`: planned units of the inputs, and the work on one of them.
- `sufficiency`: inputs that lack days or cells, and the refusal to train without them.
- `simulated`: planned units of inputs that are simulated without granules.
- `truth`: the simulated truth of a run, and the place of its files.
"""
