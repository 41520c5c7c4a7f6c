"""Digests of values and arrays: equal values give equal digests in any process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt


def digest(*values: Any) -> str:
    """SHA-256 over JSON values: the same values give the same digest in any process."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def arrays_digest(arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over names, types, shapes and little-endian bytes of arrays, in order of name."""
    sha = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        sha.update(f"{name}:{array.dtype.str}:{array.shape};".encode())
        sha.update(array.data if array.size else b"")
    return sha.hexdigest()
