"""Loading: an image is read, masked and segmented, with notes on every choice that was made for the user."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..terminal import InputError, say, working
from .doubts import doubts
from .image import Image, read
from .segmentation import Segmentation, few_values, has_colours, segment
from .spacing import Spacing, nearest_pixels, spacing_note


@dataclass(frozen=True)
class ReadingOptions:
    """The part of a file that is read, and the segmentation of its gray values."""

    window: str | None = None
    threshold: str | None = None
    phases: int | None = None
    of_b: bool = False  # whether window and threshold come from --window-b and --threshold-b, for errors


@dataclass(frozen=True)
class LoadedImage:
    """An image and its phases.

    Attributes
    ----------
    image : Image
        The image as it was read.
    segmentation : Segmentation
        Its phases.
    mask : boolean array (*space) or None
        Points inside the mask; None without a mask.
    """

    image: Image
    segmentation: Segmentation
    mask: np.ndarray | None

    @property
    def name(self) -> str:
        """The file, dataset and index."""
        return str(self.image.source)

    @property
    def title(self) -> str:
        """The name without folders, for titles."""
        return self.image.source.title

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of pixels along each axis."""
        return self.image.values.shape

    @property
    def n_points(self) -> int:
        """The number of points inside the mask."""
        return self.image.values.size if self.mask is None else int(np.count_nonzero(self.mask))

    @property
    def colours(self) -> bool:
        """Whether the labels are of colours, which have an order but no values."""
        return has_colours(self.image)

    def summary(self) -> dict[str, Any]:
        """Return name, shape and segmentation for a .json file."""
        segmentation = self.segmentation
        return {
            "source": self.name,
            "shape": list(self.shape),
            "points": self.n_points,
            "segmentation": {
                "method": segmentation.method,
                "thresholds": list(segmentation.thresholds),
                "values": list(segmentation.values),
            },
        }


def load(text: str, options: ReadingOptions, mask: str | None = None, *, spaced: bool = False) -> LoadedImage:
    """Read an image and segment it; print notes on converted colours, chosen thresholds and doubts.

    Parameters
    ----------
    text : str
        Name of the image, as :func:`image.read` takes it.
    options : ReadingOptions
        Window and segmentation.
    mask : str, optional
        Name of an image of the same size; the same window is read from it.
    spaced : bool
        Whether --spacing was set; otherwise a note gives the spacing in the file.

    Returns
    -------
    LoadedImage

    Raises
    ------
    InputError
        If a file cannot be read or segmented, or the mask does not fit.
    """
    with working(f"reading {text}"):
        image = read(text, options.window, "--window-b" if options.of_b else "--window")
    for remark in image.remarks:
        say("note:", remark)
    if image.spacing is not None and not spaced:
        say(f"note: {image.source}: {spacing_note(image.spacing)}")
    point_mask = None if mask is None else _point_mask(read(mask, options.window), image)
    with working("segmenting"):
        segmentation = segment(image, threshold=options.threshold, phases=options.phases, mask=point_mask)
    if segmentation.thresholds:
        say(f"note: {image.source}:", segmentation.method)
    for remark in doubts(image, segmentation, point_mask):
        say(f"note: {image.source}: {remark}")
    return LoadedImage(image, segmentation, point_mask)


def recorded_spacing(loaded: LoadedImage, option: str = "--spacing") -> Spacing:
    """Return the spacing in the file, for --spacing file; raise an error, with the option that takes a length, if there is none."""
    if loaded.image.spacing is None:
        raise InputError(f"--spacing file: {loaded.name} has no spacing of its pixels; pass a length, such as {option} 0.65um")
    return loaded.image.spacing


def _point_mask(mask: Image, image: Image) -> np.ndarray | None:
    """Return the points where a mask is not 0; None if it is 0 nowhere."""
    if mask.values.shape != image.values.shape:
        raise InputError(f"--mask {mask.source} has shape {mask.values.shape}, the image {image.values.shape}; they must be equal")
    distinct = few_values(mask.values, 2)
    if distinct is None or (len(distinct) == 2 and distinct.astype(bool).all()):
        raise InputError(f"--mask {mask.source} must hold 0 for points that are left out and one other value, like a black and white image")
    if not distinct.any():
        raise InputError(f"--mask {mask.source} leaves out all points")
    return None if distinct.all() else mask.values != 0


def resample(loaded: LoadedImage, own: Spacing, coarser: Spacing) -> LoadedImage:
    """Return an image at the pixels nearest to points of a coarser spacing: 2-point statistics are of points, not of averages.

    Parameters
    ----------
    loaded : LoadedImage
        The image.
    own : Spacing
        Its spacing.
    coarser : Spacing
        The spacing of the points, at least ``own`` along each axis.
    """
    index = nearest_pixels(loaded.shape, own, coarser)
    if index is None:
        return loaded
    image = replace(loaded.image, values=loaded.image.values[index])
    return replace(loaded, image=image, segmentation=replace(loaded.segmentation, labels=loaded.segmentation.labels[index]))
