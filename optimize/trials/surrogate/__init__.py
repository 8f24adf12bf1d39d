"""Bayesian search: Gaussian processes, what they foretell, and what a point may improve."""
