"""Raw predictors are those of the same rows, radiometer and pixel-days, however they are cut."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from soilft import raw_record, store, transfer_store
from soilft.days import DaySpan
from soilft.experiments import Experiment, Rules, run
from soilft.features import FeatureSet, block
from soilft.forest.grow import ForestSettings
from soilft.forest.loaded import loaded
from soilft.grid import Region
from soilft.ingest import template_for
from soilft.inputs import InputRefs
from soilft.raw_record import GrowRaw, RawRows, StateDays, as_they_are, lattice
from soilft.sampling import SampleDays, merge, sample_days, stratified
from soilft.schema import MISSING, Template, flagged, grid_coordinates, time_coordinates
from soilft.sources import SmosL3Ft
from soilft.splits import random_split
from soilft.table import StoredTable, read_table, write_table
from soilft.transfer import PIXEL_TERMS, TERMS, Transfer, unknown
from soilft.harmonize import Fitted
from soilft.window import Target
from tests.support import radiometers

REGION = Region("raw", "latlon-0.25", (80, 30, 82.4, 31.9))
WHOLE = DaySpan(date(2012, 1, 1), date(2012, 2, 19))
FEATURES = FeatureSet(
    ("brightness", "neighbouring_days", "season"), (Target("AM", 6.0), Target("PM", 18.0))
)
NAMES = ("one", "two", "three")
FOREST = ForestSettings(n_estimators=8, min_samples_leaf=3)
RULES = Rules(folds=2, inner_folds=2, rows_per_fit=150, trees_per_fit=5, level=0.9, seed=1)
AXES = ((0, 1), (3, 4, 7, 8))
