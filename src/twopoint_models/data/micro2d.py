"""The reader of MICRO2D, 87,379 periodic two-phase microstructures in ten classes, and of files in its layout."""

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
    refuse_filter,
    refuse_holes,
)
from .resizing import resize
from .splits import SPLITS, check_three, deal_out

MISSING = ("refuse", "drop", "keep")


class MICRO2D:
    """Read microstructures from an HDF5 file in MICRO2D's layout, one at a time: a dataset for ``torch.utils.data.DataLoader`` or a loop.

    A file has a group for each class. The group holds a dataset (n, H, W) of 0 and 1 with the name of the class, and datasets (n,
    contrasts, k) of properties, whose attribute INSTRUCTIONS names the k. Images are read when they are used; before that only shapes and
    the requested properties are read. Each process opens the file once, so that several workers can read.

    Parameters
    ----------
    path : str or path
        The file, e.g. ``MICRO2D_homogenized.h5``.
    classes : list of str, optional
        Classes to read, in this order; by default all, sorted.
    size : int, optional
        Images are resized to (size, size) pixels by :func:`resize`; None keeps their size.
    split : "train", "validation" or "test", optional
        A part of each class; the three parts are disjoint and complete. By default all images.
    properties : list of str, optional
        Properties to return with each image: names in the file's INSTRUCTIONS, or the name of a dataset for all of its columns.
    contrast : int, optional
        Index of the contrast of the phases; -1 is the last. Required for properties with several contrasts.
    fractions : three floats
        Fractions of train, validation and test in each class.
    seed : int
        Seed of the split. It depends on a hash, so that the same seed gives the same split on every machine.
    missing : "refuse", "drop" or "keep"
        What to do if a requested property is NaN: refuse the file, leave the image out, or return NaN.
    together : bool
        Split indices rather than images, so that the images of all classes at the same index are in the same part. In MICRO2D images of the
        same index share volume fraction and large-scale correlation in most classes, so that otherwise the training images reveal much of a
        test image.

    Attributes
    ----------
    classes : tuple of str
        Classes of the dataset.
    property_names : tuple of str
        Names of the properties of an item, in order.

    Raises
    ------
    FileNotFoundError, PermissionError
        If the file is missing, or cannot be read.
    TypeError, ValueError
        If the file is truncated, incomplete or of another layout, lacks a class or a property, an option is invalid, or sizes differ
        between classes where size is None. On reading, if an image is not of 0 and 1 or is missing, or the file has changed.

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
        together: bool = True,
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
            raise ValueError(f"size must be a number, because the sizes of the classes differ, {self._shapes}; or read them one by one")
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
        """Return an image with its labels.

        A dict of image (1, H, W) float32, the membership of phase 1; name, its class; class_index, the index of the class in ``classes``;
        index, the index of the image in the class; and properties (k,) float32.
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
        return vars(self) | {"_file": None, "_sources": {}, "_process": -1}  # an open file cannot be sent to a worker

    @property
    def class_indices(self) -> np.ndarray:
        """The class of each image as an index of ``classes``, (n,)."""
        return self._class_of.copy()

    @property
    def indices(self) -> np.ndarray:
        """The index of each image in its class, (n,)."""
        return self._index_of.copy()

    @property
    def properties(self) -> np.ndarray:
        """The properties of all images, (n, k) float32."""
        return self._properties.copy()

    @property
    def labels(self) -> list[str]:
        """The labels of all images, empty if the file has none. Labels of generated images are their parameters as JSON."""
        with open_file(self.path) as file, readable(str(self.path)):
            known = {name: file[name].get(labels_of(name)) for name in self.classes}
            for name, labels in known.items():
                if labels is not None:
                    refuse_filter(labels, f"labels of {name} in {self.path}")
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
            raise ValueError(f"{what} is not binary: it holds {image[other][0]}, where 0 and 1 are expected")
        return image.astype(np.uint8, copy=False)

    def _source(self, name: str) -> h5py.Dataset:
        """Return the images of a class. Each process opens them once, because looking them up takes longer than reading an image."""
        if self._file is None or self._process != os.getpid():
            file = open_file(self.path)
            with readable(str(self.path)):
                shapes = class_shapes(file, self.path)
                if any(shapes.get(each) != shape for each, shape in self._shapes.items()):
                    raise ValueError(f"{self.path} has changed since: its classes were {self._shapes}, and are now {shapes}")
                self._sources = {each: file[each][each] for each in self.classes}
            self._file, self._process = file, os.getpid()
        return self._sources[name]

    def _known(self, name: str, at: np.ndarray, values: np.ndarray, missing: str, columns: tuple[Column, ...]) -> np.ndarray:
        """Return the indices of the images of a class; leave out or refuse images that lack a property."""
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
    """Return the sorted indices of a split that are below a number."""
    if split is None:
        return np.arange(number)
    chosen = deal_out(dealt, shares, key)[SPLITS.index(split)]
    return chosen[chosen < number]


def _choice(name: str, value: Any, known: tuple[Any, ...]) -> Any:
    """Return a value; refuse a value that is not in the list."""
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")
    return value
