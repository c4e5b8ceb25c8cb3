"""Losses: statistics of a prediction beside those of a target, and their gradients."""
