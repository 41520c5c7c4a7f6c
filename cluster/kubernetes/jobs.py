"""Unattended runs on Kubernetes: sent, followed, deleted. No machine here stays awake for them."""

# kr8s is typed in part only.
# mypy: disable-error-code="no-untyped-call"

import time
from collections.abc import Iterator

import kr8s
from kr8s.objects import (
    APIObject,
    ConfigMap,
    NetworkPolicy,
    Role,
    RoleBinding,
    Secret,
    ServiceAccount,
)

from cluster import certificates
from cluster.errors import ClusterError
from cluster.kubernetes import api, render
from cluster.kubernetes.pods import Manifest
from cluster.spec import ClusterSpec
from cluster.unattended import ENDED, JobState, job_exists, no_job


def manifests(spec: ClusterSpec, name: str, namespace: str, job: render.Job) -> list[Manifest]:
    """Give the objects of a job, in the order they are created; Secrets are only referred to."""
    return [
        *render.surroundings(spec, name, namespace, job),
        render.dask_job(spec, name, namespace, job),
    ]


def submit(spec: ClusterSpec, name: str, job: render.Job) -> str:
    """Send a job, in the place of one of the same name that has ended; give its namespace.

    Raises
    ------
    ClusterError
        ``cluster.job_exists`` where a job of this name has not ended, ``cluster.refused`` where
        the server refuses an object; nothing is left then.
    """
    namespace = api.default_namespace(spec.namespace)
    before = _find(name, namespace)
    if before is not None:
        found = _state(before)
        if found not in ENDED:
            raise job_exists(name, f"in {namespace}", f"one in the state {found}")
        _delete(before, name, namespace)
    objects = manifests(spec, name, namespace, job)
    if spec.tls:
        pair = certificates.make()
        objects.insert(0, render.certificates_secret(spec, name, namespace, pair.contents()))
    *around, created = api.create_all(objects)
    # What a job was given goes with it, however it is deleted.
    api.own(created, around)
    return namespace


def state(name: str, namespace: str | None = None) -> JobState:
    """Ask how a job is.

    Raises
    ------
    ClusterError
        ``cluster.no_job`` where there is none of this name.
    """
    namespace = api.default_namespace(namespace)
    job = _require(name, namespace)
    pods = api.pods_of(name, namespace)
    exit_code = None
    for pod in pods:
        if pod.labels.get("dask.org/component") == "job-runner":
            for container in pod.raw.get("status", {}).get("containerStatuses", []):
                exit_code = container.get("state", {}).get("terminated", {}).get("exitCode")
    return JobState(_state(job), exit_code, {pod.name: api.condition(pod) for pod in pods})


def logs(name: str, namespace: str | None = None, *, follow: bool = False) -> Iterator[str]:
    """Give the lines that the runner of a job has written, and with `follow` those to come.

    Raises
    ------
    ClusterError
        ``cluster.no_job`` where there is no such job, ``cluster.no_logs`` where its runner has not
        started.
    """
    namespace = api.default_namespace(namespace)
    _require(name, namespace)
    for pod in api.pods_of(name, namespace):
        if pod.labels.get("dask.org/component") != "job-runner":
            continue
        if pod.raw.get("status", {}).get("phase", "Pending") == "Pending":
            raise _no_logs(name, namespace)
        yield from pod.logs(container="runner", follow=follow)
        return
    raise _no_logs(name, namespace)


def cancel(name: str, namespace: str | None = None) -> str:
    """Delete a job with everything it was given; give the namespace. What is in the store stays.

    Raises
    ------
    ClusterError
        ``cluster.no_job`` where there is none of this name.
    """
    namespace = api.default_namespace(namespace)
    _delete(_require(name, namespace), name, namespace)
    return namespace


def _find(name: str, namespace: str) -> APIObject | None:
    try:
        return api.DaskJob.get(name, namespace=namespace)
    except kr8s.NotFoundError:
        return None


def _require(name: str, namespace: str) -> APIObject:
    job = _find(name, namespace)
    if job is None:
        raise no_job(name, f"in {namespace}")
    return job


def _state(job: APIObject) -> str:
    return str(job.raw.get("status", {}).get("jobStatus", "NotSeen"))


def _no_logs(name: str, namespace: str) -> ClusterError:
    return ClusterError(
        "cluster.no_logs",
        f"job {name} in {namespace}",
        expected="a runner that has started",
        found=api.conditions(name, namespace),
        remedy="Wait, or correct what the pods name.",
    )


def _delete(job: APIObject, name: str, namespace: str) -> None:
    """Delete a job and wait until its name is free."""
    api.delete(job)
    deadline = time.monotonic() + 60
    while _find(name, namespace) is not None:
        if time.monotonic() > deadline:
            raise ClusterError(
                "cluster.refused",
                f"job {name} in {namespace}",
                expected="to be gone a minute after it was deleted",
                found="it is still there",
                remedy="Look for finalizers: kubectl get daskjob -o yaml",
            )
        time.sleep(0.2)
    # The garbage collector takes these, too; but not before a job of the same name may come.
    for kind, called in (
        (NetworkPolicy, name),
        (ConfigMap, name),
        (RoleBinding, name),
        (Role, name),
        (ServiceAccount, name),
        (Secret, f"{name}-tls"),
    ):
        try:
            item = kind.get(called, namespace=namespace)
        except kr8s.NotFoundError:
            continue
        if item.labels.get("app.kubernetes.io/instance") == name:
            api.delete(item)
