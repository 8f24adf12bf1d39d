"""Static pictures that need no browser, drawn with matplotlib."""
