"""Figures of results as Plotly specifications: plain values that a page draws and a program can export."""
