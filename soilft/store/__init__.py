"""How things lie in a store: objects, Zarr arrays, the ledger of finished work, digests."""
