"""Memory: how much a command needs, computed from shapes before anything is read, and how much is available."""

import math
import os
from pathlib import Path

from ..reconstruction.descent import AT_ONCE, TRIES
from ..statistics.lags import Lags
from .terminal import InputError

_REAL = 8  # bytes of a float64; the complex half of a real transform has as many
_MEMINFO = Path("/proc/meminfo")
# Limit and use of a container, in versions 2 and 1 of control groups.
_CONTAINERS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)

_share = 1  # of the available memory that this process may use: one over the number of processes


def divide(processes: int) -> None:
    """Let this process use its share only of the available memory, because others work at the same time."""
    global _share
    _share = processes


def require(needed: int, work: str, *, divisible: bool = True) -> None:
    """Raise an error for work that needs more memory than is available, before it begins.

    Parameters
    ----------
    needed : int
        Bytes.
    work : str
        The work, as the beginning of the error's sentence.
    divisible : bool
        Whether the work is on an image, so that --window can take a part of it.

    Raises
    ------
    InputError
        If the available memory is known and does not suffice.
    """
    free = available()
    if free is not None and needed > free:
        hint = "; --window takes a part, such as 512" if divisible else ""
        hint += "; --jobs 1 works on one image at a time" if _share > 1 else ""
        raise InputError(f"{work} needs about {size(needed)} of memory, {size(free)} are available{hint}")


def size(amount: float) -> str:
    """Return a number of bytes in a readable unit.

    Examples
    --------
    >>> from twopoint.cli.memory import size
    >>> size(3_200_000_000)
    '3.2 GB'
    """
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if amount >= factor:
            return f"{amount / factor:.1f} {unit}"
    return f"{amount / 1e3:.0f} kB"


def available() -> int | None:
    """Return the bytes that are available under the limits of the system and of a container; None if neither is known."""
    amounts = [_system(), *(_container(Path(limit), Path(used)) for limit, used in _CONTAINERS)]
    return min((amount // _share for amount in amounts if amount is not None), default=None)


def _system() -> int | None:
    """Return the memory that the system reports as available, or else all of its physical memory."""
    if _MEMINFO.is_file():
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _container(limit: Path, used: Path) -> int | None:
    """Return the memory that a container's limit leaves; None without a limit."""
    if not (limit.is_file() and used.is_file() and os.access(limit, os.R_OK) and os.access(used, os.R_OK)):
        return None
    allowed = limit.read_text().strip()
    return max(int(allowed) - int(used.read_text()), 0) if allowed.isdecimal() else None


def for_statistics(space: tuple[int, ...], n_phases: int, boundary: str, crop: tuple[int, ...]) -> int:
    """Return the bytes that the correlations of all pairs need: phases, their spectra, and the lags of each pair before and after ordering.

    Autocorrelations are held twice for a while: half of their lags, and all of them.
    """
    points, padded, lags, pairs = _sizes(space, n_phases, boundary, crop)
    return _REAL * (n_phases * points + (n_phases + 1) * padded + (pairs + n_phases + 2 * n_phases**2) * lags)


def for_reconstruction(space: tuple[int, ...], n_phases: int, boundary: str, crop: tuple[int, ...], starts: int) -> int:
    """Return the bytes that a reconstruction needs, by factors of measured peaks; the ten steps that L-BFGS keeps take most of it."""
    points, padded, lags, pairs = _sizes(space, n_phases, boundary, crop)
    together = min(TRIES * starts, max(AT_ONCE // (n_phases * points), 1))
    return together * _REAL * (n_phases * (36 * points + 2 * padded) + 9 * pairs * lags)


def _sizes(space: tuple[int, ...], n_phases: int, boundary: str, crop: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return the numbers of points, of points of a padded transform, of lags, and of pairs with h <= k."""
    lags = Lags(space, boundary, crop)
    return math.prod(space), math.prod(lags.transform), math.prod(lags.stored), n_phases * (n_phases + 1) // 2
