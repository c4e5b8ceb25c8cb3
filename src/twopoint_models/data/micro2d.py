"""MICRO2D: 87,379 periodic two-phase microstructures in ten classes, and files in its layout, read lazily."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..checks import item as item_of
from ..checks import positive
from .layout import (
    Column,
    choose_classes,
    choose_columns,
    class_shapes,
    labels_of,
    open_file,
    read_columns,
    read_image,
    readable,
    refuse_holes,
)
from .resizing import resize
from .splits import SPLITS, check_three, deal_out

MISSING = ("refuse", "drop", "keep")


class MICRO2D:
    """Microstructures of an HDF5 file in MICRO2D's layout, one at a time: a dataset for ``torch.utils.data.DataLoader``, or for a loop.

    A file has a group for each class. In it stand the dataset of the class's name, (n, H, W) of 0 and 1, and datasets of properties,
    (n, contrasts, k), whose attribute INSTRUCTIONS names the k. Nothing but shapes and the properties asked for is read before an image is
    wanted. The file is opened once in each process that reads, so that several workers may.

    Parameters
    ----------
    path : str or path
        The file, e.g. ``MICRO2D_homogenized.h5``.
    classes : list of str, optional
        Classes to take, in this order; by default all, sorted.
    size : int, optional
        Images are resized to (size, size) pixels as :func:`resize` says; None leaves them as they are.
    split : "train", "validation" or "test", optional
        A part of each class; the three are disjoint and make up all. By default all.
    properties : list of str, optional
        Properties to give with each image: names that the file's INSTRUCTIONS use, or the name of a dataset for all that it holds.
    contrast : int, optional
        Which contrast of the phases the properties are for, an index; -1 is the last. Needed with properties that have several.
    fractions : three floats
        Shares of train, validation and test in each class.
    seed : int
        Another seed deals the images out anew. The same seed deals the same on every machine: by a hash, not by a random generator.
    missing : "refuse", "drop" or "keep"
        What to do where a wanted property is NaN: refuse the file, leave the image out, or give the NaN.
    together : bool
        Deal out indices rather than images, so that the images of all classes at one index come into one part. In MICRO2D those of most
        classes share volume fraction and large-scale correlation: without it much of a test image is known from training.

    Attributes
    ----------
    classes : tuple of str
        The classes that are read.
    property_names : tuple of str
        What the properties of an item are, in this order.

    Raises
    ------
    FileNotFoundError, PermissionError
        If there is no such file, or it may not be read.
    TypeError, ValueError
        If the file is truncated, incomplete or of another layout, lacks a class or a property, or an option means nothing, or classes
        differ in size where size is None; when read, if an image is not of 0 and 1, is lost, or the file has changed.

    References
    ----------
    Robertson, Generale, Kelly, Buzzy, Kalidindi, *MICRO2D: A Large, Statistically Diverse, Heterogeneous Microstructure Dataset*,
    Integrating Materials and Manufacturing Innovation 13 (2024) 120. Cai et al., section 3.5, resize its images to 224.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from twopoint_models.data import MICRO2D, MICRO2DWriter
    >>> path = tempfile.mkdtemp() + "/own.h5"
    >>> with MICRO2DWriter(path, {"stripes": 4}, size=8) as writer:
    ...     writer.write("stripes", np.tile(np.array([0, 1], np.uint8), (4, 8, 4)))
    >>> dataset = MICRO2D(path, size=None)
    >>> len(dataset), dataset[3]["name"], dataset[3]["image"].shape
    (4, 'stripes', (1, 8, 8))
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        classes: Iterable[str] | None = None,
        size: int | None = 224,
        split: str | None = None,
        properties: Iterable[str] | None = None,
        contrast: int | None = None,
        *,
        fractions: Iterable[float] = (0.8, 0.1, 0.1),
        seed: int = 0,
        missing: str = "refuse",
        together: bool = False,
    ) -> None:
        self.path, self.size = Path(path), None if size is None else positive("size", size)
        self.split = _choice("split", split, (None, *SPLITS))
        _choice("missing", missing, MISSING)
        shares = check_three(fractions)
        with open_file(self.path) as file, readable(str(self.path)):
            found = class_shapes(file, self.path)
            self.classes = choose_classes(classes, found, self.path)
            refuse_holes(file, self.classes, self.path)
            columns = choose_columns(file, self.classes, properties, contrast)
            values = {name: read_columns(file, name, columns) for name in self.classes}
        self._shapes = {name: found[name] for name in self.classes}
        if self.size is None and len({shape[1:] for shape in self._shapes.values()}) > 1:
            raise ValueError(f"size must be a number of pixels, or the classes read apart: their images differ, {self._shapes}")
        self.property_names = tuple(column.name for column in columns)
        most = max(shape[0] for shape in found.values())
        keys = {name: (most, f"{seed}") if together else (found[name][0], f"{seed}/{name}") for name in self.classes}
        members = {name: _members(*keys[name], found[name][0], split, shares) for name in self.classes}
        if columns:
            members = {name: self._known(name, at, values[name], missing, columns) for name, at in members.items()}
            if missing == "drop" and not any(map(len, members.values())):
                raise ValueError(f"no image has all of {', '.join(self.property_names)}: missing='drop' leaves none")
        self._class_of = np.concatenate([np.full(len(at), i) for i, at in enumerate(members.values())])
        self._index_of = np.concatenate([*members.values()])
        self._properties = np.concatenate([values[name][at] for name, at in members.items()]).astype(np.float32)
        self._file: h5py.File | None = None
        self._sources: dict[str, h5py.Dataset] = {}
        self._process = -1

    def __len__(self) -> int:
        return len(self._index_of)

    def __getitem__(self, item: int) -> dict[str, Any]:
        """Return an image and what it is.

        image (1, H, W) float32, the membership of phase 1; its class's name, and class_index, the place of that in ``classes``; index, its
        place in the class; and properties (k,) float32.
        """
        at = item_of(item, len(self))
        image = self._read(at)
        image = image if self.size is None else resize(image, self.size)
        return {
            "image": image[None].astype(np.float32),
            "name": self.classes[self._class_of[at]],
            "class_index": int(self._class_of[at]),
            "index": int(self._index_of[at]),
            "properties": self._properties[at],
        }

    def __repr__(self) -> str:
        return f"MICRO2D({str(self.path)!r}, {len(self)} images of {len(self.classes)} classes, split={self.split!r}, size={self.size})"

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_file": None, "_sources": {}, "_process": -1}  # an open file does not travel to a worker

    @property
    def class_indices(self) -> np.ndarray:
        """The class of each image as its place in ``classes``, (n,)."""
        return self._class_of.copy()

    @property
    def indices(self) -> np.ndarray:
        """The place of each image in its class, (n,): what images of all classes share may be told by it."""
        return self._index_of.copy()

    @property
    def properties(self) -> np.ndarray:
        """The properties of all images, (n, k) float32."""
        return self._properties.copy()

    @property
    def labels(self) -> list[str]:
        """The labels of all images in the file, empty where it has none; those of generated images are their parameters as JSON."""
        with open_file(self.path) as file, readable(str(self.path)):
            known = {name: file[name].get(labels_of(name)) for name in self.classes}
            read = {name: [""] * self._shapes[name][0] if at is None else at.asstr()[:].tolist() for name, at in known.items()}
        return [read[self.classes[c]][i] for c, i in zip(self._class_of, self._index_of, strict=True)]

    def _read(self, at: int) -> np.ndarray:
        """Read an image, (H, W) uint8."""
        name, index = self.classes[self._class_of[at]], int(self._index_of[at])
        source, what = self._source(name), f"image {index} of {name} in {self.path}"
        with readable(what):
            image = read_image(source, index)
        other = image > 1 if image.dtype == np.uint8 else (image != 0) & (image != 1)
        if other.any():
            raise ValueError(f"{what} is not binary: it holds {image[other][0]}, where 0 and 1 are wanted")
        return image.astype(np.uint8, copy=False)

    def _source(self, name: str) -> h5py.Dataset:
        """Return the images of a class, opened in this process once: to look them up takes longer than to read an image."""
        if self._file is None or self._process != os.getpid():
            file = open_file(self.path)
            with readable(str(self.path)):
                shapes = class_shapes(file, self.path)
                if any(shapes.get(each) != shape for each, shape in self._shapes.items()):
                    raise ValueError(f"{self.path} has changed since: its classes were {self._shapes}, and are {shapes}")
                self._sources = {each: file[each][each] for each in self.classes}
            self._file, self._process = file, os.getpid()
        return self._sources[name]

    def _known(self, name: str, at: np.ndarray, values: np.ndarray, missing: str, columns: tuple[Column, ...]) -> np.ndarray:
        """Return which images of a class to give, those that lack a property left out or refused."""
        lacking = np.isnan(values[at])
        if missing == "keep" or not lacking.any():
            return at
        if missing == "drop":
            return at[~lacking.any(axis=1)]
        first = self.property_names[int(lacking.any(axis=0).argmax())]
        number = int(lacking.any(axis=1).sum())
        other = "choose another contrast, or " if any(column.contrast is not None for column in columns) else ""
        raise ValueError(f"{number} of {len(at)} images of {name} have NaN for {first!r}; {other}pass missing='drop' or 'keep'")


def _members(dealt: int, key: str, number: int, split: str | None, shares: tuple[float, ...]) -> np.ndarray:
    """Return the sorted indices below a number that are in a split, of so many that are dealt out."""
    if split is None:
        return np.arange(number)
    chosen = deal_out(dealt, shares, key)[SPLITS.index(split)]
    return chosen[chosen < number]


def _choice(name: str, value: Any, known: tuple[Any, ...]) -> Any:
    """Refuse what is not among the known."""
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")
    return value
