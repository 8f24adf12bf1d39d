"""Doubt: attempts to refute a certificate in the exact physics, by designs and by boxes."""
