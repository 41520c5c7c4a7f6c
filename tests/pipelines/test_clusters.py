"""Which setting of a cluster counts where several places say something."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cluster import ClusterError, ClusterSpec
from pipelines.cli.clusters import chosen
from pipelines.config.cluster import ClusterSection
from soilft.errors import ConfigError

IMAGE = "registry/soilft:test"


def test_every_field_of_a_cluster_is_a_key_with_its_default_but_for_a_laptops() -> None:
    assert set(ClusterSection.model_fields) == {f.name for f in fields(ClusterSpec)} | {"profile"}
    assert ClusterSection().spec() == ClusterSpec(workers=2, memory="3GiB", dashboard=True)


@pytest.mark.parametrize(
    ("given", "key", "words"),
    [
        ({"tolerations": [{"key": "gpu", "efect": "NoSchedule"}]}, "efect", "not permitted"),
        ({"tolerations": [{}]}, "key", "required"),
        ({"nodes": 3}, "nodes", "not permitted"),
        ({"cores": 0}, "cores", "greater than 0"),
        ({"workers": 0}, "workers", "greater than or equal to 1"),
        ({"spot": "always"}, "spot", "'never', 'fallback' or 'only'"),
    ],
)
def test_a_wrong_setting_is_told_with_its_key(given: dict[str, Any], key: str, words: str) -> None:
    with pytest.raises(ValidationError) as error:
        ClusterSection.model_validate(given)
    (problem,) = error.value.errors()
    assert problem["loc"][-1] == key
    assert words in problem["msg"]


def test_without_anything_the_defaults_of_a_region_file_count() -> None:
    spec = chosen(ClusterSection())
    assert (spec.kind, spec.workers, spec.memory) == ("local", 2, "3GiB")


def test_the_region_file_wins_over_the_profile_it_names() -> None:
    section = ClusterSection(profile="kubernetes-spot", image=IMAGE, workers=3)
    spec = chosen(section)
    assert (spec.kind, spec.workers, spec.spot) == ("kubernetes", 3, "fallback")


def test_the_profile_of_the_command_line_wins_over_the_region_file() -> None:
    section = ClusterSection(workers=2, memory="1GiB", image=IMAGE, namespace="ice")
    spec = chosen(section, "kubernetes-small")
    assert (spec.workers, spec.memory, spec.namespace) == (4, "4GiB", "ice")


def test_options_win_over_everything() -> None:
    section = ClusterSection(image=IMAGE)
    spec = chosen(section, "kubernetes-small", {"workers": 7, "memory": None})
    assert (spec.kind, spec.workers, spec.memory) == ("kubernetes", 7, "4GiB")


def test_a_scheduler_is_joined_whatever_the_file_says() -> None:
    spec = chosen(ClusterSection(workers=2), None, {"address": "tls://10.0.0.5:8786"})
    assert (spec.kind, spec.address) == ("address", "tls://10.0.0.5:8786")


def test_another_kind_forgets_the_address_of_the_file() -> None:
    section = ClusterSection(kind="address", address="tcp://10.0.0.5:8786")
    assert chosen(section, "laptop").address is None


def test_a_job_finds_its_scheduler_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tls://job-scheduler.ice.svc:8786")
    assert chosen(ClusterSection(), "address").address == "tls://job-scheduler.ice.svc:8786"
    assert chosen(ClusterSection()).kind == "local"


def test_the_image_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOILFT_IMAGE", "registry/from-environment:1")
    assert chosen(ClusterSection(), "kubernetes-small").image == "registry/from-environment:1"
    assert chosen(ClusterSection(image=IMAGE), "kubernetes-small").image == IMAGE


def test_kubernetes_without_an_image_says_where_to_give_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SOILFT_IMAGE", raising=False)
    with pytest.raises(ClusterError, match="SOILFT_IMAGE"):
        chosen(ClusterSection(), "kubernetes-small")


def test_a_wrong_key_of_a_profile_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("kind: local\nworkres: 3\n")
    with pytest.raises(ConfigError, match="workres"):
        chosen(ClusterSection(), str(path))
