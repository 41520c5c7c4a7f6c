"""What a pattern finds on this machine: all that the shell finds, links and loops included."""

import glob
import os
from pathlib import Path

import pytest

from soilft.store.matching import files_below, matches


@pytest.fixture
def spread(tmp_path: Path) -> Path:
    """An archive over two disks, by links of files, of folders, and of links."""
    root, disk = tmp_path / "archive", tmp_path / "disk"
    for path in (
        root / "2015/a.nc4",
        root / "2015/.hidden.nc4",
        root / "b.nc4",
        disk / "2016/c.nc4",
        disk / "2016/06/d.nc4",
        disk / "e.nc4",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    (root / "2016").symlink_to(disk / "2016")
    (root / "e.nc4").symlink_to("again.nc4")
    (root / "again.nc4").symlink_to(disk / "e.nc4")
    return root


@pytest.mark.parametrize(
    "pattern",
    [
        "*.nc4", "*/*.nc4", "**/*.nc4", "2016/**/*.nc4", "**/06/*", "201[56]/?.nc4", "2016/c.nc4",
        "201[!5]/*", "2016/../201*/*.nc4", "*", "2016", "none/*.nc4", "b.nc4/*", "//2016//*.nc4",
    ],
)  # fmt: skip
def test_a_pattern_finds_what_the_shell_finds(spread: Path, pattern: str) -> None:
    full = f"{spread}/{pattern}"
    expected = {os.path.normpath(p) for p in glob.glob(full, recursive=True, include_hidden=True)}  # noqa: PTH207
    found = matches(full)
    assert {os.path.normpath(match.path) for match in found} == expected
    for match in found:
        assert match.url == match.path
        assert match.kind == ("folder" if Path(match.path).is_dir() else "file")


def test_a_link_has_the_size_and_the_time_of_its_file(spread: Path, tmp_path: Path) -> None:
    os.utime(tmp_path / "disk/e.nc4", (0, 1234.5))
    (found,) = matches(f"file://{spread}/e.nc4")
    assert (found.url, found.kind, found.size, found.stamp) == (
        f"{spread}/e.nc4", "file", 5, "1234.5"
    )  # fmt: skip


def test_loops_of_links_end_and_nothing_is_found_twice(spread: Path, tmp_path: Path) -> None:
    plain = {match.path for match in files_below(str(spread))}
    (spread / "2015/up").symlink_to("..")
    (spread / "2015/next").symlink_to("../2016")
    (tmp_path / "disk/2016/before").symlink_to(spread / "2015")
    (tmp_path / "disk/2016/self").symlink_to(".")
    # Each links to all: without an end there are more ways through these than can be walked.
    for i in range(12):
        (spread / f"web{i}").mkdir()
        for j in range(12):
            (spread / f"web{i}/{j}").symlink_to(f"../web{j}")
    (spread / "web7/x.nc4").touch()
    found = [os.path.realpath(match.path) for match in files_below(str(spread))]
    files = {os.path.realpath(path) for path in plain} | {str(spread / "web7/x.nc4")}
    assert set(found) == files
    assert len(found) == len(plain) + 1
    assert {os.path.realpath(m.path) for m in matches(f"{spread}/**/*.nc4")} == files


@pytest.mark.parametrize("pattern", ["*/*.nc4", "**/*.nc4", "gone/*.nc4", "**/*", "go*"])
@pytest.mark.parametrize("target", ["/nowhere/2017", "gone", "b.nc4/through-a-file"])
def test_a_link_that_leads_nowhere_is_given_where_it_stands_in_the_way(
    spread: Path, pattern: str, target: str
) -> None:
    (spread / "gone").symlink_to(target)
    found = [match for match in matches(f"{spread}/{pattern}") if match.kind == "nothing"]
    assert [match.path for match in found] == [f"{spread}/gone"]


def test_a_link_that_leads_nowhere_elsewhere_is_no_match(spread: Path) -> None:
    (spread / "gone").symlink_to("/nowhere/2017")
    assert all(match.kind != "nothing" for match in matches(f"{spread}/*.nc4"))
    assert all(match.kind != "nothing" for match in matches(f"{spread}/2016/*.nc4"))


def test_other_file_systems_are_asked_by_the_same_call() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe_file("/matching/2016/a.nc4", b"123")
    (found,) = matches("memory://matching/**/*.nc4")
    assert (found.url, found.kind, found.size) == ("memory:///matching/2016/a.nc4", "file", 3)
