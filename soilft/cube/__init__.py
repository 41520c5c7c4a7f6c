"""The freeze/thaw cube: its structure, its attributes and the prediction of its days."""
