"""What region files may not say: each error names file, line and key, and ends with exit code 2."""

from datetime import date
from pathlib import Path

import pytest

from pipelines.cli import clusters
from pipelines.config.as_written import read
from pipelines.config.region_file import Config, load, shipped
from soilft.errors import ConfigError
from tests.support.command import soilft

LINES = """title: t
store: out
region: {name: r, grid: latlon-0.25, bounds: [90, 32, 94, 35]}
period: {start: 2015-10-01, end: 2015-10-12}
inputs:
  amsr2: {product: amsr2-l3-25km, granules: /nowhere/*.h5}
  smos:
    product: smos-l3-ft
    granules: /nowhere/*.nc
label: {input: smos, overpasses: [AM, PM], reference_overpass: AM}
forest: {n_estimators: 500}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "r.yaml"


def loaded(path: Path, old: str = "", new: str = "") -> Config:
    assert old in LINES
    path.write_text(LINES.replace(old, new), encoding="utf-8")
    return load(path)


def refused(path: Path, old: str, new: str) -> str:
    with pytest.raises(ConfigError) as error:
        loaded(path, old, new)
    found = str(error.value)
    assert found.startswith(f"{path}: ")
    assert "\n" not in found
    assert "datetime" not in found
    return found.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("forest: {seed: 1}", "line 12, forest: given twice, first on line 11"),
        ("annual: {seed: 1, draws: 30, seed: 2}", "line 11, annual.seed: given twice"),
        ("annual: {'seed': 1, seed: 2}", "line 11, annual.seed: given twice"),
        (
            "simulation: {spans: [{start: 2015-10-01, start: 2015-10-02}]}",
            "line 11, simulation.spans.0.start: given twice, first on line 11",
        ),
        ("metadata: {contributors: {1: a, '1': b}}", "metadata.contributors.1: given twice"),
    ],
)
def test_a_key_given_twice_is_refused_at_any_depth(path: Path, line: str, words: str) -> None:
    assert words in refused(path, "forest:", f"{line}\nforest:")


def test_an_input_given_twice_is_refused(path: Path) -> None:
    said = refused(path, "  smos:\n", "  amsr2: {product: dem, granules: x}\n  smos:\n")
    assert said == "line 7, inputs.amsr2: given twice, first on line 6. Keep one"


@pytest.mark.parametrize(
    "day", ["2015-02-29", "2015-02-30", "2015-09-31", "2015-13-01", "'2015-02-30'", "0000-01-01"]
)
def test_a_day_that_does_not_exist_is_refused(path: Path, day: str) -> None:
    bare = day.strip("'")
    assert refused(path, "2015-10-01", day) == (
        "line 4, period.start: expected a day such as 2015-10-31, "
        f"found {bare}, which does not exist"
    )


@pytest.mark.parametrize(
    "day",
    [
        *("2015-10-01 12:00:00", "2015-10-01T00:00:00Z", "2015-10-1", "2015-10"),
        *("20151001", "'20151001'", "1443657600", "2015-W40-4", "2015", "true", "{a: 1}", "[1]"),
    ],
)
def test_what_is_more_or_less_than_a_day_is_refused(path: Path, day: str) -> None:
    said = refused(path, "2015-10-12", day)
    assert said.startswith("line 4, period.end: expected a day such as 2015-10-31")


def test_days_are_taken_plain_quoted_and_as_values(path: Path) -> None:
    days = loaded(path).days
    assert (days.first, days.last) == (date(2015, 10, 1), date(2015, 10, 12))
    assert loaded(path, "2015-10-01", "'2015-10-01'").days == days
    period = {"start": date(2015, 10, 1), "end": date(2015, 10, 12)}
    assert load(path, {"period": period}).days == days
    assert "line 4, period: end 2015-09-01 lies before start 2015-10-01" in refused(
        path, "2015-10-12", "2015-09-01"
    )


@pytest.mark.parametrize("number", ["010", "08", "00", "-07", "+010"])
def test_a_number_with_two_meanings_is_refused(path: Path, number: str) -> None:
    said = refused(path, "500", number)
    assert said.startswith(f"line 11, forest.n_estimators: {number} may be octal, decimal or a")
    assert f"write '{number}', in quotes, where a name is meant, {int(number)} where" in said


def test_names_of_digits_are_taken_in_quotes_and_explained_without(path: Path) -> None:
    granules = "/nowhere/*.h5"
    assert "line 6, inputs.amsr2.bands.0: 06 may be" in refused(
        path, granules, f"{granules}, bands: [06, 10]"
    )
    assert "line 6, inputs.amsr2.bands.1: expected text, found the number 10. Write" in refused(
        path, granules, f"{granules}, bands: ['06', 10]"
    )
    config = loaded(path, granules, f"{granules}, bands: ['06', '10']")
    assert config.inputs["amsr2"].model_dump()["bands"] == ("06", "10")
    tiles = "  hills:\n    product: dem-gmted2010\n    granules: x\n    resolution: "
    assert "line 10, inputs.hills.resolution: 075 may be" in refused(
        path, "  smos:\n", f"{tiles}075\n  smos:\n"
    )
    loaded(path, "  smos:\n", f"{tiles}'075'\n  smos:\n")


def test_plain_words_are_text_where_yaml_of_old_guesses(path: Path) -> None:
    for word in ("no", "NO", "2015-10-01", "12:30", "1_0", "0x10", "="):
        assert loaded(path, "title: t", f"title: {word}").title == word
    assert loaded(path, "500", "1_000").forest.n_estimators == 1000
    assert loaded(path, "forest: {", "forest: {per_era: yes, ").forest.per_era
    assert "line 11, forest.n_estimators: " in refused(path, "500", "1:30")
    assert "found the number 2015. Write it in quotes" in refused(path, "title: t", "title: 2015")


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-16", "line 1: expected UTF-8, found UTF-16"),
        ("utf-16-le", "line 8: expected UTF-8, found UTF-16"),
        ("latin-1", "line 8: expected UTF-8, found the byte 0xf6 after '    product: sm'"),
        ("cp1252", "line 8: expected UTF-8, found the byte 0xf6 after '    product: sm'"),
    ],
)
def test_another_encoding_is_refused(path: Path, encoding: str, found: str) -> None:
    path.write_bytes(LINES.replace(": smos-", ": sm\u00f6s-").encode(encoding))
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(error.value) == f"{path}: {found}. Save the file as UTF-8."


def test_utf_8_is_taken_with_its_mark_and_without(path: Path) -> None:
    text = LINES.replace("title: t", "title: K\u00f6ln \u2103")
    for encoding in ("utf-8", "utf-8-sig"):
        path.write_bytes(text.encode(encoding))
        assert load(path).title == "K\u00f6ln \u2103"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("store: out", "store: 's3://b/a::b'", "line 2, store"),
        ("/nowhere/*.nc", "simplecache::s3://bucket/*.nc", "line 9, inputs.smos.granules"),
        ("/nowhere/*.nc", "[/a/*.nc, '/b::c/*.nc']", "line 9, inputs.smos.granules"),
        ("35]}", "35], mask: 'a::b'}", "line 3, region.mask"),
        ("forest:", "quality: {lakes: 'a::b'}\nforest:", "line 11, quality.lakes"),
        ("forest:", "simulation: {truth: 'a::b'}\nforest:", "line 11, simulation.truth"),
        (
            "forest:",
            "simulation: {direct: true, ground: 'a::b'}\nforest:",
            "line 11, simulation.ground",
        ),
    ],
)
def test_a_chain_of_file_systems_is_refused(path: Path, old: str, new: str, key: str) -> None:
    assert refused(path, old, new).startswith(f"{key}: expected one path or URL, found ::")


def test_a_refused_url_is_not_shown_with_what_the_environment_gave(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHIVE", "https://user:canary@a::b")
    assert "canary" not in refused(path, "/nowhere/*.nc", "${ARCHIVE}/*.nc")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("/nowhere/*.nc", "https://user:canary@example.org/*.nc", "inputs.smos.granules"),
        ("/nowhere/*.nc", "[a, 'https://a.org/b.nc?X-Amz-Signature=canary']", "smos.granules.1"),
        (
            "/nowhere/*.nc",
            "x\n    storage_options: {secret: canary}",
            "storage_options: unknown key",
        ),
        ("/nowhere/*.nc", "x\n    aws_secret_access_key: canary", "access_key: unknown key"),
        ("/nowhere/*.nc", "x\n    endpoint: 'http://user:canary@host'", "inputs.smos.endpoint"),
        ("smos-l3-ft", "'s3://user:canary@host'", "inputs.smos.product"),
    ],
)
def test_a_secret_in_the_file_is_refused_by_its_key_and_not_shown(
    path: Path, old: str, new: str, key: str
) -> None:
    said = refused(path, old, new)
    assert key in said
    assert "canary" not in said


@pytest.mark.parametrize(
    "url", ["s3://user:canary@bucket/a", "https://a.org/?X-Amz-Signature=canary"]
)
def test_a_store_with_a_secret_is_refused_without_echo(
    path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    path.write_text(LINES)
    for words in (
        ("status", path, "--store", url),
        ("publish", path, "--store", url),
        ("run", path, "--scheduler", url.replace("s3:", "tcp:")),
        ("view", url),
        ("export", url, "out.nc"),
    ):
        done = soilft(*words, code=2)
        assert "Credentials belong in the environment or a profile" in done.stderr
        assert "canary" not in done.stdout + done.stderr


def test_a_variable_that_is_not_set_is_named_with_how_to_set_it(path: Path) -> None:
    assert refused(path, "/nowhere/*.nc", "[a, '${NOT_SET}/x']") == (
        "line 9, inputs.smos.granules.1: expected the environment variable NOT_SET, found not set. "
        "Set it: export NOT_SET=..."
    )


@pytest.mark.parametrize(
    ("found", "near"),
    [
        ("smos-l3", "smos-l3-ft"),
        ("gldas", "gldas-noah-025-3h"),
        ("GLDAS_NOAH025_3H", "gldas-noah-025-3h"),
        ("amsr2_l3_25km", "amsr2-l3-25km"),
        ("smap", "smap-l3-ft-36km or smap-l3-ft-9km"),
        ("Copernicus", "dem-copernicus-glo30 or dem-copernicus-glo90"),
    ],
)
def test_the_nearest_product_is_named(path: Path, found: str, near: str) -> None:
    said = refused(path, "smos-l3-ft", found)
    assert said.startswith("line 8, inputs.smos.product: expected one of amsr2-")
    assert said.endswith(f"found {found}; perhaps {near} is meant")
    for word in ("zzz", "''", "m"):
        assert "perhaps" not in refused(path, "smos-l3-ft", word)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("input: smos", "input: x", "line 10, label.input: expected one of"),
        ("forest:", "forests: {}\nforest:", "line 11, forests: unknown key"),
        ("    product: smos-l3-ft\n", "", "line 7, inputs.smos.product: missing key"),
        ("forest:", "features: {groups: [x]}\nforest:", "line 11, features.groups: expected"),
        ("title: t", "title: !ENV t", "line 1, title: expected a value without a tag, found !ENV"),
        ("500", "!!int x", "line 11, forest.n_estimators: expected a value without a tag"),
        ("title: t", "title: {{x}}", "line 1, title: expected a name before the colon"),
        ("  smos", "\tsmos", "line 7: no YAML: "),
        ("title: t", "title: t\0", "line 1: expected UTF-8, found the character U+0000"),
        ("label:", "...\n---\nlabel:", "line 12: expected one document, found a second one"),
        (LINES, "- a\n", "expected keys and values, found a list at the top"),
        (LINES, "# a\n", "expected keys and values, found nothing at the top"),
        (LINES, "a", "expected keys and values, found the value 'a' at the top"),
    ],
)
def test_every_other_fault_is_told_with_its_line(
    path: Path, old: str, new: str, words: str
) -> None:
    assert refused(path, old, new).startswith(words)


def test_what_is_wrong_with_the_writing_is_told_at_once(path: Path) -> None:
    said = refused(path, "500}", "010, seed: 1, seed: 2}")
    assert "forest.n_estimators: 010" in said
    assert "; line 11, forest.seed: given twice" in said


def test_what_a_command_gives_instead_stands_on_no_line(path: Path) -> None:
    loaded(path)
    with pytest.raises(ConfigError, match=r"r\.yaml: store: expected one path"):
        load(path, {"store": "a::b"})


def test_anchors_are_repeated_and_merged_and_own_keys_count_first(path: Path) -> None:
    path.write_text(
        "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: *a\nd: {z: 3, <<: [*a, *b]}\ne: {<<: *b}\n"
    )
    values = read(path).values
    assert values["c"] == values["a"]
    assert values["d"] == {"y": 1, "z": 3, "x": 1}
    assert values["e"] == values["b"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a: &a {x: *a}", "line 1, a.x: expected a value, found one that holds itself"),
        ("a: &a [*a]", "line 1, a.0: expected a value, found one that holds itself"),
        ("a: *a", "line 1: no YAML: found undefined alias 'a'"),
        ("a: {<<: 1}", "line 1, a.<<: expected a section to merge, found none"),
        ("a: {<<: {x: 1}, <<: {x: 2}}", "line 1, a.<<: given twice"),
    ],
)
def test_an_anchor_that_cannot_be_followed_is_refused(path: Path, line: str, words: str) -> None:
    path.write_text(line)
    with pytest.raises(ConfigError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: {words}")


def test_a_folder_is_no_region_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a YAML file, found no file"):
        load(tmp_path)


def test_a_profile_of_clusters_is_read_as_a_region_file_is(path: Path) -> None:
    path.write_text("workers: 1\nworkers: 2\n")
    section = load(shipped("tibet-simulated")).cluster
    with pytest.raises(ConfigError, match="line 2, workers: given twice, first on line 1"):
        clusters.chosen(section, str(path))


@pytest.mark.parametrize("command", [("run", "--dry-run"), ("status",), ("validate",)])
def test_a_command_says_it_in_one_line_and_ends_with_2(path: Path, command: tuple[str]) -> None:
    path.write_bytes(LINES.replace("2015-10-01", "2015-02-30").encode())
    said = soilft(command[0], path, *command[1:], code=2).stderr
    assert said.startswith(f"error[config]: {path}: line 4, period.start: expected a day")
    assert said.count("\n") == 1
    path.write_bytes(LINES.encode("utf-16"))
    assert soilft(command[0], path, *command[1:], code=2).stderr.count("\n") == 1
