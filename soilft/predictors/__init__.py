"""Predictors of every pixel-day, one function for training and for prediction."""
