"""Images of the user's, one at a time: files, folders and patterns as ``twopoint stats`` reads them, MICRO2D's files, arrays, datasets."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from twopoint.cli.many.folder import stamp
from twopoint.cli.reading.collect import collect
from twopoint.cli.reading.image import read
from twopoint.cli.reading.load import ReadingOptions, load
from twopoint.cli.reading.names import HDF5
from twopoint.cli.terminal import InputError

LABELS = 16  # a gray image whose values are all below this number holds labels, which are stretched


@dataclass(frozen=True)
class Reading:
    """How files become arrays: the options of ``twopoint stats``, and whether gray values are kept."""

    window: str | None = None
    threshold: str | None = None
    phases: int | None = None
    gray: bool = False


@dataclass(frozen=True)
class OneImage:
    """An image that is not read yet.

    Attributes
    ----------
    name : str
        The file as it was named, "class[3]" of a MICRO2D file, or the number in an array.
    source : object
        The name of a file; (file, class, index); or the dataset itself, with the index.
    index : int
        Index in a MICRO2D file or a dataset.
    output : str
        A name for files that are made of it.
    """

    name: str
    source: Any
    index: int = -1
    output: str = ""

    def read(self, reading: Reading) -> tuple[np.ndarray, int]:
        """Return labels (H, W), uint8, or gray values in [0, 1], float32, and the number of phases, 0 for gray values."""
        if isinstance(self.source, str) and self.index < 0:
            return _read_file(self.source, reading)
        values = _read_item(self.source, self.index)
        if reading.gray:
            return values.astype(np.float32), 0
        if not np.isin(values, range(8)).all():
            raise InputError(f"{self.name} must hold labels of phases, 0 to 7, got values from {values.min():g} to {values.max():g}")
        return values.astype(np.uint8), max(int(values.max()) + 1, 2)

    def absolute(self) -> "OneImage":
        """Return the image by the whole path of its file."""
        if isinstance(self.source, str):
            return replace(self, source=os.path.abspath(self.source))
        return replace(self, source=(os.path.abspath(self.source[0]), self.source[1])) if isinstance(self.source, tuple) else self

    def stamp(self) -> Any:
        """Return what changes when the image changes: size and time of its file; None for arrays."""
        text = self.source if isinstance(self.source, str) else self.source[0] if isinstance(self.source, tuple) else None
        return None if text is None else stamp(text)


@dataclass(frozen=True)
class Images(Sequence[Any]):
    """Images that are read when they are used; ``images[3]`` is an array (H, W), ``images.names[3]`` its name.

    ``numpy.asarray(images)`` stacks images of one size, (n, H, W), for ``encode`` and ``reconstruct`` of a network.
    """

    entries: list[OneImage] = field(repr=False)
    reading: Reading

    @property
    def names(self) -> list[str]:
        """Names of the images."""
        return [entry.name for entry in self.entries]

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, item: Any) -> Any:
        """Return an image (H, W): labels, uint8, or gray values in [0, 1], float32; for a slice other Images."""
        return Images(self.entries[item], self.reading) if isinstance(item, slice) else self.entries[item].read(self.reading)[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Shaped[np.ndarray, "n height width"]:
        """Return all images as one array (n, H, W); raise ValueError if their sizes differ."""
        found = list(self)
        if len(sizes := {each.shape for each in found}) > 1:
            raise ValueError(f"images must have one size for one array, got {len(sizes)}: {sorted(sizes)[:4]}")
        return np.asarray(np.stack(found), dtype=dtype)


def open_images(
    source: Any,
    *,
    phases: int | None = None,
    threshold: str | None = None,
    window: str | None = None,
    gray: bool = False,
    results: Path | None = None,
) -> Images:
    """Return images that are read one at a time.

    Parameters
    ----------
    source : str, path or list of these; array (H, W) or (n, H, W); sequence of arrays
        Files, folders and patterns, as ``twopoint stats`` takes them. An HDF5 file in MICRO2D's layout stands for all its images. A
        dataset of torch has ``len`` and items (H, W), (1, H, W), or dicts of these under "image".
    phases, threshold, window
        Segmentation of gray files and the part that is read, as ``--phases``, ``--threshold`` and ``--window`` of ``twopoint stats``: by
        default Otsu's method, two phases; up to 8 distinct values are labels.
    gray : bool
        Return gray values in [0, 1] instead of phases: 8-bit values over 255, others stretched.
    results : path, optional
        Folder that is left out of folders and patterns.

    Returns
    -------
    Images

    Raises
    ------
    ValueError
        If there is no image, or a folder or pattern has none; at reading, if a file cannot be read or segmented.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models import open_images
    >>> images = open_images(np.eye(32)[None].repeat(3, axis=0))
    >>> len(images), images[0].shape, np.asarray(images).shape
    (3, (32, 32), (3, 32, 32))
    """
    reading = Reading(window, threshold, phases, gray)
    if isinstance(source, (str, os.PathLike)):
        source = [source]
    if isinstance(source, (list, tuple)) and source and all(isinstance(each, (str, os.PathLike)) for each in source):
        texts = tuple(os.fspath(each) for each in source)
        entries = [entry for text in _runs(texts) for entry in (_micro2d(text) if isinstance(text, str) else _files(text, results))]
    else:
        source = source[None] if hasattr(source, "ndim") and source.ndim == 2 else source
        entries = [OneImage(str(i), source, i, f"image-{i}") for i in range(len(source))]
    if not entries:
        raise ValueError("images must be one or more, got none")
    return Images(entries, reading)


def _runs(texts: tuple[str, ...]) -> Iterator[str | tuple[str, ...]]:
    """Yield MICRO2D's files as a str each, and the others between them together."""
    others: list[str] = []
    for text in texts:
        if text.lower().endswith(HDF5) and Path(text).is_file() and _is_micro2d(text):
            if others:
                yield tuple(others)
            others = []
            yield text
        else:
            others.append(text)
    if others:
        yield tuple(others)


