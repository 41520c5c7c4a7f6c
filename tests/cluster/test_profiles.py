"""Profiles that ship are complete, and one that is not there is refused by name."""

from pathlib import Path

import pytest

from cluster import ClusterError, profiles
from cluster.registry import MODULES
from pipelines.cli.clusters import chosen
from pipelines.config.cluster import ClusterSection


@pytest.mark.parametrize("name", profiles.names())
def test_every_profile_makes_a_cluster(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOILFT_IMAGE", "registry/soilft:test")
    spec = chosen(ClusterSection(), name)
    assert spec.kind == profiles.load(name)["kind"]
    assert spec.workers == profiles.load(name)["workers"]
    assert spec.kind == "local" or spec.image == "registry/soilft:test"


def test_the_profiles_that_are_promised_ship() -> None:
    assert profiles.names() == ["coiled", "kubernetes-small", "kubernetes-spot", "laptop"]


def test_spot_machines_only_where_the_profile_says() -> None:
    spots = {name: profiles.load(name).get("spot", "never") for name in profiles.names()}
    assert spots == {
        "coiled": "fallback",
        "kubernetes-small": "never",
        "kubernetes-spot": "fallback",
        "laptop": "never",
    }


@pytest.mark.parametrize("kind", sorted(set(MODULES) - set(profiles.names())))
def test_a_bare_kind_is_a_profile(kind: str) -> None:
    assert profiles.load(kind) == {"kind": kind}


@pytest.mark.parametrize("text", [None, "a: [", "- a list"])
def test_an_unusable_profile_is_refused_by_name(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "mine.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ClusterError, match=r"mine\.yaml.*kubernetes-small") as refused:
        profiles.load(str(path))
    assert refused.value.code == "cluster.unknown_profile"
