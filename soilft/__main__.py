"""Entry point of the ``soilft`` command, with its check for foreign packages in the way.

``cluster`` and ``pipelines`` are anybody's names. Only standard modules may be imported before both
are known to be the packages that lie beside this one.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from soilft.errors import ConfigError

NAMES = ("cluster", "pipelines")


def require_own(name: str) -> None:
    """Refuse a foreign package under the name of one of ours, without importing it.

    Raises
    ------
    ConfigError
        Naming the file that would be imported, and what to do about it.
    """
    own = Path(__file__).resolve().parents[1] / name / "__init__.py"
    try:
        spec = find_spec(name)
    except ValueError:  # somebody has put a module of that name there without telling from where
        spec = None
    found = Path(spec.origin).resolve() if spec and spec.origin else None
    if found not in (own, None):
        raise ConfigError(
            f"package {name}",
            expected=str(own),
            found=str(found),
            remedy="Rename that file or start from another folder; where a package brought it, "
            f"uninstall that: pip uninstall {name}",
        )
    # An installer writes over what another package has under the same name: ours says whose it is.
    if spec is None or found is None or b"soilft" not in _content(spec):
        raise ConfigError(
            f"package {name}",
            expected=f"that of soilft in {own}",
            found="none" if found is None else "another package, written over it",
            remedy=f"Uninstall any other (pip uninstall {name}), then install soilft again: "
            "pip install --force-reinstall --no-deps soilft",
        )


def _content(spec: ModuleSpec) -> bytes:
    """Bytes of a package's file, which may lie in a zip."""
    content: bytes = cast("Any", spec.loader).get_data(spec.origin)
    return content


def main() -> None:
    """Start the command, or say which file is in its way and exit with 2."""
    try:
        for name in NAMES:
            require_own(name)
    except ConfigError as error:
        sys.stderr.write(f"error[{error.code}]: {error}\n")
        sys.exit(2)  # as `pipelines.cli.exit_codes` has it, which cannot be imported yet
    # By its name: the science imports no command line.
    import_module("pipelines.cli.main").main()


if __name__ == "__main__":
    main()
