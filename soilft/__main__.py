"""Entry point of the ``soilft`` command, with its check for foreign packages in the way.

``cluster`` and ``pipelines`` are anybody's names. Only standard modules may be imported before both
are known to be the packages that lie beside this one.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from soilft.errors import ConfigError

NAMES = ("cluster", "pipelines")
#: Exit code after Ctrl-C, as shells have it: 128 and the number of the signal.
INTERRUPTED = 130


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
    with _one_sentence_for_ctrl_c():
        # By its name: the science imports no command line.
        import_module("pipelines.cli.main").main()


@contextmanager
def _one_sentence_for_ctrl_c() -> Iterator[None]:
    """End with a sentence and code 130, whatever an interrupt became on its way up.

    Libraries make other errors of it, or tell where it met them. Where it is ignored, as in what a
    shell starts with ``&``, it stays so.
    """
    interrupts: list[int] = []

    def interrupt(number: int, _: object) -> None:
        logging.disable(logging.CRITICAL)
        interrupts.append(number)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except BaseException as end:
        # A command that an interrupt ends as it should, such as `soilft view`, has ended well.
        if not interrupts or (isinstance(end, SystemExit) and not end.code):
            raise
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stderr.write("stopped; the same command goes on\n")
        sys.exit(INTERRUPTED)
    finally:
        logging.disable(logging.NOTSET)
        signal.signal(signal.SIGINT, before)


if __name__ == "__main__":
    main()
