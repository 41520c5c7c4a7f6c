"""Readers by name: the names are known before any reader is loaded, and one loads no other."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

from soilft import sources
from soilft.sources import PRODUCTS

READERS = "m for m in sys.modules if m.startswith('soilft.sources.')"


def loaded_by(code: str) -> set[str]:
    """Readers that a fresh process has loaded after some code."""
    code = f"import sys\n{code}\nprint(*({READERS}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.removeprefix("soilft.sources.") for name in done.stdout.split()}


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_product_is_named_as_its_reader_names_it(product: str) -> None:
    reader = PRODUCTS[product]
    assert reader.product == product
    assert getattr(sources, reader.__name__) is reader
    assert reader.__name__ in sources.__all__


def test_every_reader_of_the_room_is_known_by_name() -> None:
    modules = [
        importlib.import_module(f"soilft.sources.{module.name}")
        for module in pkgutil.iter_modules(sources.__path__)
    ]
    made = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and isinstance(getattr(value, "product", None), str)
    }
    assert made == set(PRODUCTS.values())


@pytest.mark.process
def test_names_are_listed_and_asked_after_without_loading_a_reader() -> None:
    code = "from soilft.sources import PRODUCTS; list(PRODUCTS); len(PRODUCTS); 'dem' in PRODUCTS"
    assert loaded_by(f"{code}; dir(__import__('soilft.sources').sources)") == set()


@pytest.mark.process
def test_one_reader_is_loaded_with_what_it_needs() -> None:
    found = loaded_by("from soilft.sources import SmosL3Ft")
    assert "smos" in found
    assert not found & {"dem", "gldas", "mwri", "smap", "ismn_stations", "raster"}


def test_a_product_and_a_name_that_there_are_not() -> None:
    assert "smos" not in PRODUCTS
    with pytest.raises(KeyError):
        PRODUCTS["smos"]
    with pytest.raises(AttributeError, match=r"soilft\.sources.*Smos"):
        sources.Smos  # noqa: B018
    assert set(sources.__all__) <= set(dir(sources))
