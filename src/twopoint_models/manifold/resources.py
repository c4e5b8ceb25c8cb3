"""What a task took of the machine."""

import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_gigabytes() -> float | None:
    """Return the most memory that this process has held so far, in 1e9 bytes; None where the system does not tell.

    Returns
    -------
    float or None

    Examples
    --------
    >>> from twopoint_models.manifold.resources import peak_gigabytes
    >>> found = peak_gigabytes()
    >>> found is None or found > 0.01
    True
    """
    if _STATUS.is_file():
        lines = (line.split() for line in _STATUS.read_text().splitlines())
        return next((1024 * int(words[1]) / 1e9 for words in lines if words[0] == "VmHWM:"), None)
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9
    return None
