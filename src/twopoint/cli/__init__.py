"""The command line ``twopoint``: one file per command, above the files that read, measure and show."""
