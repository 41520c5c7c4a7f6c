"""Objects that a server keeps, for the credentials may not delete: never without a word."""

import numpy as np
import pytest

from soilft.errors import StorePermission
from soilft.grid import Region
from soilft.schema import Template, Variable, grid_coordinates
from soilft.store import objects
from soilft.store import zarr as store
from tests.support.rights import limited, policy, without
from tests.support.seaweed import S3Server

pytestmark = pytest.mark.s3

GRID = Region("small", "latlon-0.25", (90, 30, 92, 31)).grid
SEEN = Variable("seen", ("y", "x"), "uint8", 255, {})
TEMPLATE = Template(grid_coordinates(GRID), (SEEN,), {"y": 2}, attributes={})
RESOURCE = "arn:aws:s3:::BUCKET/STORE/inputs/*"


def rows(value: int) -> dict[str, np.ndarray]:
    return {"seen": np.full((2, GRID.shape[1]), value, "uint8")}


def test_a_chunk_that_became_empty_goes_or_it_is_told(s3: S3Server, s3_store: str) -> None:
    url, top = objects.join(s3_store, "inputs/a.zarr"), {"y": slice(0, 2)}
    rights = policy("worker")
    with limited(s3, s3_store, rights):
        store.create(url, TEMPLATE)
        store.write_region(url, rows(1), top)
    with limited(s3, s3_store, without(rights, "s3:DeleteObject", RESOURCE)):
        store.write_region(url, rows(2), top)
        with pytest.raises(StorePermission, match="seen/c/0/0"):
            store.write_region(url, rows(SEEN.fill), top)
    with limited(s3, s3_store, rights):
        store.write_region(url, rows(SEEN.fill), top)
        store.write_region(url, rows(SEEN.fill), top)  # where there is none, none is missed
        assert not objects.exists(objects.join(url, "seen/c/0/0"))


def test_what_is_made_anew_is_gone_or_it_is_told(s3: S3Server, s3_store: str) -> None:
    url, rights = objects.join(s3_store, "inputs/a"), policy("worker")
    with limited(s3, s3_store, rights):
        for name in ("first", "below/second"):
            objects.write(objects.join(url, name), b"of before")
    with limited(s3, s3_store, without(rights, "s3:DeleteObject", RESOURCE)):
        for kept in (url, objects.join(url, "first")):
            with pytest.raises(StorePermission, match="inputs/a"):
                store.discard(kept)
    with limited(s3, s3_store, rights):
        store.discard(url)
        assert objects.listing(url) == {}
        store.discard(url)
