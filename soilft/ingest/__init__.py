"""Ingest: native granules and station archives to the input stores.

- `granules`: one chunk of days of ``inputs/<source>.zarr``, by the source's reader.
- `stations`: ``inputs/stations.zarr``, every station a series of its own.
- `availability`: which days each source has.
"""
