"""Freeze/thaw cube: its structure, its attributes and the prediction of its days.

- `structure`: variables and chunks of the cube, and the prediction of one chunk of days.
- `surface`: flags of snow, open water and steep relief.
- `attributes`: global attributes by CF and ACDD, with the parties and the citation.
- `conventions`: georeferencing by the Zarr conventions.
- `netcdf`: some days of a cube as one NetCDF-4 file.
"""
