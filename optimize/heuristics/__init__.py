"""Population heuristics: what they share, and the search for one design. They give designs, never bounds."""
