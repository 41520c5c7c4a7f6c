"""JSON Schemas of STAC's extensions, without the network: where they come from, and the validator.

The core's schemas come with pystac. The extensions' stand in no wheel, but the source archives of
pystac's own extension packages hold the published schemas, in the recorded answers of their tests.
``python -m tests.contract.stac_schemas`` takes them from there (`make test` does it first) and lays
them below `FOLDER`, each under the path of its own identifier. A folder of the same layout that
``SOILFT_STAC_SCHEMAS`` names is used in its place.

No package has the schema of the extension zarr. ``stac/zarr.json`` is ours, for the fields that we
write; where the folder has the official one, too, documents are held against both.
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pystac
import pytest
import yaml
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from soilft.release.stac import EXTENSIONS

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("SOILFT_STAC_SCHEMAS", ROOT / ".venv" / "stac-schemas"))
PACKAGES = ("pystac-ext-datacube", "pystac-ext-scientific", "pystac-ext-version")
OURS = json.loads((Path(__file__).parent / "stac" / "zarr.json").read_text())
TYPES = {
    "Catalog": pystac.STACObjectType.CATALOG,
    "Collection": pystac.STACObjectType.COLLECTION,
}


def place(uri: str) -> Path:
    """Where a schema lies below the folder."""
    return FOLDER / uri.removeprefix("https://")


def validator() -> JsonSchemaSTACValidator:
    """A validator that has every schema our documents name; skips where they were not fetched."""
    found = JsonSchemaSTACValidator()
    for path in sorted(FOLDER.rglob("*.json")):  # what the extensions' schemas refer to, too
        found.schema_cache[f"https://{path.relative_to(FOLDER)}"] = json.loads(path.read_text())
    found.schema_cache.setdefault(OURS["$id"], OURS)
    for uri in EXTENSIONS:
        if uri not in found.schema_cache:
            said = (
                f"no {place(uri)}: make test fetches it, or python -m tests.contract.stac_schemas"
            )
            # Where everything is installed by make it is a failure, for nobody would see a skip.
            (pytest.fail if os.environ.get("CI") else pytest.skip)(said)
    return found


def validate(document: dict[str, Any]) -> list[str]:
    """Hold a document against the core's schema and those it names; give which these were."""
    kind, version = TYPES[document["type"]], document["stac_version"]
    extensions: list[str] = document["stac_extensions"]
    whole = validator()
    validated = whole.validate(document, kind, version, extensions)
    if OURS["$id"] in extensions:
        whole.schema_cache[OURS["$id"]] = OURS
        whole.validate_extension(document, kind, version, OURS["$id"])
    return validated


def fetch() -> None:
    """Take the extensions' schemas out of the source archives of pystac's packages."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--no-binary", ",".join(PACKAGES)]
        command += ["-c", str(ROOT / "constraints.txt"), "-d", folder, *PACKAGES]
        subprocess.run(command, check=True)
        recorded: dict[str, Any] = {}
        for archive in sorted(Path(folder).glob("*.tar.gz")):
            recorded |= _schemas(archive)
    for uri, schema in sorted(recorded.items()):
        place(uri).parent.mkdir(parents=True, exist_ok=True)
        place(uri).write_text(json.dumps(schema, indent=2))
        print(place(uri))


def _schemas(archive: Path) -> dict[str, Any]:
    """Schemas among the recorded answers of the tests of a package, by their identifiers."""
    found = {}
    with tarfile.open(archive) as members:
        for member in members:
            file = members.extractfile(member) if "/cassettes/" in member.name else None
            for exchange in yaml.safe_load(file)["interactions"] if file else []:
                text = exchange["response"]["body"]["string"]
                if '"$schema"' in text:
                    schema = json.loads(text)
                    found[schema["$id"].removesuffix("#")] = schema
    return found


if __name__ == "__main__":
    fetch()
