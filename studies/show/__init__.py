"""Runs and explanations as text for a terminal."""
