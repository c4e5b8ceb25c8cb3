"""From what a person names to labels: reading, masking, segmenting, and saying what was done."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import InputError, say
from .files import Image, read
from .progress import working
from .segmentation import Segmentation, few_values, segment

_NOISE = 0.002  # share of single pixels; a segmented structure of a few pixels' size has a tenth of it


@dataclass(frozen=True)
class Reading:
    """How files are to be read: which part, and how gray values become phases."""

    window: str | None = None
    threshold: str | None = None
    phases: int | None = None


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


def load(text: str, how: Reading, mask: str | None = None) -> Input:
    """Read an image and tell its phases apart; colours that became gray, and thresholds that were chosen, are said.

    Parameters
    ----------
    text : str
        The image, as :func:`files.read` takes it.
    how : Reading
        Window and segmentation.
    mask : str, optional
        An image of the same size, of which the same window is taken.

    Returns
    -------
    Input

    Raises
    ------
    InputError
        If a file cannot be read or segmented, or the mask does not fit.
    """
    with working(f"reading {text}"):
        image = read(text, how.window)
    for remark in image.remarks:
        say("note:", remark)
    counting = None if mask is None else _counting(read(mask, how.window), image)
    with working("telling phases apart"):
        found = segment(image, threshold=how.threshold, phases=how.phases, mask=counting)
    if found.thresholds:
        say(f"note: {image.source}:", found.method)
        _say_noise(image, found)
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


def _say_noise(image: Image, found: Segmentation) -> None:
    """Say that single pixels stand alone, as noise makes them: they are interface to every statistic."""
    alone = np.ones(found.labels.shape, dtype=bool)
    for axis in range(alone.ndim):
        same = np.diff(found.labels, axis=axis) == 0
        first, last = ((slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None)))
        alone[first] &= ~same
        alone[last] &= ~same
    share = float(alone.mean())
    if share > _NOISE:
        say(
            f"note: {image.source}: {100 * share:.1f} % of the pixels differ from all their neighbours; "
            "that is noise, it adds to the specific surface, and smoothing the image first takes it away"
        )
