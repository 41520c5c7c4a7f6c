"""Plain manifests for those who deploy without Python; ``make manifests`` writes them.

They are what `render` gives for the profile ``kubernetes-small``, with a name, a namespace and an
image to be replaced.
"""

from importlib.metadata import version
from pathlib import Path

from cluster import profiles
from cluster.kubernetes import render
from cluster.spec import ClusterSpec

FOLDER = Path(__file__).parent / "manifests"
NAME = NAMESPACE = "soilft"
IMAGE = f"registry.example.org/soilft:{version('soilft')}-py3.13"
STORE_SECRET = "soilft-store"  # noqa: S105  the name of an object, not a secret

_CERTIFICATES = f"""\
# Written by `make manifests`; a test holds them equal to what soilft renders.
# Replace {IMAGE}, and `namespace: {NAMESPACE}` where it is not yours. Needed before:
#   the Dask operator;
#   Secret {NAME}-tls with ca.crt, tls.crt and tls.key, for scheduler, workers and clients;
#   Secret {STORE_SECRET} with the store's credentials as variables, such as AWS_ACCESS_KEY_ID.
"""
_JOB = f"""\
#   ConfigMap {NAME} with the region file and the settings beside this file:
#     kubectl create configmap {NAME} --namespace {NAMESPACE} \\
#       --from-file=region.yaml=my-region.yaml --from-file=cluster.yaml=settings.yaml
"""


def files() -> dict[str, str]:
    """Give the text of each manifest by file name."""
    settings = {**profiles.load("kubernetes-small"), "image": IMAGE, "secrets": (STORE_SECRET,)}
    spec = ClusterSpec(**settings)
    job = render.Job(region_file="")
    cluster = [
        *render.surroundings(spec, NAME, NAMESPACE),
        render.dask_cluster(spec, NAME, NAMESPACE),
    ]
    *around, files_of_run = render.surroundings(spec, NAME, NAMESPACE, job)
    unattended = [*around, render.dask_job(spec, NAME, NAMESPACE, job)]
    return {
        "cluster.yaml": _CERTIFICATES + render.to_yaml(cluster),
        "job.yaml": _CERTIFICATES + _JOB + render.to_yaml(unattended),
        "settings.yaml": files_of_run["data"][render.CLUSTER_FILE],
    }


def main() -> None:
    """Write the manifests into their folder."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
