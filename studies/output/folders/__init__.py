"""Run folders with pictures in them."""
