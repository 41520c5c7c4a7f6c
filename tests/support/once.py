"""Folders made once for a whole test run, by the first of its processes that asks."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path


def made_once(root: Path, name: str, make: Callable[[Path], object]) -> Path:
    """Give the folder of a name, its content made by `make` unless another process has made it.

    Parameters
    ----------
    root
        Folder that all processes of a test run share, and no other run: nothing older is found.
    make
        Fills the folder that it is given; where it fails, the next who asks tries again.
    """
    root.mkdir(exist_ok=True)
    folder, done = root / name, root / f"{name}.done"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
