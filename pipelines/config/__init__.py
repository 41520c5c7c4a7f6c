"""Region file: its sections, checked and given meaning.

- `region_file`: the whole file, read and checked across its sections.
- `store`: the store of releases, named by itself or by a region file.
- `as_written`: keys and values of a YAML file, each with its line.
- `products`: the section ``inputs``, one model a product, made from its reader's fields.
- `cluster`: the section ``cluster``, made from the fields of `cluster.ClusterSpec`.
- `publication`: the sections ``metadata`` and ``publication``.
- `sections`: the other sections, every key with its default.
"""
