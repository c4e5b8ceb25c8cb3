"""What the command line reads and where it may write; every refusal is an InputError that says what to do."""

import os
from pathlib import Path

import numpy as np

MOST_LABELS = 8


class InputError(ValueError):
    """A file or an option that the command cannot work with."""


def read_labels(path: Path) -> np.ndarray:
    """Read a segmented 2-D image from a .npy file.

    Parameters
    ----------
    path : Path
        Array of numbers or booleans with two axes and 2 to 8 distinct values.

    Returns
    -------
    int64 array (H, W)
        Labels 0..N-1 in the order of the values.

    Raises
    ------
    InputError
        If the file cannot be read, or its content is no such array.
    """
    values, labels = np.unique(_load(path), return_inverse=True)
    if len(values) == 1:
        raise InputError(f"{path} holds the value {values[0]} only: there is no structure in it")
    if len(values) > MOST_LABELS:
        raise InputError(f"{path} holds {len(values)} distinct values; up to {MOST_LABELS} are taken as labels of phases: segment it first")
    return labels.astype(np.int64)


def _load(path: Path) -> np.ndarray:
    """Return a 2-D array of finite numbers from a .npy file."""
    if path.suffix.lower() != ".npy":
        raise InputError(f"{path} is no .npy file; save one array of labels with numpy.save")
    try:
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read: {reason}") from error
    if array.dtype.kind not in "biuf":
        raise InputError(f"{path} must hold numbers or booleans, got dtype {array.dtype}")
    if array.size == 0:
        raise InputError(f"{path} is empty: its shape is {array.shape}")
    if array.ndim != 2:
        raise InputError(f"{path} must hold an image with 2 axes, got shape {array.shape}; twopoint.reconstruct takes 1 to 3 from Python")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{path} holds NaN or infinite values, {np.count_nonzero(~np.isfinite(array))} of {array.size}")
    return array


def cut_window(labels: np.ndarray, window: str | None) -> np.ndarray:
    """Cut a window from an image and number its labels anew.

    Parameters
    ----------
    labels : int array (H, W)
        Labels.
    window : str or None
        ``"128"`` for the first 128 pixels along each axis, ``"0:128,64:192"`` for a range an axis, rows first; None for all.

    Returns
    -------
    int64 array
        Labels 0..N-1.

    Raises
    ------
    InputError
        If the window is no such text, leaves the image, or holds one label only.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.cli.files import cut_window
    >>> cut_window(np.array([[0, 2], [2, 1]]), "0:1,0:2")
    array([[0, 1]])
    """
    if window is None:
        return labels
    ranges = [_range(part, window) for part in window.split(",")]
    ranges = ranges * labels.ndim if len(ranges) == 1 and ":" not in window else ranges
    if len(ranges) != labels.ndim:
        raise InputError(f"--window must be one number of pixels, or {labels.ndim} ranges such as 0:128,0:128, got {window!r}")
    if not all(0 <= start < stop <= size for (start, stop), size in zip(ranges, labels.shape, strict=True)):
        raise InputError(f"--window {window} does not lie inside the image of shape {labels.shape}")
    values, inside = np.unique(labels[tuple(slice(*ends) for ends in ranges)], return_inverse=True)
    if len(values) == 1:
        raise InputError(f"--window {window} holds one phase only: there is no structure in it")
    return inside.astype(np.int64)


def _range(part: str, window: str) -> tuple[int, int]:
    """Return start and stop of one axis of a window."""
    ends = part.split(":")
    if not (1 <= len(ends) <= 2 and all(end.strip().isdecimal() and len(end) < 10 for end in ends)):
        raise InputError(f"--window must be as 128 or 0:128,0:128, got {window!r}")
    return (0, int(ends[0])) if len(ends) == 1 else (int(ends[0]), int(ends[1]))


def distinct(*paths: Path | None) -> None:
    """Refuse two names of one file among what is read and written: one would destroy the other, even by force."""
    known = [path.resolve() for path in paths if path is not None and path != Path("-")]
    for path in known:
        if known.count(path) > 1:
            raise InputError(f"{path.name} is named twice among the input and the outputs; give each file a name of its own")


def check_output(path: Path, *, force: bool) -> None:
    """Refuse a file that would be overwritten, unless forced, and one that cannot be written, before any work is done."""
    if path.is_dir():
        raise InputError(f"{path} is a directory; name a file in it")
    if path.exists() and not force:
        raise InputError(f"{path} exists; --force overwrites it")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is no directory to write {path.name} to")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"{path} cannot be written: permission denied")
