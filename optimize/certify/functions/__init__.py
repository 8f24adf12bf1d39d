"""Functions of one number and of several, with what encloses them over a range."""
