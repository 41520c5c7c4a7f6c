"""The operator's own resource definitions as strict schemas: an unknown field is an error.

A server drops fields it does not know, or refuses them where it is asked to; so a misspelt field is
found here, not in a cluster that lacks what was meant.
"""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator


@cache
def validator(kind: str) -> Draft202012Validator:
    """Give the validator of a kind of the group ``kubernetes.dask.org``."""
    import dask_kubernetes.operator as operator

    # `customresources/` beside it holds templates that are not resolved.
    folder = Path(operator.__file__).parent / "deployment/helm/dask-kubernetes-operator/crds"
    (definition,) = [
        d for d in yaml.safe_load_all((folder / f"{kind.lower()}.yaml").read_text()) if d
    ]
    assert definition["spec"]["names"]["kind"] == kind
    (version,) = definition["spec"]["versions"]
    schema = strict(version["schema"]["openAPIV3Schema"])
    for name, kind_of in {"apiVersion": "string", "kind": "string", "metadata": "object"}.items():
        schema["properties"][name] = {"type": kind_of}
    return Draft202012Validator(schema)


def errors(manifest: dict[str, Any]) -> list[str]:
    """Give what is wrong with an object, each with its path."""
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in validator(manifest["kind"]).iter_errors(manifest)
    ]


def strict(schema: Any) -> Any:
    """Turn a structural schema of Kubernetes into a JSON schema that allows no unknown field."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items() if key != "format"}
    if made.pop("x-kubernetes-int-or-string", False):
        made["type"] = ["integer", "string"]
    if made.pop("nullable", False) and "type" in made:
        made["type"] = [made["type"], "null"] if isinstance(made["type"], str) else made["type"]
    closed = (
        made.get("type") == "object"
        and isinstance(made.get("properties"), dict)
        and "additionalProperties" not in made
        and not made.get("x-kubernetes-preserve-unknown-fields")
    )
    return {**made, "additionalProperties": False} if closed else made
