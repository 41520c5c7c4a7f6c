"""Dask on Kubernetes, by the operator of dask-kubernetes.

- `pods`: specifications of pods.
- `render`: objects of a cluster or a job, without any package of the vendor.
- `plain`: the same as manifests for those who deploy without Python.
- `api`: requests to the API server.
- `interactive`: a cluster for the length of a ``with`` block.
- `jobs`: unattended runs, sent, followed and deleted.
"""
