"""Storage: small objects, Zarr arrays, digests, and the ledger of finished work.

- `objects`: whole, create-only and compare-and-swap writes of small objects.
- `disk`: files of a local disk that are whole, and outlast a power cut.
- `credentials`: whose they are, what is said where they are refused, and no URL with any.
- `documents`: JSON objects that are read back: their shape, and a seal over their bytes.
- `matching`: files that a URL pattern matches, through symbolic links.
- `checksums`: what was written to chunks, noted, and known when they are read.
- `handles`: Zarr's own store objects for URLs, which note and hold what passes through them.
- `zarr`: templates of stores, their opening, and writes of whole chunks.
- `digest`: digests of values and arrays, by which results are named, and the spelling of settings.
- `ledger`: what each unit of work was made from, and what was set aside.
"""
