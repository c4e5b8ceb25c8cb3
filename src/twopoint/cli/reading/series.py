"""Several images in one TIFF: a series is chosen by name, channels and times by index, and what is missing is refused."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..terminal import InputError
from .names import Source

_MOST_NAMES = 8  # of series that an error lists
_SPACE = "ZQIYX"  # axes that are slices, rows and columns; Q and I are pages without a name
_NAMES = {"T": "times", "C": "channels", "S": "samples per pixel"}
_FIRST = "TCS"  # order of the axes from which an index takes one image or volume
_MOST_CHANNELS = 4  # of an ImageJ stack; more are slices, which tifffile's writer labels as channels
_ALPHA = (1, 2)  # kinds of extra samples that are transparency


@dataclass(frozen=True)
class Layout:
    """The axes of a series in the order in which they are read: times, channels, slices, rows, columns, colours.

    Attributes
    ----------
    axes : str
        Names of the axes in this order, without colours.
    shape : tuple of int
        Shape in this order, with colours.
    stored : tuple of int
        Shape in the file's order.
    order : tuple of int
        The file's axis for each axis.
    chosen : int
        Number of leading axes from which an index takes one image or volume.
    colours : bool
        Whether the last axis holds colours.
    pages : int array
        Page of each image, over the axes before rows and columns; empty if pages are not images.
    """

    axes: str
    shape: tuple[int, ...]
    stored: tuple[int, ...]
    order: tuple[int, ...]
    chosen: int
    colours: bool
    pages: np.ndarray

    @property
    def by_page(self) -> bool:
        """Whether pages are images, so that some of them can be decoded alone."""
        return self.pages.size > 0

    @classmethod
    def of(cls, series: Any, *, coloured: bool) -> "Layout":
        """Return the layout of a series; ``coloured`` says whether the file declares its samples to be colours."""
        axes, shape = str(series.axes), tuple(int(size) for size in series.shape)
        colours = "S" in axes and _are_colours(series.keyframe, shape[axes.index("S")], coloured)
        space = _SPACE + "C" * _labels_slices_as_channels(series, axes, shape)
        named = [at for at, axis in enumerate(axes) if axis not in space and not (axis == "S" and colours)]
        named.sort(key=lambda at: _FIRST.find(axes[at]))
        last = [axes.index("S")] if colours else []
        order = (*named, *(at for at in range(len(axes)) if at not in named and at not in last), *last)
        pages: np.ndarray = np.zeros(0, dtype=int)
        if axes.endswith("YX") and len(axes) > 2 and tuple(series.keyframe.shape) == shape[-2:] and len(series) == np.prod(shape[:-2]):
            pages = np.arange(len(series)).reshape(shape[:-2]).transpose(order[:-2])
        names = "".join(axes[at] for at in order[: len(axes) - colours])
        return cls(names, tuple(shape[at] for at in order), shape, order, len(named), colours, pages)


def _labels_slices_as_channels(series: Any, axes: str, shape: tuple[int, ...]) -> bool:
    """Return whether an ImageJ stack has more channels than a microscope and no slices, and is not shown as a composite of them."""
    composite = series.kind == "imagej" and (series.keyframe.parent.imagej_metadata or {}).get("mode") == "composite"
    return series.kind == "imagej" and axes == "CYX" and shape[0] > _MOST_CHANNELS and not composite


def _are_colours(page: Any, samples: int, coloured: bool) -> bool:
    """Return whether the samples of a pixel are colours, or gray and transparency; otherwise they are channels."""
    extra = [int(kind) for kind in page.extrasamples]
    if coloured:
        return samples in (3, 4)
    return samples == 2 and len(extra) == 1 and extra[0] in _ALPHA


def choose_series(file: Any, source: Source) -> tuple[int, tuple[str, ...]]:
    """Return the number of the series that a name takes, ``file.tif:1``, or of the only one of full size, and a remark on smaller copies.

    Raises
    ------
    InputError
        If several images are in the file and none is named.
    """
    every = file.series
    if not every:
        raise InputError(f"{source} cannot be read: it does not hold an image")
    if source.dataset is not None:
        if not re.fullmatch("[0-9]{1,9}", source.dataset) or int(source.dataset) >= len(every):
            raise InputError(f"{source} is not an image of the file; {source.path} holds {_listed(every, source.path)}")
        return int(source.dataset), ()
    full = [number for number, one in enumerate(every) if not one.keyframe.is_reduced]
    if len(full) == 1 and len(every) > 1:
        reduced = len(every) - 1
        return full[0], (f"{reduced} reduced cop{'ies' if reduced > 1 else 'y'} in the file, such as a thumbnail, left out",)
    if len(every) > 1:
        largest = max(range(len(every)), key=lambda number: every[number].size)
        raise InputError(f"{source} holds {len(every)} images: {_listed(every, source.path)}; name one, such as '{source.path}:{largest}'")
    return 0, ()


def _listed(every: list[Any], path: Path) -> str:
    """List the series of a file with their names, shapes and dtypes."""
    shown = [f"'{path}:{number}' {one.shape} {one.dtype}" for number, one in enumerate(every[:_MOST_NAMES])]
    return ", ".join(shown) + (f" and {len(every) - _MOST_NAMES} more" if len(every) > _MOST_NAMES else "")


def refuse_missing(file: Any, series: Any, source: Source) -> None:
    """Raise an error for planes that are in other files which do not exist, and for strips without data: tifffile reads both as zeros."""
    pages = list(series)
    lost = sum(page is None for page in pages)
    if lost:
        names = dict.fromkeys(re.findall(r'FileName="([^"]*)"', str(file.ome_metadata or "")))
        absent = [name for name in names if not (source.path.parent / name).is_file()]
        where = f": they are in {', '.join(absent[:_MOST_NAMES])}, which must be in the same folder" if absent else ""
        raise InputError(f"{source} lacks {lost} of its {len(pages)} planes{where}")
    for page in pages:
        counts = page.databytecounts
        if 0 in counts:
            raise InputError(f"{source} lacks {sum(count == 0 for count in counts)} of {len(counts)} strips or tiles of its image")


def refuse_unchosen(source: Source, series: Any, layout: Layout) -> None:
    """Raise an error for channels or times from which no index takes one, with the index that does."""
    open_axes = [at for at in range(len(source.index), layout.chosen) if layout.shape[at] > 1]
    if not open_axes:
        return
    held = " of ".join(f"{layout.shape[at]} {_NAMES.get(layout.axes[at], 'positions on axis ' + layout.axes[at])}" for at in open_axes)
    name = f"{source.path}{':' + source.dataset if source.dataset else ''}"
    index = [*source.index, *[0] * (layout.chosen - len(source.index))]
    last = [*source.index, *(layout.shape[at] - 1 for at in range(len(source.index), layout.chosen))]
    first, final = (f"'{name}[{','.join(map(str, numbers))}]'" for numbers in (index, last))
    times = "" if "Z" in layout.axes or "T" not in layout.axes else "; if the times are slices of a volume, label them as Z"
    raise InputError(f"{source} holds {held} (axes {series.axes}, shape {series.shape}); take one, {first} to {final}{times}")
