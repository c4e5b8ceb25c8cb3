"""Patches of micrographs: sliding windows, read when they are used, with the parent of each."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..checks import item as item_of
from ..checks import positive
from .splits import check_fractions, deal_out


class SlidingWindows:
    """Return windows of large images, one at a time: a dataset for ``torch.utils.data.DataLoader`` or a loop.

    Windows of an image overlap if the stride is less than the size, so a split must keep all windows of a parent in one part. :meth:`split`
    distributes parents.

    Parameters
    ----------
    parents : list of arrays (H, W)
        The images. Memory maps of numpy, zarr arrays and HDF5 datasets are read one window at a time.
    size : int or (int, int)
        Height and width of a window in pixels.
    stride : int or (int, int), optional
        Pixels from one window to the next; by default the size, so that windows do not overlap. A remainder at the lower and right edges is
        not covered.
    labels : list, optional
        Label of each parent; by default its index in the list.

    Raises
    ------
    TypeError, ValueError
        If a parent does not have two axes or is smaller than a window, size or stride are not positive, or there is not one label for each
        parent.

    References
    ----------
    Sardeshmukh et al., section 4.1: 128 x 128 with stride 50 of 2048 x 1532.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.data import SlidingWindows
    >>> windows = SlidingWindows([np.zeros((1532, 2048))], 128, 50)
    >>> len(windows), windows[0]["image"].shape
    (1131, (128, 128))
    """

    def __init__(
        self,
        parents: Sequence[Any],
        size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        *,
        labels: Sequence[Any] | None = None,
    ) -> None:
        if not hasattr(parents, "__iter__") or len(getattr(parents, "shape", ())) == 2:
            raise TypeError(f"parents must be a list of images (H, W), got one {type(parents).__name__}; for one image write [image]")
        if labels is not None and (isinstance(labels, str) or not hasattr(labels, "__iter__")):
            raise TypeError(f"labels must be a list, one label a parent, got {labels!r}")
        self.parents = list(parents)
        self.size = _two("size", size)
        self.stride = self.size if stride is None else _two("stride", stride)
        self.labels = list(range(len(self.parents))) if labels is None else list(labels)
        if not self.parents or len(self.labels) != len(self.parents):
            counts = f"{len(self.labels)} labels and {len(self.parents)} parents"
            raise ValueError(f"there must be at least one parent, and one label for each parent; got {counts}")
        self._grids = [self._grid(i, parent) for i, parent in enumerate(self.parents)]
        self._ends = np.cumsum([rows * columns for rows, columns in self._grids])

    def _grid(self, number: int, parent: Any) -> tuple[int, int]:
        """Return the number of windows of a parent along each axis."""
        shape = tuple(getattr(parent, "shape", ()))
        if len(shape) != 2:
            hint = "; numpy.load(path, mmap_mode='r') gives one that is read a window at a time" if isinstance(parent, str) else ""
            raise ValueError(f"parents must have the shape (H, W), got {shape or type(parent).__name__} for number {number}{hint}")
        if any(n < s for n, s in zip(shape, self.size, strict=True)):
            raise ValueError(f"a window of {self.size} pixels does not fit in parent {number} ({self.labels[number]!r}) of {shape}")
        rows, columns = ((n - s) // d + 1 for n, s, d in zip(shape, self.size, self.stride, strict=True))
        return rows, columns

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, item: int) -> dict[str, Any]:
        """Return the image (h, w) as in the parent, the index and label of the parent, and row and column of the upper left pixel."""
        at = item_of(item, len(self))
        parent = int(np.searchsorted(self._ends, at, side="right"))
        i, j = divmod(at - (int(self._ends[parent - 1]) if parent else 0), self._grids[parent][1])
        row, column = i * self.stride[0], j * self.stride[1]
        image = np.asarray(self.parents[parent][row : row + self.size[0], column : column + self.size[1]])
        return {"image": image, "parent": parent, "label": self.labels[parent], "row": row, "column": column}

    def __repr__(self) -> str:
        return f"SlidingWindows({len(self.parents)} parents, size={self.size}, stride={self.stride}: {len(self)} windows)"

    def split(self, fractions: Iterable[float], seed: int = 0) -> list["SlidingWindows"]:
        """Split the parents into parts of given fractions, in the same way on every machine. Each part must get a parent."""
        shares, number = check_fractions(fractions), len(self.parents)
        chosen = [part.tolist() for part in deal_out(number, shares, str(seed))]
        if not all(chosen):
            hint = "leave out parts whose share is 0" if 0 in shares else f"a part needs a share of 1/{number} about"
            raise ValueError(f"{number} parents are too few for {len(shares)} parts with shares {shares}: {hint}")
        return [self._of(part) for part in chosen]

    @classmethod
    def together(cls, parts: Iterable["SlidingWindows"]) -> "SlidingWindows":
        """Concatenate windows of the same size and stride."""
        each = list(parts)
        if len({(part.size, part.stride) for part in each}) != 1:
            raise ValueError(f"parts must be one or more of one size and stride, got {each}")
        parents, labels = ([x for part in each for x in getattr(part, name)] for name in ("parents", "labels"))
        return cls(parents, each[0].size, each[0].stride, labels=labels)

    @classmethod
    def in_blocks(cls, images: Iterable[np.ndarray], size: int, stride: int) -> "SlidingWindows":
        """Return windows of blocks of two by two windows; each block is a parent, so that few images can be split.

        Parameters
        ----------
        images : arrays (H, W)
            Images. A remainder at the lower and right edges of an image larger than a block is left out.
        size, stride : int
            Size and stride of the windows in pixels.

        Returns
        -------
        SlidingWindows

        Raises
        ------
        TypeError, ValueError
            As for the constructor, with blocks as parents.
        """
        block = 2 * positive("size", size)
        places = ((x, i, j) for x in images for i in _starts(x.shape[0], block) for j in _starts(x.shape[1], block))
        return cls([x[i : i + block, j : j + block] for x, i, j in places], size, stride)

    def _of(self, numbers: list[int]) -> "SlidingWindows":
        """Return the windows of some parents."""
        return SlidingWindows([self.parents[i] for i in numbers], self.size, self.stride, labels=[self.labels[i] for i in numbers])


def _starts(length: int, block: int) -> range:
    """Return the starts of blocks that lie within a length; a shorter length is one block."""
    return range(0, max(length - block, 0) + 1, block)


def _two(name: str, value: Any) -> tuple[int, int]:
    """Return the number of pixels along each axis."""
    both = tuple(value) if hasattr(value, "__len__") else (value, value)
    if len(both) != 2:
        raise ValueError(f"{name} must be a number of pixels, or one per axis, got {value!r}")
    return positive(name, both[0]), positive(name, both[1])


class GrayPatches:
    """Windows as images (1, h, w) float32, divided by the gray value of white."""

    def __init__(self, windows: SlidingWindows, white: float) -> None:
        self.windows, self.white = windows, white

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, item: int) -> dict[str, Any]:
        found = self.windows[item]
        if found["image"].size and not found["image"].max() <= self.white:
            most = found["image"].max()
            raise ValueError(f"white must be the largest gray value, 255 for 8-bit images: a patch holds {most}, white is {self.white:g}")
        return found | {"image": found["image"][None].astype(np.float32) / np.float32(self.white)}


class PhasePatches:
    """Windows of labels as memberships (phases, h, w) float32."""

    def __init__(self, windows: SlidingWindows, phases: int) -> None:
        self.windows, self.phases = windows, positive("phases", phases)

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, item: int) -> dict[str, Any]:
        found = self.windows[item]
        labels = found["image"]
        if labels.min() < 0 or labels.max() >= self.phases:
            raise ValueError(f"labels must be 0 to {self.phases - 1}, a patch holds {labels.min()} to {labels.max()}")
        return found | {"image": (labels == np.arange(self.phases)[:, None, None]).astype(np.float32)}
