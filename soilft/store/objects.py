"""Small objects beside the Zarr stores: whole, create-only and compare-and-swap writes.

A URL is anything fsspec opens. Local paths and ``s3://`` have all three kinds of write; on other
file systems the conditional ones are refused, for they could not be kept.
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from soilft.errors import (
    ConfigError,
    DamagedObject,
    PreconditionFailed,
    StoreConflict,
    StoreError,
)
from soilft.store import checksums, credentials, disk

# What browsers have to be told to show a page, by the end of a name.
_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "png": "image/png",
    "txt": "text/plain; charset=utf-8",
}
# What S3 servers answer when a condition does not hold (RFC 9110, 412; 409 while writers race).
_LOST = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
# Throttling, errors of the server and lost connections pass: botocore waits at random, up to 1, 2,
# 4, 8 and 16 seconds. Whoever sets AWS_RETRY_MODE or AWS_MAX_ATTEMPTS has another bound.
_RETRIES = {"mode": "standard", "total_max_attempts": 6}


def join(root: str, *parts: str) -> str:
    """Join URL parts with single slashes."""
    return "/".join([root.rstrip("/"), *(part.strip("/") for part in parts)])


def is_local(url: str) -> bool:
    """Whether the URL is a path on this machine."""
    return isinstance(filesystem(url)[0], LocalFileSystem)


def filesystem(url: str) -> tuple[Any, str]:
    """File system and path of a URL, with no cached listings: others write here too.

    Raises
    ------
    ConfigError
        Where the URL has ``::``: fsspec takes it for a chain of file systems, and reads, writes
        and removes what stands before it. Where it holds credentials, which are not shown.
    """
    credentials.refuse_in(url)
    if "::" in url:
        raise ConfigError(
            url,
            expected="one path or URL",
            found="::, which chains several",
            remedy="Give the file or folder a name without ::.",
        )
    protocol = fsspec.core.split_protocol(url)[0]
    options = _s3_options() if protocol in ("s3", "s3a") else {}
    fs, path = fsspec.core.url_to_fs(url, **options)
    return fs, str(path)


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn what file systems raise into errors that name the URL and the remedy.

    Raises
    ------
    StorePermission
        The credentials are missing or do not allow it.
    PreconditionFailed
        A conditional write lost.
    StoreError
        The store cannot be reached, or refuses for another reason.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        # botocore's own tree does not descend from OSError, and is not imported for local stores.
        of_network = type(error).__module__.startswith(("botocore", "aiobotocore", "aiohttp"))
        if not of_network and not isinstance(error, OSError):
            raise
        code = _code(error)
        if code in _LOST:
            raise PreconditionFailed(url, found=code) from error
        if code in credentials.DENIED:
            raise credentials.refused(url, code) from error
        if of_network and credentials.are_meant_by(error):
            raise credentials.refused(url, type(error).__name__) from error
        found = credentials.masked(str(error))
        if isinstance(error, PermissionError | NotADirectoryError):
            raise credentials.refused(url, found if _of_disk(error) else "a denial") from error
        raise StoreError(url, expected="a store that answers", found=found) from error


def _of_disk(error: OSError) -> bool:
    """Whether an operating system says it, which repeats nothing that it was sent."""
    return error.strerror is not None


def _code(error: BaseException) -> str:
    """Error code of a server's answer; s3fs hands a failed precondition on as OSError(EINVAL)."""
    cause: BaseException | None = error
    while cause is not None:
        response = getattr(cause, "response", None)
        if isinstance(response, dict):
            code = str(response.get("Error", {}).get("Code", ""))
            status = str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
            return status if status in ("401", "403") and code not in credentials.DENIED else code
        if hasattr(cause, "request_info"):  # aiohttp's, of a server of the web
            status = str(getattr(cause, "status", ""))
            return status if status in ("401", "403") else ""
        cause = cause.__cause__
    return ""


