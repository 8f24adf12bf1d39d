"""Rules that name the next points of a search by trials."""
