"""Where every figure of a result comes from, and what a difference between two results is made of."""
