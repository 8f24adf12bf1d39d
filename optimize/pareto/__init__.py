"""Fronts between two to five outcomes of the built-in model: their designs, and what they prove and trade."""
