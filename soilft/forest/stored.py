"""Serialized forests: written with skops, the types checked before an object is made.

What is stored may come from anywhere, so nothing is unpickled, and no type is let in but those that
skops knows to be harmless and scikit-learn's node arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from soilft.errors import ModelError

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier

_TRUSTED = ["sklearn.tree._tree.Tree"]


# Importing skops takes longer than starting a worker; only tasks that hold a forest pay for it.
def to_bytes(forest: ExtraTreesClassifier) -> bytes:
    """Write a forest; the bytes carry times and differ from process to process."""
    import skops.io

    content: bytes = skops.io.dumps(forest)
    return content


def from_bytes(url: str, content: bytes) -> ExtraTreesClassifier:
    """Read a forest that `to_bytes` wrote.

    Parameters
    ----------
    url
        Where the bytes lie, for the message of an error.

    Raises
    ------
    ModelError
        Where they hold a type that no forest needs, or something else than a forest.
    """
    import skops.io
    from sklearn.ensemble import ExtraTreesClassifier

    foreign = set(skops.io.get_untrusted_types(data=content)) - set(_TRUSTED)
    if foreign:
        raise ModelError(url, expected=str(_TRUSTED), found=", ".join(sorted(foreign)))
    forest = skops.io.loads(content, trusted=_TRUSTED)
    if not isinstance(forest, ExtraTreesClassifier):
        raise ModelError(url, expected="ExtraTreesClassifier", found=str(type(forest)))
    return forest
