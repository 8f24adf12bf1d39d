"""Constrained multi-objective problems on which search methods are compared."""
