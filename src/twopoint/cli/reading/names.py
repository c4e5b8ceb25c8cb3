"""Names of inputs: a file, a dataset in it, an image of a stack, and a window of an image."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from ..terminal import InputError

HDF5 = (".h5", ".hdf5", ".hdf", ".he5")
_INDEXED = re.compile(r"(?P<rest>.+)\[(?P<index>[^\[\]]*)\]", re.DOTALL)
_MOST_DIGITS = 9
_ARRAYS = (".npy", ".npz", ".csv", ".txt", ".mat", ".dream3d", ".nxs", ".hspy", *HDF5)
_ENDINGS = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", *_ARRAYS)  # of files that share a stem

Ranges = tuple[slice, ...]


@dataclass(frozen=True)
class Source:
    """A file, the name of a dataset, an array or a series in it if it holds several, and indices of the leading axes."""

    path: Path
    dataset: str | None = None
    index: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """A short name for output files, without slashes."""
        parts = [self.path.stem, *([self.dataset.strip("/").rpartition("/")[2]] if self.dataset else []), *map(str, self.index)]
        return "-".join(re.sub(r"[^\w.+ -]", "_", part) for part in parts if part)

    @property
    def output(self) -> str:
        """The beginning of an output's name: the label, with the file's ending if another file differs in the ending only."""
        others = (self.path.with_suffix(ending) for ending in _ENDINGS if ending != self.path.suffix.lower())
        if not self.path.suffix or not any(other.exists() for other in others):
            return self.label
        return self.label.replace(self.path.stem, self.path.name, 1)

    @property
    def title(self) -> str:
        """The name without folders, for titles."""
        return str(replace(self, path=Path(self.path.name)))

    def __str__(self) -> str:
        index = f"[{','.join(map(str, self.index))}]" if self.index else ""
        return f"{self.path}{':' + self.dataset if self.dataset else ''}{index}"


def parse_source(text: str) -> Source:
    """Parse the name of an input into file, dataset and index.

    Parameters
    ----------
    text : str
        ``photo.png``, ``stack.tif[3]``, ``file.tif:1[3]`` for the second series of a TIFF, ``file.h5:group/images[3]`` or
        ``file.h5:images[3,10]``. A file of exactly this name takes precedence.

    Returns
    -------
    Source

    Raises
    ------
    InputError
        If the file does not exist, is empty or is not a regular file, or if the brackets do not hold a list of integers.
    """
    if "\0" in text or not text.strip():
        raise InputError("a file's name must not be empty or hold a null character")
    if Path(text).is_file():
        return _checked(Source(Path(text)))
    match = _INDEXED.fullmatch(text)
    rest, index = (match["rest"], _index(match["index"], text)) if match else (text, ())
    for at in (at for at, letter in enumerate(rest) if letter == ":"):
        if rest[:at].lower().endswith((*HDF5, ".npz")) or Path(rest[:at]).is_file():
            return _checked(Source(Path(rest[:at]), rest[at + 1 :] or None, index))
    return _checked(Source(Path(rest), None, index))


def _index(inside: str, text: str) -> tuple[int, ...]:
    """Return the integers between the brackets."""
    parts = [part.strip() for part in inside.split(",")]
    if not all(re.fullmatch(r"-?[0-9]+", part) and len(part) <= _MOST_DIGITS for part in parts):
        raise InputError(f"{text} must have integers between its brackets, such as [3] or [3,10]")
    return tuple(map(int, parts))


def _checked(source: Source) -> Source:
    """Raise an error for a path that is not a file, and an empty file."""
    if source.path.is_dir():
        raise InputError(f"{source.path} is a directory; name a file in it")
    if not source.path.exists():
        raise InputError(f"{source.path} cannot be read: No such file or directory")
    if not source.path.is_file():
        raise InputError(f"{source.path} is not a regular file")
    if source.path.stat().st_size == 0:
        raise InputError(f"{source.path} is empty: it has 0 bytes")
    return source


def parse_window(window: str | None, shape: tuple[int, ...], option: str = "--window") -> Ranges:
    """Return the slices of a window.

    Parameters
    ----------
    window : str or None
        ``"128"`` for the first 128 pixels along each axis, or one range per axis, ``"0:128,64:192"``, rows (or slices) first. Either end
        of a range may be left out, ``":400,:"``. Blanks may replace commas, and axes without a range are whole. None for the whole image.
    shape : tuple of int
        Shape of the image.
    option : str
        Name of the window's option in errors.

    Returns
    -------
    tuple of slice

    Raises
    ------
    InputError
        If the window cannot be parsed, or does not lie inside the image.

    Examples
    --------
    >>> from twopoint.cli.reading.names import parse_window
    >>> parse_window("0:1,2:4", (3, 4))
    (slice(0, 1, None), slice(2, 4, None))
    """
    if window is None:
        return tuple(slice(0, size) for size in shape)
    parts = re.split(r"\s*,\s*|\s+", window.strip())
    if len(parts) == 1 and ":" not in window:
        parts = parts * len(shape)
    if len(parts) > len(shape):
        example = ",".join(["0:128"] * len(shape))
        raise InputError(f"{option} must be one number of pixels, or up to {len(shape)} ranges such as {example}, got {window!r}")
    parts += [":"] * (len(shape) - len(parts))
    ranges = [_range(part, size, window, option) for part, size in zip(parts, shape, strict=True)]
    if not all(start < stop <= size for (start, stop), size in zip(ranges, shape, strict=True)):
        hint = "128 takes the first 128 pixels along each axis, 0:128,64:192 a range along each"
        raise InputError(f"{option} {window} does not lie inside the image of shape {shape}; {hint}")
    return tuple(slice(*ends) for ends in ranges)


def _range(part: str, size: int, window: str, option: str) -> tuple[int, int]:
    """Return start and stop of a window along one axis; an end that is left out is that of the image."""
    ends = part.split(":")
    if not (1 <= len(ends) <= 2 and all(re.fullmatch(r"[0-9]*", end) and len(end) <= _MOST_DIGITS for end in ends)) or not part:
        raise InputError(f"{option} must be as 128, 0:128,0:128 or :400,: (up to row 400, all columns), got {window!r}")
    return (0, int(ends[0])) if len(ends) == 1 else (int(ends[0] or 0), int(ends[1] or size))
