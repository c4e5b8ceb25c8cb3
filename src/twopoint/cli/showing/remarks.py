"""What is said around a reconstruction: what it will cost, whether the image suits it, whether it is the original, and how to check it."""

import shlex
from pathlib import Path

import numpy as np

from ..reading.load import Reading
from ..reading.spacing import Spacing
from . import tables
from .outputs import gray_step

_EQUAL = 1e-9  # relative error of statistics that are the same but for rounding
_WALL = 1.5  # mismatch across the wrap-around, by the largest between neighbouring planes inside
_FIXED, _A_POINT = 3.0, 2e-4  # seconds of a start with two phases, as measured on one core of 64 x 64 to 256 x 256 px


def cost(space: tuple[int, ...], n_phases: int, boundary: str, lags: tuple[int, ...], starts: int, *, part: bool = True) -> str:
    """Return one line on the work ahead: size, boundary, lags, starts, and roughly how long it takes; of an image that it has parts.

    Examples
    --------
    >>> from twopoint.cli.showing.remarks import cost
    >>> cost((128, 128), 2, "periodic", (128, 128), 1)
    'reconstructing 2 phases of 128 x 128 px, periodic boundary, 128 x 128 lags, 1 start: about 6 s; --window 64 takes a part'
    """
    searches = f"{starts} start{'s' * (starts > 1)}"
    seconds = starts * _seconds(space, n_phases, boundary)
    half = max(min(space) // 2, 8)
    hint = f"; --window {half} takes a part" if part and min(space) > half else ""
    image, kept = tables.extent(space, Spacing().along(len(space))), " x ".join(map(str, lags))
    what = f"reconstructing {n_phases} phases of {image}, {boundary} boundary, {kept} lags, {searches}"
    return f"{what}: about {tables.duration(seconds)}{hint}"


def wall(labels: np.ndarray) -> str | None:
    """Return a remark where opposite edges do not match: repeated, such an image has an interface along its edges that is not its own.

    The share of points that differ from their neighbour across the edge is held against that between any two neighbouring planes inside.
    """
    worst = []
    for axis in range(labels.ndim):
        if labels.shape[axis] < 3:
            continue
        planes = np.moveaxis(labels, axis, 0)
        inside = (planes[1:] != planes[:-1]).reshape(len(planes) - 1, -1).mean(axis=1)
        across = float((planes[0] != planes[-1]).mean())
        if across > _WALL * float(inside.max()):
            worst.append((across, float(inside.mean()), axis))
    if not worst:
        return None
    across, inside_mean, axis = max(worst)
    return (
        f"opposite edges do not match: along axis {axis} {100 * across:.0f} % of the points differ from their neighbour across the edge, "
        f"{100 * inside_mean:.0f} % inside; periodic statistics hold this seam, and what is found has one somewhere inside; "
        "--boundary open --crop N takes lags inside the image alone"
    )


def original(found: np.ndarray, labels: np.ndarray | None, boundary: str, error: float) -> str | None:
    """Return in words that a reconstruction is the original, where its error is 0; None where the error is above."""
    if error > _EQUAL:
        return None
    if labels is None:
        alike = "a shift and a turn by 180 degrees" if boundary == "periodic" else "nothing, most likely"
        return f"error 0: this is the original, up to {alike}"
    for image, turned in ((found, ""), (found[(slice(None, None, -1),) * found.ndim], "a turn by 180 degrees")):
        if (image == labels).all():
            return "error 0: this is the original" + (f", up to {turned}" if turned else " itself")
        if boundary == "periodic" and _shifted(image, labels):
            return "error 0: this is the original, up to " + (f"a shift and {turned}" if turned else "a shift")
    return "error 0: another image than the original, with the same statistics"


def _shifted(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether one image of labels is the other, shifted periodically."""
    phases = range(int(max(a.max(), b.max())) + 1)
    spectrum = sum(np.fft.rfftn(a == h).conj() * np.fft.rfftn(b == h) for h in phases)
    return bool(np.fft.irfftn(spectrum, a.shape, tuple(range(a.ndim))).max() > a.size - 0.5)


def compare_command(
    file: str, how: Reading, boundary: str, crop: int | None, spacing: str | None, labels: Path | None, n_phases: int
) -> str:
    """Return the command that holds a reconstruction's labels against its image, with the same statistics."""
    there = Path("found.npy") if labels is None else labels
    words = ["twopoint", "compare", file, str(there), "--boundary", boundary]
    options = {
        "--crop": None if crop is None else str(crop),
        "--spacing": spacing,
        "--window": how.window,
        "--window-b": None if how.window is None else ":",
        "--phases": None if how.phases is None else str(how.phases),
        "--threshold": how.threshold,
        "--threshold-b": None if how.threshold is None else _between(there, n_phases),
    }
    for name, value in options.items():
        words += [] if value is None else [name, value]
    return shlex.join(words)


def _between(path: Path, n_phases: int) -> str:
    """Return the thresholds that tell written labels apart."""
    step = gray_step(path, n_phases)
    return ",".join(f"{step * (h + 0.5):g}" for h in range(n_phases - 1))


def _seconds(space: tuple[int, ...], n_phases: int, boundary: str) -> float:
    """Return how long a start takes, within a factor of three."""
    padded = float(np.prod(space)) * (2 ** (len(space) - 1) if boundary == "open" else 1)
    return (_FIXED + _A_POINT * padded) * n_phases**2 / 4
