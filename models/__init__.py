"""Physics and cost: pure functions of what we choose and what we believe."""
