"""Showing: figures, tables and remarks for a person, and the files that a command writes."""
