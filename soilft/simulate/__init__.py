"""A small synthetic Earth, written as the native files of the satellites and the reanalysis.

For the quick start and for tests. It shares no code with the readers: the layout of each file
follows the listings in ``tests/contract``. Every file says of itself that it is simulated.
"""

from soilft.simulate.archive import write_day, write_static
from soilft.simulate.domain import Archive

__all__ = ["Archive", "write_day", "write_static"]
