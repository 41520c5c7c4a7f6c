"""A small synthetic Earth, written as the native files of the satellites and the reanalysis.

For the quick start and for tests. It shares no code with the readers: the layout of each file
follows the listings in ``tests/contract``. Every file says of itself that it is simulated; where
the format has no place for it, ``SIMULATED.txt`` beside the files does.

The world:

- `parameters`: its numbers, each with its source.
- `domain`: cells, days and random streams.
- `noise`: smooth seeded noise, any day without the others.
- `terrain`: elevation.
- `texture`: soil texture.
- `weather`: the air.
- `soil`: the ground, with snow and lakes.
- `world`: air and ground at any time.
- `history`: the ground of an archive, integrated once.
- `truth`: the true states.

What instruments and models see of it:

- `emission`: brightness temperature at the top of the air.
- `eras`: periods of operation.
- `overpass`: hours at which a satellite sees a cell.
- `swath`: scan geometry.
- `radiometer`: footprint, noise and bias of a radiometer.
- `retrieval`: labels of two L-band satellites.
- `reanalysis`: a land-surface model.
- `stations`: soil temperature at points.

Files:

- `container`: HDF5, the same bytes every time.
- `native_amsre`: AMSR-E of JAXA.
- `native_nsidc0302`: AMSR-E of NSIDC.
- `native_mwri`: MWRI swaths.
- `native_amsr2`: AMSR2 of JAXA.
- `native_smos`: SMOS.
- `native_smap`: SMAP.
- `native_gldas`: GLDAS Noah.
- `native_dem`: terrain.
- `native_soilgrids`: SoilGrids.
- `native_ismn`: stations.
- `archive`: all files of an archive.
"""

from soilft.simulate.archive import write_day, write_static, write_stations
from soilft.simulate.domain import Archive
from soilft.simulate.history import prepare

__all__ = ["Archive", "prepare", "write_day", "write_static", "write_stations"]
