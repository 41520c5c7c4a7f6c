"""Access to an archive of the International Soil Moisture Network, by the handlers of ``ismn``.

The package's interface would collect the metadata of all variables into the archive's folder,
print, and pin the threads of the process; its handlers read one file each.
"""

from __future__ import annotations

import importlib
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from soilft.errors import ConfigError, UnreadableGranule
from soilft.sources.passing import passing
from soilft.store.matching import files_below

# What `ismn`, pandas and zipfile raise on a damaged file; a mistake of ours is none of these.
_DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    RuntimeError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)

# A century of hourly values takes a tenth of it.
MAX_SENSOR_BYTES = 2**30


class Archive:
    """An open archive: the names of its files, and the package's handlers of them."""

    def __init__(self, path: Path, root: Any, handler: Any) -> None:
        self.path = path
        self._root, self._handler = root, handler
        if root.zip:
            self.names = sorted(root.zip.namelist())
        else:
            # Path.rglob does not look into linked folders.
            found = (Path(match.path) for match in files_below(str(path)))
            self.names = sorted(file.relative_to(path).as_posix() for file in found)

    def handler(self, name: str) -> Any:
        """`ismn.filehandlers.DataFile` of one sensor file, its metadata read.

        Raises
        ------
        UnreadableGranule
            Where it is damaged, or would unpack to more than any sensor has measured.
        """
        size = self._root.zip.getinfo(name).file_size if self._root.zip else 0
        if size > MAX_SENSOR_BYTES:
            expected = f"at most {MAX_SENSOR_BYTES} bytes when unpacked"
            raise UnreadableGranule(name, expected=expected, found=str(size))
        with damaged(name), quiet():
            return self._handler(
                self._root,
                name,
                # The default is the folder of when the package was imported.
                temp_root=tempfile.gettempdir(),
                verify_filepath=False,
                verify_temp_root=False,
            )


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open a zip file or a folder.

    Raises
    ------
    UnreadableGranule
        Where it is neither, or damaged.
    ConfigError
        Where the package is not installed.
    """
    root_class, handler_class = _package()
    expected = "a whole zip file, or a folder, as ISMN delivers it"
    if path.is_file():
        path.open("rb").close()  # is_zipfile takes a file that cannot be opened for none
    if not path.is_dir() and not zipfile.is_zipfile(path):
        found = "a file that is no whole zip file" if path.exists() else "nothing there"
        raise UnreadableGranule(path.name, expected=expected, found=found)
    try:
        root = root_class(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise UnreadableGranule(path.name, expected=expected, found=str(error)) from error
    with root:
        yield Archive(path, root, handler_class)


def _package() -> tuple[Any, Any]:
    try:
        base = importlib.import_module("ismn.base")
        handlers = importlib.import_module("ismn.filehandlers")
    except ImportError as error:
        raise ConfigError(
            "station inputs",
            expected="the package ismn",
            found=str(error),
            remedy="Install it: pip install 'soilft[stations]'",
        ) from error
    return base.IsmnRoot, handlers.DataFile


@contextmanager
def damaged(name: str) -> Iterator[None]:
    """Name the sensor file that could not be read."""
    try:
        yield
    except _DAMAGE as error:
        if passing(error):
            raise
        lines = [line for line in str(error).splitlines() if line.strip()] or [""]
        # The package puts a whole traceback into some messages; its last line says what is wrong.
        reason = lines[-1] if "Traceback" in lines[0] else f"{type(error).__name__}: {lines[0]}"
        raise UnreadableGranule(
            name, expected="a whole .stm file, header+values or CEOP", found=reason
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out the package's warnings."""
    # The package calls pandas in ways that pandas 3 deprecates, and lets it guess at dates and
    # types, which pandas remarks on. What matters of that is checked here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
