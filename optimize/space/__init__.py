"""The space that a search chooses from: dimensions, points as rows of numbers, and samples that fill it evenly."""
