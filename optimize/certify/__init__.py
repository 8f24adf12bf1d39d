"""Certified search: the best design of a problem, and the proof that nothing better exists."""
