"""Exit codes of the ``soilft`` command, by the error that ends it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from cluster import ClusterError
from soilft.errors import ConfigError, InputError, SoilftError, StoreError, TaskTooLarge


class ExitCode(IntEnum):
    """What a script can tell from the exit code; the table stands in docs/operations.md."""

    DONE = 0
    UNEXPECTED = 1
    CONFIG = 2
    INCOMPLETE = 3
    STORE = 4
    CLUSTER = 5


#: An error's own class counts, or the nearest above it.
EXIT_CODES: Mapping[type[SoilftError], ExitCode] = MappingProxyType(
    {
        SoilftError: ExitCode.UNEXPECTED,
        ConfigError: ExitCode.CONFIG,
        TaskTooLarge: ExitCode.CONFIG,
        InputError: ExitCode.INCOMPLETE,
        StoreError: ExitCode.STORE,
        ClusterError: ExitCode.CLUSTER,
    }
)


def exit_code(error: SoilftError) -> ExitCode:
    """Exit code of an error that ends the command."""
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
