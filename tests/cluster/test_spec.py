"""A cluster that cannot be is refused when it is described."""

import dataclasses
import pickle
import sys
from typing import Any

import pytest

import cluster
from cluster import ClusterError, ClusterSpec, registry


def test_memory_is_given_in_bytes() -> None:
    assert ClusterSpec(memory="4GiB").worker_memory_bytes == 4 * 2**30
    assert ClusterSpec(memory="800MB").worker_memory_bytes == 800_000_000


def test_a_spec_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ClusterSpec().workers = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "settings"),
    [
        ("workers", {"workers": 0}),
        ("threads", {"threads": 0}),
        ("memory", {"memory": "plenty"}),
        ("memory", {"memory": "4"}),
        ("memory", {"memory": "-4GiB"}),
        ("connect_timeout", {"connect_timeout": 0}),
        ("connect_timeout", {"connect_timeout": float("nan")}),
        ("address", {"kind": "address"}),
        ("address", {"kind": "local", "address": "tcp://127.0.0.1:8786"}),
        ("address", {"kind": "address", "address": "127.0.0.1:8786"}),
        ("cores", {"cores": 0.0}),
        ("idle_timeout", {"idle_timeout": 0.0}),
        ("spot", {"spot": "sometimes"}),
        ("image", {"kind": "kubernetes"}),
        ("name", {"name": "Uppercase"}),
        ("name", {"name": "ends-with-"}),
        ("name", {"name": "x" * 41}),
        ("environment", {"environment": (("AWS_SECRET_ACCESS_KEY", "hidden"),)}),
        ("egress", {"egress": ("the store",)}),
    ],
)
def test_a_wrong_field_is_named(field: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ClusterError) as refused:
        ClusterSpec(**settings)
    assert refused.value.code == "cluster.invalid_spec"
    assert refused.value.thing == f"cluster {field}"


def test_a_secret_is_refused_and_not_shown() -> None:
    with pytest.raises(ClusterError) as refused:
        ClusterSpec(environment=(("MY_TOKEN", "very-hidden"),))
    assert "MY_TOKEN" in str(refused.value)
    assert "very-hidden" not in str(refused.value)


def test_a_worker_has_as_many_cores_as_threads_unless_told() -> None:
    assert ClusterSpec(threads=2).worker_cores == 2
    assert ClusterSpec(threads=1, cores=1.5).worker_cores == 1.5


@pytest.mark.parametrize("kind", ["kubernetes", "coiled"])
def test_a_missing_vendor_package_names_its_extra(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(sys.modules):
        if name.startswith(("cluster.kubernetes", "cluster.on_coiled")):
            monkeypatch.delitem(sys.modules, name)
    for name in ("dask_kubernetes", "kr8s", "coiled"):
        # What the import system does for a package that is not there.
        monkeypatch.setitem(sys.modules, name, None)
    spec = ClusterSpec(kind=kind, image="registry/soilft:test")
    with pytest.raises(ClusterError, match=rf"pip install 'soilft\[{kind}\]'") as refused:
        cluster.start(spec)
    assert refused.value.code == "cluster.missing_extra"


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(ClusterError, match=r"one of: .*address.*local") as refused:
        ClusterSpec(kind="mainframe")
    assert refused.value.code == "cluster.unknown_kind"
    assert "'mainframe'" in str(refused.value)


def test_the_module_of_a_kind_is_imported_only_when_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(registry.MODULES, "vendor", "a_package_nobody_installed")
    spec = ClusterSpec(kind="vendor")
    with pytest.raises(ModuleNotFoundError, match="a_package_nobody_installed"):
        cluster.start(spec)


def test_an_error_keeps_its_parts_between_processes() -> None:
    error = ClusterError("cluster.memory", "memory", expected="2", found="3", remedy="Lower it.")
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.thing, again.remedy) == ("cluster.memory", "memory", "Lower it.")
    assert str(again) == str(error)
