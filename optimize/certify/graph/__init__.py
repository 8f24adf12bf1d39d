"""A problem as an expression graph: what is recorded, and the operations that it comes to."""
