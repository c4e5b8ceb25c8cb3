"""The commands ``twopoint model ...``: each reads, calls public functions of this package, and writes."""
