"""Daily soil freeze/thaw records from passive microwave: the science, free of any engine."""

from importlib.metadata import version

__version__ = version("soilft")
