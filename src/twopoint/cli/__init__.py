"""The command ``twopoint``."""
