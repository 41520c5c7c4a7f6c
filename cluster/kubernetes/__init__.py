"""Dask on Kubernetes, by the operator of dask-kubernetes.

`render` makes the objects and needs no package of the vendor; `interactive` starts a cluster for
the length of a ``with`` block; `jobs` applies, follows and deletes an unattended job.
"""
