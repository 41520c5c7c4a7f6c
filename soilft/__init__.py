"""Daily soil freeze/thaw records from passive microwave: the science, free of any engine.

Rooms, along the way of the data; each begins with its table of contents:

- `simulate`: a synthetic Earth, as native files.
- `sources`: readers of native products.
- `ingest`: native granules to input stores on the region's grid.
- `radiometers`: inter-calibration, and the filling of gaps.
- `predictors`: predictors of every pixel-day.
- `training`: the training table and its folds.
- `forest`: the classifier.
- `uncertainty`: calibrated probabilities, conformal sets, area of applicability.
- `cube`: the daily freeze/thaw states.
- `annual`: annual layers and their trends.
- `scores`: accuracy, baselines, the scorecard.
- `trials`: cross-validation experiments.
- `report`: the validation report.
- `release`: publication.

Beneath them all, for every room:

- `geo`: grids met by fields and swaths.
- `store`: Zarr arrays, small objects, the ledger of finished work.

The vocabulary, at the root:

- `errors`: every error that is raised on purpose.
- `days`: days and spans of days.
- `overpass`: local solar time.
- `rows`: bands of a grid's rows.
- `projections`: coordinate reference systems, and once around in longitude.
- `grid`: grids and regions.
- `draws`: random draws by hash.
- `schema`: variables and templates of stores.
- `channels`: frequencies and polarizations.
- `testing`: the test kit of a reader.
- `__main__`: the entry point of the command ``soilft``.
"""

from importlib.metadata import version

__version__ = version("soilft")
