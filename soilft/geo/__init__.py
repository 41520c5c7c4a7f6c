"""Geometry of grids: regridding of fields and swaths, terrain, outlines, land, spatial blocks.

- `outline`: polygons of a region, and the cells that lie inside.
- `tiles`: tiles of a grid, for rasters far finer than it.
- `polygons`: cells as polygons, and the shares of area that others cover.
- `regrid`: fields from grid to grid, by the areas in which cells overlap.
- `swath`: pixels of a swath into the cells that their centres lie in.
- `land`: land of the Earth, roughly.
- `terrain`: slope, aspect and position of a digital elevation model.
- `spatial_blocks`: cells held out together in cross-validation.
"""
