"""Whether loops can be compiled (the extra ``fast``)."""

import importlib.util
from functools import cache


@cache
def has_numba() -> bool:
    """Whether numba is installed; it is imported only where loops are needed, because that takes a second."""
    return importlib.util.find_spec("numba") is not None
