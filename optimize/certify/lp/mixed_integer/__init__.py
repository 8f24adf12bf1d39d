"""The same rows with binaries, as a mixed-integer model to hand out."""
