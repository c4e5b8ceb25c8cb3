"""The command line ``twopoint``: one file a command, above what they read, measure and show."""
