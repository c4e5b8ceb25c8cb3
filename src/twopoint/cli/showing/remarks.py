"""Remarks on a reconstruction: its cost, edges that do not match, whether it equals the original, and the command that checks it."""

import shlex
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..reading.load import ReadingOptions
from ..reading.pairing import are_numbers
from ..reading.spacing import Spacing
from . import tables
from .outputs import gray_step

_EQUAL = 1e-9  # largest relative error of statistics that differ by rounding only
_SEAM = 1.5  # mismatch across the edge, relative to the largest between neighbouring planes inside
_FIXED, _A_POINT = 3.0, 2e-4  # seconds per start, fixed and per point, of two phases; measured on one core for 64 x 64 to 256 x 256 px


def cost(space: tuple[int, ...], n_phases: int, boundary: str, lags: tuple[int, ...], starts: int, *, divisible: bool = True) -> str:
    """Return one line on the work ahead: size, boundary, lags, starts, a rough time, and for a large image the option that takes a part.

    Examples
    --------
    >>> from twopoint.cli.showing.remarks import cost
    >>> cost((128, 128), 2, "periodic", (128, 128), 1)
    'reconstructing 2 phases of 128 x 128 px, periodic boundary, 128 x 128 lags, 1 start: about 6 s; --window 64 takes a part'
    """
    n_starts = f"{starts} start{'s' * (starts > 1)}"
    seconds = starts * _seconds(space, n_phases, boundary)
    half = max(min(space) // 2, 8)
    hint = f"; --window {half} takes a part" if divisible and min(space) > half else ""
    image, kept = tables.extent(space, Spacing().along(len(space))), " x ".join(map(str, lags))
    work = f"reconstructing {n_phases} phases of {image}, {boundary} boundary, {kept} lags, {n_starts}"
    return f"{work}: about {tables.duration(seconds)}{hint}"


def seam(labels: np.ndarray) -> str | None:
    """Return a remark if opposite edges do not match: a periodic repetition of such an image has additional interface along its edges.

    The share of points that differ from their neighbour across the edge is compared with that between neighbouring planes inside.
    """
    worst = []
    for axis in range(labels.ndim):
        if labels.shape[axis] < 3:
            continue
        planes = np.moveaxis(labels, axis, 0)
        inside = (planes[1:] != planes[:-1]).reshape(len(planes) - 1, -1).mean(axis=1)
        across = float((planes[0] != planes[-1]).mean())
        if across > _SEAM * float(inside.max()):
            worst.append((across, float(inside.mean()), axis))
    if not worst:
        return None
    across, inside_mean, axis = max(worst)
    return (
        f"opposite edges do not match: along axis {axis} {100 * across:.0f} % of the points differ from their neighbour across the edge, "
        f"{100 * inside_mean:.0f} % inside; periodic statistics include this seam, and the reconstruction will have one inside; "
        "--boundary open --crop N uses only lags inside the image"
    )


def original(result: np.ndarray, labels: np.ndarray | None, boundary: str, error: float) -> str | None:
    """Return a remark on whether a reconstruction with error 0 is the original; None if the error is not 0."""
    if error > _EQUAL:
        return None
    if labels is None:
        if boundary == "periodic":
            return "error 0: this is the original, up to a shift and a turn by 180 degrees"
        return "error 0: this is most likely the original itself"
    for image, turned in ((result, ""), (result[(slice(None, None, -1),) * result.ndim], "a turn by 180 degrees")):
        if (image == labels).all():
            return "error 0: this is the original" + (f", up to {turned}" if turned else " itself")
        if boundary == "periodic" and _shifted(image, labels):
            return "error 0: this is the original, up to " + (f"a shift and {turned}" if turned else "a shift")
    return "error 0: another image than the original, with the same statistics"


def _shifted(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether one image of labels is a periodic shift of the other."""
    phases = range(int(max(a.max(), b.max())) + 1)
    spectrum = sum(np.fft.rfftn(a == h).conj() * np.fft.rfftn(b == h) for h in phases)
    return bool(np.fft.irfftn(spectrum, a.shape, tuple(range(a.ndim))).max() > a.size - 0.5)


def compare_command(
    file: str,
    options: ReadingOptions,
    boundary: str,
    crop: int | None,
    spacing: str | None,
    labels: Path | None,
    n_phases: int,
    values: tuple[float, ...] = (),
) -> str:
    """Return the command that compares the labels of a reconstruction with the image, on the same statistics.

    Values that are the labels of the image need thresholds if they are integers other than 0, 1, ..., which compare pairs by value.
    """
    path = Path("found.npy") if labels is None else labels
    if values and not are_numbers(values):
        between = ",".join(f"{(low + high) / 2:.12g}" for low, high in pairwise(values))
        options = replace(options, phases=None, threshold=between)
    words = ["twopoint", "compare", file, str(path), "--boundary", boundary]
    settings = {
        "--crop": None if crop is None else str(crop),
        "--spacing": spacing,
        "--window": options.window,
        "--window-b": None if options.window is None else ":",
        "--phases": None if options.phases is None else str(options.phases),
        "--threshold": options.threshold,
        "--threshold-b": None if options.threshold is None else _thresholds_between_labels(path, n_phases),
    }
    for name, value in settings.items():
        words += [] if value is None else [name, value]
    return shlex.join(words)


def _thresholds_between_labels(path: Path, n_phases: int) -> str:
    """Return thresholds between consecutive labels in a file."""
    step = gray_step(path, n_phases)
    return ",".join(f"{step * (h + 0.5):g}" for h in range(n_phases - 1))


def _seconds(space: tuple[int, ...], n_phases: int, boundary: str) -> float:
    """Return the seconds that a start takes, within a factor of three."""
    padded = float(np.prod(space)) * (2 ** (len(space) - 1) if boundary == "open" else 1)
    return (_FIXED + _A_POINT * padded) * n_phases**2 / 4
