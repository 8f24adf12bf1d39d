"""Searches by trials: run, go on, ask and tell."""
