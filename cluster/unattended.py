"""States and refusals of unattended runs, the same wherever they go."""

from dataclasses import dataclass

from cluster.errors import ClusterError

#: States of a job after which nothing more happens.
ENDED = ("Successful", "Failed")


@dataclass(frozen=True)
class JobState:
    """How a job is.

    Parameters
    ----------
    state
        ``Running``, ``Successful`` or ``Failed``; on Kubernetes also what else the operator says:
        ``JobCreated``, ``ClusterCreated``, and ``NotSeen`` where it said nothing yet.
    exit_code
        How the run ended, with the meaning of the command's exit codes; None while it runs, and
        where it was ended before it could tell.
    parts
        How each pod or process is, by name.
    """

    state: str
    exit_code: int | None
    parts: dict[str, str]


def job_exists(name: str, where: str, found: str) -> ClusterError:
    """Give the error of a job whose name another one has that has not ended."""
    return ClusterError(
        "cluster.job_exists",
        f"job {name} {where}",
        expected="none of this name, or one that has ended",
        found=found,
        remedy="Follow it with soilft logs, or end it with soilft cancel, with the same --on.",
    )


def no_job(name: str, where: str) -> ClusterError:
    """Give the error of a job that is not there."""
    return ClusterError(
        "cluster.no_job",
        f"job {name} {where}",
        expected="a job of this name",
        found="none",
        remedy="Send it with soilft submit; jobs that ended stay until they are cancelled. "
        "Where it was sent is said by --on.",
    )
