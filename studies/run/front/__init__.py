"""Front studies."""
