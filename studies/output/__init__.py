"""What a person sees of an answer, and what other programs read of it."""
