"""Storage: small objects, Zarr arrays, digests, and the ledger of finished work.

- `objects`: whole, create-only and compare-and-swap writes of small objects.
- `matching`: files that a URL pattern matches, through symbolic links.
- `zarr`: templates of stores, their opening, and writes of whole chunks.
- `digest`: digests of values and arrays, by which results are named, and the spelling of settings.
- `ledger`: what each unit of work was made from, and what was set aside.
"""
