"""Inter-calibration of AMSR-E, MWRI and AMSR2 into one record of brightness temperatures.

- `eras`: periods of operation, hand-overs and days in common.
- `pairs`: observations of two radiometers of one pixel and pass, and sums over them.
- `intercalibration`: the coefficients of one radiometer to another, applied to any days.
- `intercalibration_fit`: the coefficients fitted to sums over pairs, their form chosen on others.
- `intercalibration_store`: the coefficients of a region in the store.
- `equivalence`: the step at a hand-over, tested against a margin.
- `intercalibration_links`: every radiometer along its link, fitted for testing and for use.
- `record`: of each pixel and pass the radiometer in operation, and the others.
- `normals`: normals of brightness temperature, by pixel and day of the year.
- `normals_fit`: the normals of brightness temperature, fitted to the radiometers' record.
- `normals_store`: the normals of a region in the store.
- `gaps`: missed overpasses filled, level by level, each value flagged.
- `opened`: the stores of a region, with inter-calibration and gap filling.
- `withholding`: observed overpasses withheld, to measure each level of filling.
- `matching`: the observation that belongs to a state, the nearest in time.
"""
