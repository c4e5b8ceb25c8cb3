"""Images of parallel lines, generated on access: the dataset of Hashemi et al., of any size and number."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twopoint.synthetic import draw_lines

from ..checks import item, positive

ORIENTATIONS = ("horizontal", "vertical")
PAPER = 224  # pixels along an edge to which thickness and gap of the paper refer
THICKNESS, GAP = (5, 9), 10  # px at that size


class LineImages:
    """Images of black lines on white. The lines of an image are all horizontal or all vertical, with equal probability.

    An image depends on seed and index only. Lengths range from half the image to the whole. At 224 pixels lines are 5 to 9 pixels thick,
    with axes at least 10 apart. Other sizes scale these, with at least 2 pixels of thickness and one between lines.

    Parameters
    ----------
    count : int
        Number of images.
    size : int
        Height and width in pixels.
    n_lines : (int, int)
        Smallest and largest number of lines; all numbers are equally likely. (1, 5) in the paper, (3, 7) in its harder set.
    seed : int
        Different seeds give different images.
    first : int
        Index of the first image, with which sets of the same seed can be disjoint.

    Raises
    ------
    TypeError, ValueError
        If a number is invalid, or the lines do not fit, as for :func:`twopoint.synthetic.draw_lines`.

    References
    ----------
    Hashemi, Guerzhoy and Paulson (2024).

    Examples
    --------
    >>> from twopoint_models.statistics_vae import LineImages
    >>> images = LineImages(100, size=64)
    >>> found = images[3]
    >>> found["image"].shape, found["orientation"], found["n_lines"], found["index"]
    ((1, 64, 64), 1, 5, 3)
    """

    def __init__(self, count: int, *, size: int = PAPER, n_lines: tuple[int, int] = (1, 5), seed: int = 0, first: int = 0) -> None:
        self.count, self.size = positive("count", count, zero=True), positive("size", size)
        if len(np.atleast_1d(n_lines)) != 2:
            raise ValueError(f"n_lines must be the fewest and the most lines, got {n_lines!r}")
        self.n_lines, self.seed = (n_lines[0], n_lines[1]), positive("seed", seed, zero=True)
        self.first = positive("first", first, zero=True)
        thick = tuple(max(2, round(n * size / PAPER)) for n in THICKNESS)
        self.options: dict[str, Any] = dict(n_lines=self.n_lines, thickness=thick, gap=max(thick[1] + 1, round(GAP * size / PAPER)))
        draw_lines((size, size), rng=np.random.default_rng(0), **self.options)  # refuses options that cannot be drawn

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, at: int) -> dict[str, Any]:
        """Return a dict of image (1, size, size) float32, 0 on lines; orientation, 0 horizontal and 1 vertical; n_lines; and index."""
        index = self.first + item(at, self.count)
        rng = np.random.default_rng([self.seed, index])
        orientation = int(rng.integers(2))
        drawn = draw_lines((self.size, self.size), rng=rng, orientation=ORIENTATIONS[orientation], **self.options)
        image = (1 - drawn.labels.astype(np.float32))[None]
        return {"image": image, "orientation": orientation, "n_lines": drawn.n_lines, "index": index}

    def stacked(self, *, progress: Callable[[int, int], None] | None = None) -> dict[str, np.ndarray]:
        """Return all images (n, 1, size, size) and labels (n,) by name; progress is called with the number of images and the total."""
        found = []
        for i in range(self.count):
            found.append(self[i])
            if progress:
                progress(i + 1, self.count)
        return {name: np.array([each[name] for each in found]) for name in (found[0] if found else ())}
