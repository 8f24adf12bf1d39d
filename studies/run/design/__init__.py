"""Design studies: a run, its result, what limits it, and its certificate."""
