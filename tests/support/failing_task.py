"""A task for processes of the command line's pool, which are new processes and find it by this module's name."""

import os


def fails_at_two(task):
    """Return ten times a number; 3 ends the process, 5 has a defect."""
    if task == 3:
        os._exit(9)
    if task == 5:
        raise KeyError("planted")
    return task * 10
