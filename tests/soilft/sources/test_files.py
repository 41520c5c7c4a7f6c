"""Opening granules: provenance, and files that are refused before anything is read from them."""

import hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import h5py
import numpy as np
import pytest
import xarray as xr

from soilft.errors import FormatMismatch, GridMismatch, TaskTooLarge, UnreadableGranule
from soilft.grid import PRESETS
from soilft.sources import Dem, files, native_grid
from soilft.sources.protocol import Granule


def test_an_opened_granule_says_where_it_is_from(tmp_path: Path) -> None:
    path = tmp_path / "relief.nc"
    xr.Dataset(
        {"z": (("lat", "lon"), np.ones((3, 4)), {"units": "m"})},
        {"lat": [30.0, 31.0, 32.0], "lon": [90.0, 91.0, 92.0, 93.0]},
    ).to_netcdf(path)
    with files.open_granule(Dem(), Granule((), "relief", "7", str(path))) as dataset:
        assert dataset.attrs["source"] == "relief.nc"
        assert dataset.attrs["product"] == "dem"
        assert dataset.attrs["product_version"] == "7"
        assert dataset.attrs["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert float(dataset.elevation.mean()) == 1.0


def external_link(file: h5py.File) -> None:
    file["group/link"] = h5py.ExternalLink("secret.h5", "/values")


def external_data(file: h5py.File) -> None:
    file.create_dataset("group/raw", (4,), "u1", external=[("secret.bin", 0, 4)])


def virtual_data(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((2,), "f8")
    layout[:] = h5py.VirtualSource("secret.h5", "values", (2,))
    file.create_virtual_dataset("group/virtual", layout)


@pytest.mark.parametrize("reach_out", [external_link, external_data, virtual_data])
def test_hdf5_that_reads_other_files_is_refused(reach_out, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["values"] = [1.0, 2.0]
    path = tmp_path / "granule.h5"
    with h5py.File(path, "w") as file:
        file["values"] = [1.0, 2.0]
        file["soft"] = h5py.SoftLink("/values")
        reach_out(file)
    with pytest.raises(FormatMismatch, match=r"granule\.h5.*all data in the file itself.*group/"):
        files.open_netcdf(path)


def test_soft_and_hard_links_inside_a_file_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "granule.h5"
    with h5py.File(path, "w") as file:
        file["values"] = [1.0, 2.0]
        file["again"] = file["values"]
        file["dangling"] = h5py.SoftLink("/nowhere")
    files.require_self_contained(path)


def test_a_file_larger_than_any_granule_is_not_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_GRANULE_BYTES", 10)
    path = tmp_path / "large.h5"
    path.write_bytes(b"x" * 11)
    with (
        pytest.raises(UnreadableGranule, match=r"large\.h5.*at most 10 bytes.*found 11"),
        files.local_copy(str(path)),
    ):
        pass


def test_a_remote_file_is_not_copied_where_scratch_has_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import fsspec

    fs = fsspec.filesystem("memory")
    fs.pipe_file("/granules/a.h5", b"abc")
    with files.local_copy("memory://granules/a.h5") as path:
        assert path.read_bytes() == b"abc"
        assert path.name == "a.h5"
    assert not path.exists()
    monkeypatch.setattr(files, "SCRATCH_RESERVE_BYTES", 2**62)
    with (
        pytest.raises(TaskTooLarge, match=r"scratch for memory://granules/a\.h5.*TMPDIR"),
        files.local_copy("memory://granules/a.h5"),
    ):
        pass


@pytest.mark.parametrize("place", [0, 5, -1])
def test_an_axis_with_a_hole_is_refused_wherever_the_hole_is(place: int) -> None:
    whole = PRESETS["latlon-1.0"]
    lat = whole.y.copy()
    lat[place] = np.nan
    path = Path("granule.nc")
    with pytest.raises(GridMismatch, match=r"granule\.nc: .* found .*\(180,\), 179 of them"):
        native_grid.aligned_window(path, lat, whole.x, whole, south_first=False)
    with pytest.raises(GridMismatch, match=r"granule\.nc: .* found .*\(180,\), 179 of them"):
        native_grid.even_grid(lat, whole.x, path)
    with pytest.raises(GridMismatch, match="axes of one dimension"):
        native_grid.even_grid(*whole.lonlat[::-1], path)


def test_one_row_is_a_cut_of_a_declared_grid_but_tells_no_spacing() -> None:
    whole, path = PRESETS["latlon-1.0"], Path("granule.nc")
    cut = native_grid.aligned_window(path, whole.y[3:4], whole.x, whole, south_first=False)
    assert cut == whole.window(slice(3, 4), slice(None))
    with pytest.raises(GridMismatch, match=r"granule\.nc: expected two rows and two columns"):
        native_grid.even_grid(whole.y[3:4], whole.x, path)


def test_a_server_that_tells_no_size_is_named() -> None:
    class Silent(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.send_response(200)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(b"granule")

        do_GET = do_HEAD = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/a.nc"
        with pytest.raises(UnreadableGranule, match=r"a\.nc: .*Content-Length.*found none"):
            files.local_copy(url).__enter__()
        server.shutdown()
