"""What tests need of a real Kubernetes cluster, or the reason why they cannot have it."""

import os
from typing import Any

import pytest

from cluster import ClusterSpec

IMAGE = "SOILFT_IMAGE"


def spec(**changes: Any) -> ClusterSpec:
    """Describe a small cluster where KUBECONFIG leads; skip where there is none.

    Needed are the operator, one node, and the name of an image of this version in SOILFT_IMAGE.
    """
    if not os.environ.get("KUBECONFIG"):
        pytest.skip("needs a Kubernetes cluster: set KUBECONFIG")
    if not os.environ.get(IMAGE):
        pytest.skip(f"needs the name of an image that the cluster can pull: set {IMAGE}")
    pytest.importorskip("dask_kubernetes", reason="needs the extra kubernetes")
    given = {
        "kind": "kubernetes",
        "image": os.environ[IMAGE],
        "workers": 2,
        "cores": 0.2,
        "memory": "1GiB",
        "connect_timeout": 300.0,
        "egress": ("0.0.0.0/0:443", "0.0.0.0/0:8333"),
    }
    return ClusterSpec(**{**given, **changes})