def _s3_options() -> dict[str, Any]:
    own = os.environ.keys() & {"AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS"}
    retries = {} if own else {"config_kwargs": {"retries": _RETRIES}}
    return {"use_listings_cache": False, **retries}


def exists(url: str) -> bool:
    """Whether an object, or anything below a prefix, is there."""
    fs, path = filesystem(url)
    with explained(url):
        return bool(fs.exists(path))


def read(url: str) -> bytes | None:
    """Content of an object, or None where there is none."""
    fs, path = filesystem(url)
    with explained(url):
        try:
            return bytes(fs.cat_file(path))
        except FileNotFoundError:
            return None


def read_all(url: str) -> dict[str, bytes]:
    """Content of every object below a prefix by relative path, fetched side by side."""
    fs, path = filesystem(url)
    names = listing(url)
    if not names:
        return {}
    root = path.rstrip("/") + "/"
    with explained(url):
        found = fs.cat([root + name for name in names], on_error="omit")
    return {name.removeprefix(root): bytes(found[name]) for name in sorted(found)}


def read_json(url: str) -> Any:
    """Content of a JSON object, or None where there is none.

    Raises
    ------
    DamagedObject
        Where it is no JSON.
    """
    content = read(url)
    return None if content is None else from_json(url, content)


def from_json(url: str, content: bytes, remedy: str = "") -> Any:
    """Value of a JSON object that was read from a URL.

    Parameters
    ----------
    remedy
        What to do where it is damaged.

    Raises
    ------
    DamagedObject
        Where it is no JSON: cut, empty, or not UTF-8.
    """
    try:
        return json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise DamagedObject(
            url,
            expected="JSON as it was written",
            found=f"{len(content)} bytes that are none ({error})",
            remedy=remedy or "Put it back from a copy, or remove it to have it made anew.",
        ) from error


