"""Registry of the kinds of cluster, with the module that starts each."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, cast

from cluster.errors import ClusterError

if TYPE_CHECKING:
    from types import ModuleType

    from distributed import Client

    from cluster.spec import ClusterSpec

    Start = Callable[[ClusterSpec], AbstractContextManager[Client]]

#: Kind to module path. A module is imported only when its kind is chosen, so that the package of
#: one vendor is never needed by the users of another. Each module offers one context manager,
#: ``start(spec)``, that yields a connected ``distributed.Client``.
MODULES: dict[str, str] = {
    "local": "cluster.local",
    "address": "cluster.address",
    "kubernetes": "cluster.kubernetes.interactive",
    "coiled": "cluster.on_coiled",
}

#: Kind to the vendor's packages and the extra that installs them.
EXTRAS: dict[str, tuple[frozenset[str], str]] = {
    "kubernetes": (frozenset({"dask_kubernetes", "kr8s", "kubernetes"}), "kubernetes"),
    "coiled": (frozenset({"coiled"}), "coiled"),
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
            expected=f"one of: {known}",
            found=repr(kind),
            remedy="Choose one of these kinds.",
        )
    return MODULES[kind]


def starter(kind: str) -> "Start":
    """Import the module of a kind and give its ``start``.

    Raises
    ------
    ClusterError
        ``cluster.missing_extra`` where the vendor's package is not installed.
    """
    return cast("Start", vendor_module(kind, module_path(kind)).start)


def vendor_module(kind: str, path: str) -> "ModuleType":
    """Import a module that needs the packages of a kind's vendor.

    Raises
    ------
    ClusterError
        ``cluster.missing_extra``, naming the extra to install.
    """
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        packages, extra = EXTRAS.get(kind, (frozenset(), ""))
        if error.name is None or error.name.partition(".")[0] not in packages:
            raise
        raise ClusterError(
            "cluster.missing_extra",
            f"cluster kind {kind}",
            expected=f"the package {error.name}",
            found="it is not installed",
            remedy=f"Install it with: pip install 'soilft[{extra}]'",
        ) from error
