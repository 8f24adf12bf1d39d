"""Column generation: a restricted master, dual prices, and new designs of negative reduced cost."""
