"""The mixed-integer model of a plan: index sets, variables, pieces of its curves."""
