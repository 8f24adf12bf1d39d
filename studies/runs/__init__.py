"""Runs of design studies: engines, results, run folders."""
