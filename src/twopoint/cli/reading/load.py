"""From what a person names to labels: reading, masking, segmenting, and saying what was done."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..terminal import InputError, say, working
from .doubts import doubts
from .image import Image, read
from .segmentation import Segmentation, few_values, segment
from .spacing import Spacing, nearest_pixels, spacing_note


@dataclass(frozen=True)
class Reading:
    """How files are to be read: which part, and how gray values become phases."""

    window: str | None = None
    threshold: str | None = None
    phases: int | None = None
    of_b: bool = False  # whether window and threshold are --window-b and --threshold-b, as errors name them


@dataclass(frozen=True)
class Input:
    """An image and its phases.

    Attributes
    ----------
    image : Image
        As read.
    found : Segmentation
        Its phases.
    mask : boolean array (*space) or None
        Which points count; None where all do.
    """

    image: Image
    found: Segmentation
    mask: np.ndarray | None

    @property
    def name(self) -> str:
        """The file, dataset and index."""
        return str(self.image.source)

    @property
    def title(self) -> str:
        """The same without folders, for a picture."""
        return self.image.source.title

    def figures(self) -> dict[str, Any]:
        """Return what a reader of the figures must know of the image."""
        found = self.found
        points = self.image.values.size if self.mask is None else int(np.count_nonzero(self.mask))
        return {
            "source": self.name,
            "shape": list(self.image.values.shape),
            "points": points,
            "segmentation": {"method": found.method, "thresholds": list(found.thresholds), "values": list(found.values)},
        }


def load(text: str, how: Reading, mask: str | None = None, *, spaced: bool = False) -> Input:
    """Read an image and tell its phases apart; colours that became gray, and thresholds that were chosen, are said.

    Parameters
    ----------
    text : str
        The image, as :func:`files.read` takes it.
    how : Reading
        Window and segmentation.
    mask : str, optional
        An image of the same size, of which the same window is taken.
    spaced : bool
        Whether --spacing was given; otherwise a spacing that the file holds is said.

    Returns
    -------
    Input

    Raises
    ------
    InputError
        If a file cannot be read or segmented, or the mask does not fit.
    """
    with working(f"reading {text}"):
        image = read(text, how.window, "--window-b" if how.of_b else "--window")
    for remark in image.remarks:
        say("note:", remark)
    if image.spacing is not None and not spaced:
        say(f"note: {image.source}: {spacing_note(image.spacing)}")
    counting = None if mask is None else _counting(read(mask, how.window), image)
    with working("telling phases apart"):
        found = segment(image, threshold=how.threshold, phases=how.phases, mask=counting)
    if found.thresholds:
        say(f"note: {image.source}:", found.method)
        for remark in doubts(image, found, counting):
            say(f"note: {image.source}: {remark}")
    return Input(image, found, counting)


def _counting(mask: Image, image: Image) -> np.ndarray | None:
    """Return the points that count, those that are not 0; None where all do."""
    if mask.values.shape != image.values.shape:
        raise InputError(f"--mask {mask.source} has shape {mask.values.shape}, the image {image.values.shape}; they must be equal")
    distinct = few_values(mask.values, 2)
    if distinct is None or (len(distinct) == 2 and distinct.astype(bool).all()):
        raise InputError(f"--mask {mask.source} must hold 0 for points that are left out and one other value, like a black and white image")
    if not distinct.any():
        raise InputError(f"--mask {mask.source} leaves out all points")
    return None if distinct.all() else mask.values != 0


def sampled(given: Input, own: Spacing, wanted: Spacing) -> Input:
    """Return an image at the nearest pixels to points of a coarser spacing: 2-point statistics of points know no other averaging.

    Parameters
    ----------
    given : Input
        The image.
    own : Spacing
        Its spacing.
    wanted : Spacing
        At least that along each axis.
    """
    index = nearest_pixels(given.image.values.shape, own, wanted)
    if index is None:
        return given
    return replace(
        given, image=replace(given.image, values=given.image.values[index]), found=replace(given.found, labels=given.found.labels[index])
    )
