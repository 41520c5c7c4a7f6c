"""How far to trust a state: calibrated probability, conformal sets, area of applicability."""
