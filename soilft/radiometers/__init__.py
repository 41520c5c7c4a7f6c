"""Inter-calibration of AMSR-E, MWRI and AMSR2 into one record of brightness temperatures."""
