"""Policies of cluster/policies on the S3 server of the tests, which enforces them as they stand.

SeaweedFS takes them as the policy of the bucket: each statement gets the guest as its principal,
and nothing else is changed. It tells s3:PutObject from s3:DeleteObject. Unlike AWS it answers 404
for an object that is not there, whether or not the bucket may be listed.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from tests.conftest import forget_s3
from tests.support.seaweed import GUEST, S3Server

POLICIES = Path(__file__).parents[2] / "cluster" / "policies"
PRINCIPAL = {"AWS": f"arn:aws:iam::000000000000:user/{GUEST}"}


def policy(name: str) -> dict[str, Any]:
    """A policy that ships with soilft, with its placeholders."""
    value: dict[str, Any] = json.loads((POLICIES / f"{name}.json").read_text())
    return value


def without(policy: dict[str, Any], action: str, resource: str) -> dict[str, Any]:
    """The policy without one action on one resource; both have to be in it."""
    statements, taken = [], 0
    for statement in policy["Statement"]:
        if action in statement["Action"] and resource in statement["Resource"]:
            taken += 1
            rest = [name for name in statement["Action"] if name != action]
            others = [name for name in statement["Resource"] if name != resource]
            statements += [
                {**statement, "Action": [action], "Resource": others},
                {**statement, "Action": rest},
            ]
        else:
            statements.append(statement)
    assert taken == 1, (action, resource)
    return {**policy, "Statement": [s for s in statements if s["Action"] and s["Resource"]]}


@contextmanager
def limited(server: S3Server, store: str, policy: dict[str, Any]) -> Iterator[None]:
    """Be the guest for the length of a block, with the rights of a policy on a store."""
    prefix = store.removeprefix(f"s3://{server.bucket}/")
    text = json.dumps(policy).replace("BUCKET", server.bucket).replace("STORE", prefix)
    granted = json.loads(text)
    for statement in granted["Statement"]:
        statement.pop("Sid", None)
        statement["Principal"] = PRINCIPAL
    client = server.client()
    client.put_bucket_policy(Bucket=server.bucket, Policy=json.dumps(granted))
    endpoint = {"AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"]}  # a proxy stays where it is
    try:
        with mock.patch.dict(os.environ, {**server.guest_environment(), **endpoint}):
            forget_s3()
            yield
            forget_s3()
    finally:
        forget_s3()
        client.delete_bucket_policy(Bucket=server.bucket)
        client.close()
