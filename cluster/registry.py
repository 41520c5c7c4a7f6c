"""Which module starts which kind of cluster."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, cast

from cluster.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client

    from cluster.spec import ClusterSpec

    Start = Callable[[ClusterSpec], AbstractContextManager[Client]]

#: Kind to module path. A module is imported only when its kind is chosen, so that the package of
#: one vendor is never needed by the users of another. Each module offers one context manager,
#: ``start(spec)``, that yields a connected ``distributed.Client``.
MODULES: dict[str, str] = {
    "local": "cluster.local",
    "address": "cluster.address",
}


def module_path(kind: str) -> str:
    """Give the path of the module that starts clusters of this kind.

    Raises
    ------
    ClusterError
        ``cluster.unknown_kind``, listing the kinds there are.
    """
    if kind not in MODULES:
        known = ", ".join(sorted(MODULES))
        raise ClusterError(
            "cluster.unknown_kind",
            "cluster kind",
            f"one of: {known}",
            repr(kind),
            "Choose one of these kinds.",
        )
    return MODULES[kind]


def starter(kind: str) -> "Start":
    """Import the module of a kind and give its ``start``."""
    return cast("Start", import_module(module_path(kind)).start)
