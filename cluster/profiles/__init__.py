"""Profiles: settings of clusters by name, a YAML file each, its keys fields of `ClusterSpec`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from cluster.errors import ClusterError
from cluster.registry import MODULES

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Names of the profiles that ship with soilft."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def load(name: str, read: Callable[[Path], Any] = _read) -> dict[str, Any]:
    """Give the settings of a profile: a name, the path of a YAML file, or a bare kind.

    Parameters
    ----------
    read
        Reads a YAML file; what it raises beside errors of YAML is handed on.

    Raises
    ------
    ClusterError
        ``cluster.unknown_profile``, listing what there is.

    Examples
    --------
    >>> load("address")
    {'kind': 'address'}
    >>> load("laptop")["workers"]
    2
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else _FOLDER / f"{name}.yaml"
    if path.is_file():
        try:
            found = read(path)
        except yaml.YAMLError as error:
            raise _unusable(name, f"YAML that cannot be read ({error})") from error
        if not isinstance(found, dict):
            raise _unusable(name, "a file without keys and values")
        return found
    if name in MODULES:
        return {"kind": name}
    raise _unusable(name, repr(name))


def _unusable(name: str, found: str) -> ClusterError:
    known = ", ".join(sorted({*names(), *MODULES}))
    return ClusterError(
        "cluster.unknown_profile",
        f"cluster profile {name}",
        expected=f"a YAML file of cluster settings, or one of: {known}",
        found=found,
        remedy="Choose one of these, or write a file like those in cluster/profiles.",
    )
