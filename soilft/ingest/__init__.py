"""Ingest: native granules and station archives to the input stores.

- `archive`: granules among the files of an archive, and what is passed over.
- `reading`: a granule read, with patience.
- `granules`: one chunk of days of ``inputs/<source>.zarr``, by the source's reader.
- `ground`: one static source of ``inputs/static.zarr``, by the source's reader.
- `stations`: ``inputs/stations.zarr``, every station a series of its own.
- `truth`: the truth of a synthetic Earth, beside the inputs.
- `simulated`: inputs of a synthetic Earth without granules, in their place.
- `availability`: which days each source has.
- `sufficiency`: usable days of those that an input could have, and share of the land known.
"""
