"""Grids met by fields and swaths: regridding, terrain, outlines, spatial blocks."""
