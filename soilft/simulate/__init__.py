"""A small synthetic Earth, written as the native files of the satellites and the reanalysis.

For the quick start and for tests. It shares no code with the readers: the layout of each file
follows the listings in ``tests/contract``. Every file says of itself that it is simulated; where
the format has no place for it, ``SIMULATED.txt`` beside the files does.
"""

from soilft.simulate.archive import write_day, write_static, write_stations
from soilft.simulate.domain import Archive
from soilft.simulate.history import prepare

__all__ = ["Archive", "prepare", "write_day", "write_static", "write_stations"]
