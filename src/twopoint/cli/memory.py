"""How much memory a command needs, and how much there is; worked out from shapes, before anything is read."""

import math
import os
from pathlib import Path

from .._descent import AT_ONCE, TRIES
from ..lags import Lags
from .terminal import InputError

_REAL = 8  # bytes of a float64; a real transform's complex half has as many
_MEMINFO = Path("/proc/meminfo")
# Limit and use of a container, by the second and the first version of control groups.
_CONTAINERS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def require(needed: int, what: str, *, part: bool = True) -> None:
    """Refuse work that needs more bytes than there are, before it begins.

    Parameters
    ----------
    needed : int
        Bytes.
    what : str
        The work, as the beginning of the sentence that refuses it.
    part : bool
        Whether it is of an image, of which a part can be taken.

    Raises
    ------
    InputError
        If the memory is known and does not suffice.
    """
    there = available()
    if there is not None and needed > there:
        hint = "; --window takes a part, such as 512" if part else ""
        raise InputError(f"{what} needs about {size(needed)} of memory, {size(there)} are available{hint}")


def size(amount: float) -> str:
    """Return a number of bytes as a person reads it.

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
    """Return the bytes that can still be taken, by the system and by a container's limit; None where neither says."""
    known = [_system(), *(_container(Path(limit), Path(used)) for limit, used in _CONTAINERS)]
    return min((amount for amount in known if amount is not None), default=None)


def _system() -> int | None:
    """Return the system's available memory; of a system that does not say so, all that is built in."""
    if _MEMINFO.is_file():
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _container(limit: Path, used: Path) -> int | None:
    """Return what a container's limit leaves; None without a limit."""
    if not (limit.is_file() and used.is_file() and os.access(limit, os.R_OK) and os.access(used, os.R_OK)):
        return None
    allowed = limit.read_text().strip()
    return max(int(allowed) - int(used.read_text()), 0) if allowed.isdecimal() else None


def for_statistics(space: tuple[int, ...], n_phases: int, boundary: str, crop: tuple[int, ...]) -> int:
    """Return the bytes that correlations of all pairs need: phases, their spectra, each pair's lags before and after ordering.

    Autocorrelations are there twice for a while, half of their lags and all.
    """
    points, padded, lags, pairs = _sizes(space, n_phases, boundary, crop)
    return _REAL * (n_phases * points + (n_phases + 1) * padded + (pairs + n_phases + 2 * n_phases**2) * lags)


def for_reconstruction(space: tuple[int, ...], n_phases: int, boundary: str, crop: tuple[int, ...], starts: int) -> int:
    """Return the bytes that a reconstruction needs; factors of measured peaks, most of it the ten steps that L-BFGS remembers."""
    points, padded, lags, pairs = _sizes(space, n_phases, boundary, crop)
    together = min(TRIES * starts, max(AT_ONCE // (n_phases * points), 1))
    return together * _REAL * (n_phases * (36 * points + 2 * padded) + 9 * pairs * lags)


def _sizes(space: tuple[int, ...], n_phases: int, boundary: str, crop: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return the numbers of points, of points of a padded transform, of lags, and of pairs with h <= k."""
    lags = Lags(space, boundary, crop)
    return math.prod(space), math.prod(lags.transform), math.prod(lags.stored), n_phases * (n_phases + 1) // 2
