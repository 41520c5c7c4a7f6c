"""Region file: its sections, checked and given meaning.

- `region_file`: the whole file, read and checked across its sections.
- `products`: the section ``inputs``, one model a product.
- `sections`: the other sections, every key with its default.
- `quality`: the section ``quality``.
"""
