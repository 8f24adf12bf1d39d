"""Outer linear models of a part of a problem: columns, rows, lines and planes."""
