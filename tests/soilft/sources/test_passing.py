"""What is of the moment, and what is of the file."""

import errno
import os
from pathlib import Path

import netCDF4
import pytest

from soilft.errors import StoreError, StorePermission, UnreadableGranule
from soilft.sources import files
from soilft.sources.passing import passing


@pytest.mark.parametrize(
    "number",
    [
        *(errno.EACCES, errno.EAGAIN, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENOLCK),
        *(errno.ENOSPC, errno.ENOTCONN, errno.EREMOTEIO, errno.EROFS, errno.ESTALE),
    ],
)
def test_what_a_machine_says_of_itself_passes(number: int) -> None:
    error = UnreadableGranule("granule", found="nothing")
    error.__cause__ = OSError(number, os.strerror(number))
    assert passing(error)
    assert passing(OSError(f"file read failed: errno = {number}, error message = ..."))


@pytest.mark.parametrize(
    "error",
    [
        OSError(-101, "NetCDF: HDF error"),
        OSError("Unable to open file (file signature not found)"),
        OSError(errno.EINVAL, "Invalid argument"),
        OSError(errno.ENOENT, "No such file"),
        RuntimeError("NetCDF: HDF error"),
        StorePermission("s3://bucket", found="AccessDenied"),
    ],
    ids=str,
)
def test_what_is_said_of_a_file_does_not_pass(error: Exception) -> None:
    assert passing(error) is None


def test_a_store_that_does_not_answer_passes() -> None:
    assert passing(StoreError("s3://bucket", found="503 Slow Down"))


def test_a_classic_file_that_declares_more_than_it_holds_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "granule.nc"
    with netCDF4.Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
        file.createDimension("lat", 4)
        file.createVariable("lat", "f8", ("lat",))[:] = 1.0
    with files.open_netcdf(path) as opened:
        assert opened.lat.size == 4
    content = path.read_bytes()
    # The length of the one dimension stands behind its name.
    at = content.index(b"lat\x00") + 4
    assert content[at : at + 4] == b"\x00\x00\x00\x04"
    path.write_bytes(content[:at] + b"\x10" + content[at + 1 :])
    with pytest.raises(UnreadableGranule, match=r"lat of .* bytes in a file of"):
        files.open_netcdf(path)


def test_an_error_that_is_its_own_cause_ends() -> None:
    error = ValueError("of the file")
    error.__cause__ = error
    assert passing(error) is None
