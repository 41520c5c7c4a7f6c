"""Page that shows a cube in a browser: files that ship with soilft and lie beside a release.

Their sources are in ``viewer/`` and no part of the package; ``make viewer`` builds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files as resources
from types import MappingProxyType

# Folder beside the cube: the page reads ``../cube.zarr``.
FOLDER = "view"
PAGE = f"{FOLDER}/index.html"


@lru_cache(maxsize=1)
def files() -> Mapping[str, bytes]:
    """Content of the page's files by their name below a release.

    Examples
    --------
    >>> PAGE in files()
    True
    """
    folder = resources("soilft").joinpath("data", "viewer")
    found = {f"{FOLDER}/{file.name}": file.read_bytes() for file in folder.iterdir()}
    return MappingProxyType(dict(sorted(found.items())))