def _files(texts: tuple[str, ...], results: Path | None) -> list[OneImage]:
    """Return the images of files, folders and patterns."""
    return [OneImage(each.text, each.text, output=each.name) for each in collect(texts, results)]


def _is_micro2d(path: str) -> bool:
    """Tell whether a file is in MICRO2D's layout."""
    from .data.layout import class_shapes, open_file

    try:
        with open_file(Path(path)) as file:
            return bool(class_shapes(file, Path(path)))
    except (OSError, ValueError):
        return False


def _micro2d(path: str) -> list[OneImage]:
    """Return the images of a MICRO2D file."""
    from .data.layout import class_shapes, open_file

    with open_file(Path(path)) as file:
        shapes = class_shapes(file, Path(path))
    return [OneImage(f"{path}:{name}[{i}]", (path, name), i, f"{name}-{i}") for name, shape in shapes.items() for i in range(shape[0])]


_OPEN: dict[tuple[Any, ...], Any] = {}  # datasets of this process, by file, time of its change, and class


def _read_item(source: Any, index: int) -> np.ndarray:
    """Return an image (H, W) of a dataset, or of a class of a MICRO2D file."""
    if isinstance(source, tuple) and len(source) == 2 and isinstance(source[0], str):
        from .data.micro2d import MICRO2D

        path = Path(source[0]).resolve()
        key = (path, path.stat().st_mtime_ns, source[1])
        if key not in _OPEN:
            _OPEN[key] = MICRO2D(path, [source[1]], size=None)
        source = _OPEN[key]
    found = source[index]
    found = np.asarray(found["image"] if isinstance(found, dict) else found)
    found = found[0] if found.ndim == 3 and found.shape[0] == 1 else found
    if found.ndim != 2 or found.dtype.kind not in "biuf" or not found.size or not np.isfinite(found).all():
        raise InputError(f"image {index} must be finite numbers (H, W), got {found.dtype} of {found.shape}")
    return found


def _read_file(text: str, reading: Reading) -> tuple[np.ndarray, int]:
    """Return labels of a file, or its gray values in [0, 1], and the number of phases."""
    if reading.gray:
        values = read(text, reading.window).values
        found, phases = gray_values(values, text), 0
    else:
        loaded = load(text, ReadingOptions(reading.window, reading.threshold, reading.phases), spaced=True)
        found, phases = loaded.segmentation.labels, loaded.segmentation.n_phases
    if found.ndim != 2:
        raise InputError(f"{text} is a volume of {found.shape}; networks take images, such as '{text}[0]'")
    return found, phases


def gray_values(values: np.ndarray, name: str) -> np.ndarray:
    """Return gray values in [0, 1]: 8-bit ones over 255, others, and labels, stretched from the least to the largest."""
    if not np.isfinite(values).all() or values.min() == values.max():
        raise InputError(f"{name} must hold finite gray values, not all equal")
    if values.dtype == np.uint8 and values.max() >= LABELS:
        return values.astype(np.float32) / np.float32(255)
    low = values.astype(np.float32) - np.float32(values.min())
    return low / low.max()