def to_json(value: Any) -> bytes:
    """JSON as this project writes it: sorted keys, indented, one final line break."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def stated_md5(url: str) -> str | None:
    """MD5 of an object's content by what its server says of it; None where it says none.

    The ETag of S3 is one for objects that were put whole and are not encrypted by a key of the
    customer. Who compares reads the object where it differs.
    """
    fs, path = filesystem(url)
    if "s3" not in fs.protocol:
        return None
    with explained(url):
        return str(fs.info(path)["ETag"]).strip('"')


def listing(url: str) -> dict[str, int]:
    """Every object below a prefix: path relative to it, and size in bytes."""
    fs, path = filesystem(url)
    with explained(url):
        try:
            found = fs.find(path, detail=True)
        except FileNotFoundError:
            return {}
    root = path.rstrip("/") + "/"
    return {
        name.removeprefix(root): size_of(url, info)
        for name, info in sorted(found.items())
        if name.startswith(root)
    }


def size_of(url: str, info: Mapping[str, Any]) -> int:
    """Size of an object in bytes, as its file system tells it.

    Raises
    ------
    StoreError
        Where a server does not.
    """
    if info.get("size") is None:
        raise StoreError(
            url,
            expected="a server that tells the size of a file (Content-Length)",
            found="none",
            remedy="Get the files with another program, and name the folder where they are.",
        )
    return int(info["size"])


def write(url: str, content: bytes) -> None:
    """Write a whole object: readers see the old content or the new, never a part."""
    fs, path = filesystem(url)
    with explained(url):
        if isinstance(fs, LocalFileSystem):
            disk.temporary_beside(path, content).replace(path)
            disk.keep_name(path)
        else:
            fs.pipe_file(path, content, **_typed(fs, path))
    checksums.note(url, content)


def create(url: str, content: bytes) -> None:
    """Write an object only where there is none.

    Raises
    ------
    PreconditionFailed
        Where one exists with other content. The same content passes: a retried write that met
        its own first try must not look like a defeat.
    StoreConflict
        Where the file system has no conditional writes.
    """
    fs, path = filesystem(url)
    _require_conditional_writes(fs, url)
    try:
        with explained(url):
            if isinstance(fs, LocalFileSystem):
                if Path(path).exists():  # leave no temporary file where another's object stands
                    raise PreconditionFailed(url, found="another object")
                temporary = disk.temporary_beside(path, content)
                try:
                    os.link(temporary, path)
                except FileExistsError as error:
                    raise PreconditionFailed(url, found="another object") from error
                finally:
                    temporary.unlink()
                disk.keep_name(path)
            else:
                fs.pipe_file(path, content, mode="create", **_typed(fs, path))
    except PreconditionFailed:
        if read(url) != content:
            raise


def content_type(name: str) -> str:
    """Media type of an object by the end of its name; plain bytes where it is none of a page's.

    Examples
    --------
    >>> content_type("view/index.html"), content_type("cube.zarr/time/c/0")
    ('text/html; charset=utf-8', 'application/octet-stream')
    """
    return _TYPES.get(name.rpartition(".")[2], "application/octet-stream")


def _typed(fs: Any, path: str) -> dict[str, str]:
    """What a browser that reads the object from S3 has to be told of it; disks keep no types."""
    return {"ContentType": content_type(path)} if "s3" in fs.protocol else {}


def _require_conditional_writes(fs: Any, url: str) -> None:
    if not isinstance(fs, LocalFileSystem) and "s3" not in fs.protocol:
        raise StoreConflict(url, expected="a local path or s3://", found=str(fs.protocol))


def swap(url: str, old: bytes | None, new: bytes) -> None:
    """Replace ``old`` by ``new``; where the object is no longer ``old``, change nothing.

    Raises
    ------
    PreconditionFailed
        Where somebody else has changed the object in the meantime.
    StoreConflict
        Where the file system has no conditional writes.
    """
    if old is None:
        create(url, new)
        return
    fs, path = filesystem(url)
    if isinstance(fs, LocalFileSystem):
        with explained(url), Path(f"{path}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # released by the kernel, even after SIGKILL
            if read(url) != old:
                raise PreconditionFailed(url, expected="the content read before", found="another")
            write(url, new)
        return
    _require_conditional_writes(fs, url)
    try:
        with explained(url):
            try:
                tag = fs.info(path)["ETag"]
            except FileNotFoundError as error:
                raise PreconditionFailed(
                    url, expected="the content read before", found="none"
                ) from error
            if read(url) != old:
                raise PreconditionFailed(url, expected="the content read before", found="another")
            fs.pipe_file(path, new, IfMatch=tag)
    except PreconditionFailed:
        if read(url) != new:
            raise


def copy(source: str, target: str) -> None:
    """Copy an object inside one store; on S3 the server does it."""
    fs, path = filesystem(source)
    destination = filesystem(target)[1]
    with explained(target):
        if isinstance(fs, LocalFileSystem):
            disk.temporary_beside(destination, Path(path).read_bytes()).replace(destination)
            disk.keep_name(destination)
        else:
            fs.cp_file(path, destination)


def remove(url: str) -> None:
    """Remove one object, if it is there."""
    fs, path = filesystem(url)
    with explained(url):
        try:
            fs.rm_file(path)
        except FileNotFoundError:
            return


def check_writable(root: str) -> None:
    """Write and remove a small object, so that a missing permission shows before any work.

    Raises
    ------
    StorePermission, StoreError
        Where the store does not let us.
    """
    # Several machines may ask at once, and in containers all have the same process number.
    probe = join(root, "ledger", f"probe-{uuid.uuid4().hex}")
    try:
        write(probe, b"")
    except FileNotFoundError as error:
        raise no_place(root, error) from error
    remove(probe)


def no_place(root: str, error: FileNotFoundError) -> StoreError:
    """The error of a store whose bucket or folder is not there."""
    return StoreError(
        root,
        expected="a bucket that exists, or a folder that can be made",
        found=str(error),
        remedy="Create it first.",
    )
