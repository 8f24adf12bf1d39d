"""A plan as a question, and what an answer is worth exactly: no solver."""
