"""Why this design, why not another, and why none at all."""
