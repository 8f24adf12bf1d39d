"""Boxes of designs: cut in two, bounded, queued, and shared between processes."""
