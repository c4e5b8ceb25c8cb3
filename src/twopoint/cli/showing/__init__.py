"""Showing: figures, tables and remarks for the user, and the files that a command writes."""
