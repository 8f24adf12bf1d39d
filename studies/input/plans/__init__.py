"""What the section ``plan`` of a study may say, and what is refused."""
