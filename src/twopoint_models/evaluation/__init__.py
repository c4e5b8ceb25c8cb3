"""Scores, figures and tables that several systems share, and those of generated data."""
