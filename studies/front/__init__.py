"""Fronts: run, write, export and show them."""
