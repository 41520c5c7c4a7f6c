"""Publication: immutable releases, and the pointer to the latest.

- `checks`: what a cube must hold before it is published.
- `staged`: the staged cube cut into parts, each keyed by what its days hold.
- `layout`: chunks and shards of the published cube.
- `shards`: its objects as bytes.
- `versions`: names of releases, and where each lies.
- `lease`: the right to publish, held by one publisher at a time.
- `pointer`: ``latest.json``, which is the catalogue of all releases too.
- `inventory`: SHA-256 and size of every object of a release, and what it says of itself.
- `prefix`: objects below the prefix of a release, written, copied and checked.
- `publication`: a staged cube written under a fresh prefix, then pointed to.
- `changes`: differences from the release before, by year.
- `stac`: the STAC Collection of a release.
- `page`: the files of the page that shows a release in a browser.
- `retention`: releases listed, returned to and removed.
- `verification`: every object of a release held against what was published.
"""
