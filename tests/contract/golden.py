"""The public contract of a cube, as JSON: ``python -m tests.contract.golden`` writes it anew.

Run it after a change of the contract that is meant, and let the difference be reviewed.
"""

import json
import re
from pathlib import Path
from typing import Any

from soilft import __version__
from soilft.annual import store as annual_store
from soilft.release import shards, stac
from soilft.schema import Template
from tests.support.cubes import DECADE, REGIONS, template

HERE = Path(__file__).parent
# What a release can have beside its cube, as far as a catalogue speaks of it.
BESIDE = (
    "release.json",
    "model/card.json",
    "model/forest.skops",
    "report/report.html",
    "report/scorecard.json",
    "view/index.html",
    "quicklooks/mean_frozen_days.png",
    "quicklooks/trend_frozen_days.png",
)


def path(kind: str) -> Path:
    """Where the contract of a kind of grid stands."""
    return HERE / f"cube_{kind}.json"


def collection_path(kind: str) -> Path:
    """Where the collection of a kind of grid stands."""
    return HERE / f"collection_{kind}.json"


def collection(kind: str) -> dict[str, Any]:
    """What a release of a decade says of itself to machines that search, with all beside it."""
    found = stac.collection(
        template(REGIONS[kind], DECADE), DECADE, "v1.0", beside=BESIDE, groups=("annual", "series")
    )
    value: dict[str, Any] = json.loads(json.dumps(found).replace(__version__, "VERSION"))
    return value


def contract(kind: str) -> dict[str, Any]:
    """What a store of a decade says of itself to any reader, without its values."""
    cube = template(REGIONS[kind], DECADE)
    content = shards.metadata({"": cube, "annual": _annual(kind, cube)})
    root = json.loads(content[shards.ROOT])
    members = root["consolidated_metadata"]["metadata"]
    arrays = {name for name, member in members.items() if member["node_type"] == "array"}
    groups = members.keys() - arrays
    found = {
        "zarr_format": root["zarr_format"],
        "attributes": root["attributes"],
        "groups": {name: members[name]["attributes"] for name in sorted(groups)},
        "arrays": {name: _array(members[name]) for name in sorted(arrays)},
    }
    # A new version of the code is no change of the contract.
    text = json.dumps(found).replace(__version__, "VERSION")
    value: dict[str, Any] = json.loads(text)
    return value


def _annual(kind: str, cube: Template) -> Template:
    about = {"freezing_year_begins_in_month": 8, "draws": 200, "seed": 0}
    years = annual_store.whole_years(DECADE, 8)
    attributes = annual_store.attributes(cube.attributes, about)
    return annual_store.template(REGIONS[kind].grid, years, 0.9, attributes, calibrated=True)


def _array(metadata: dict[str, Any]) -> dict[str, Any]:
    lengths = metadata["chunk_grid"]["configuration"]["chunk_shape"]
    codecs = metadata["codecs"]
    sharded = codecs[0]["name"] == "sharding_indexed"
    inner = codecs[0]["configuration"] if sharded else {"chunk_shape": lengths, "codecs": codecs}
    return {
        "dims": metadata.get("dimension_names", []),
        "shape": metadata["shape"],
        "dtype": metadata["data_type"],
        "fill_value": metadata["fill_value"],
        "chunks": inner["chunk_shape"],
        "shards": lengths if sharded else None,
        "codecs": inner["codecs"],
        "index_codecs": inner.get("index_codecs"),
        "attributes": metadata["attributes"],
    }


def main() -> None:
    """Write the contracts."""
    for kind in REGIONS:
        for place, value in (
            (path(kind), contract(kind)),
            (collection_path(kind), collection(kind)),
        ):
            text = json.dumps(value, indent=1, ensure_ascii=False)
            # Lists of numbers and words on one line each, so that a review sees them whole.
            text = re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\n *", " ", found[0]), text)
            place.write_text(text + "\n")
            print(place)


if __name__ == "__main__":
    main()
