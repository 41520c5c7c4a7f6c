"""What tests of the science need beyond the fixtures of all tests."""

from collections.abc import Iterator

import pytest


@pytest.fixture
def s3_store(s3_store: str) -> Iterator[str]:
    """Give the fresh S3 prefix, and close the connections that Zarr's event loop has opened.

    s3fs closes those of its own loop when it forgets a file system, but not those of another.
    """
    import s3fs
    from zarr.core.sync import sync

    yield s3_store
    for fs in list(s3fs.S3FileSystem._cache.values()):
        if fs.asynchronous and fs._s3 is not None:
            sync(fs._s3.close())
            fs._s3 = None
