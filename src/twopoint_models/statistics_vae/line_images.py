"""Images of parallel lines, drawn when they are wanted: the set of Hashemi et al., of any size and number."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twopoint.synthetic import draw_lines

from ..checks import item, positive

ORIENTATIONS = ("horizontal", "vertical")
PAPER = 224  # pixels along an edge, for which the paper's thickness and gap are
THICKNESS, GAP = (5, 9), 10  # px there


class LineImages:
    """Black lines on white, all of an image horizontal or all vertical, half of the images each; an image hangs on seed and index alone.

    Lengths are from half the image to the whole. At 224 pixels lines are 5 to 9 pixels thick and their axes 10 apart; at other sizes as
    much of the image, at least 2 pixels thick and one apart.

    Parameters
    ----------
    count : int
        Number of images.
    size : int
        Height and width in pixels.
    n_lines : (int, int)
        Fewest and most lines, each number equally likely: (1, 5) in the paper, (3, 7) in its harder set.
    seed : int
        Another one gives other images.
    first : int
        Index of the first image, so that sets of one seed share none.

    Raises
    ------
    TypeError, ValueError
        If a number means nothing, or so many lines do not fit: then as :func:`twopoint.synthetic.draw_lines`.

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
        draw_lines((size, size), rng=np.random.default_rng(0), **self.options)  # what cannot be drawn is refused now

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
        """Return all images (n, 1, size, size) and labels (n,) by the same names; progress gets how many are drawn, and of how many."""
        found = []
        for i in range(self.count):
            found.append(self[i])
            if progress:
                progress(i + 1, self.count)
        return {name: np.array([each[name] for each in found]) for name in (found[0] if found else ())}
