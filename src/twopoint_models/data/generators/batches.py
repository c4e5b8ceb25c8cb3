"""Many structures, in one process or several."""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
from jaxtyping import Float

from ...checks import positive
from ...processes import spread
from . import checks as check
from .cast_iron.drawing import graphite
from .cast_iron.kinds import GRAPHITE, check_size
from .classes import CLASSES, generate, source
from .structure import Structure

Block = tuple[str, int, int]  # class, first index, index behind the last
OTHER = 1_000_003  # offset of seeds, so that images for training and for evaluation differ
PATCH = 128  # pixels in which graphite has scale 1


def generate_blocks(
    blocks: Iterable[Block], size: int = 256, *, seed: int = 0, workers: int = 1
) -> Iterator[tuple[str, int, list[Structure]]]:
    """Generate blocks of images in order; each image is drawn from :func:`source` of its class, index and seed.

    So an image does not depend on the blocks or the number of processes. Lengths scale with the size: those of classes from 256 pixels,
    those of graphite from 128.

    Parameters
    ----------
    blocks : iterable of (class, start, stop)
        Classes of ``CLASSES`` or kinds of ``GRAPHITE``, and indices; ``MICRO2DWriter.missing`` returns such blocks.
    size : int
        Height and width in pixels.
    seed : int
        Seed of the dataset.
    workers : int
        Number of processes; with 1 this process does the work. Others import the calling script again, so the call must be guarded by
        ``if __name__ == "__main__"``.

    Yields
    ------
    (class, start, list of Structure)
        One for each block; a few blocks are generated ahead.

    Raises
    ------
    ValueError
        At the call, if a class is unknown, size or workers are not positive, or graphite would be thinner than a pixel at this size.

    Examples
    --------
    >>> from twopoint_models.data import generate_blocks
    >>> [(name, start, len(found)) for name, start, found in generate_blocks([("GRF", 0, 2), ("large spheres", 5, 6)], 64)]
    [('GRF', 0, 2), ('large spheres', 5, 1)]
    """
    positive("size", size)
    blocks = list(blocks)
    for name in dict.fromkeys(name for name, _, _ in blocks):  # check all names before the first block
        check.one_of("name", name, [*CLASSES, *GRAPHITE])
        if name in GRAPHITE:
            check_size(name, (size, size), size / PATCH)
    make = partial(_block, size, seed)
    return map(make, blocks) if positive("workers", workers) == 1 else spread(make, blocks, workers)


def generate_images(count: int, size: int, *, seed: int = 0) -> Float[np.ndarray, "count 1 size size"]:
    """Return images of MICRO2D's ten classes, in equal numbers up to one, in random order.

    Parameters
    ----------
    count : int
        Number of images.
    size : int
        Height and width in pixels.
    seed : int
        Seed of the images and their order. The images differ from those of :func:`generate_blocks` with the same seed.

    Returns
    -------
    float32 array (count, 1, size, size)
        Images of 0 and 1.

    Raises
    ------
    ValueError
        If a number is not positive.

    Examples
    --------
    >>> from twopoint_models.data import generate_images
    >>> generate_images(12, 32).shape
    (12, 1, 32, 32)
    """
    each = -(-positive("count", count) // len(CLASSES))
    blocks = generate_blocks([(name, 0, each) for name in CLASSES], size, seed=seed + OTHER)
    made = np.array([structure.image for _, _, found in blocks for structure in found], dtype=np.float32)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(made))
    last = rng.permutation(len(CLASSES))[len(made) - count :] * each + each - 1  # classes that get one image more
    return made[order[(order % each < each - 1) | np.isin(order, last)], None]


def _block(size: int, seed: int, block: Block) -> tuple[str, int, list[Structure]]:
    """Return a block's class, its first index, and its structures."""
    name, start, stop = block
    sources = (source(name, index, seed) for index in range(start, stop))
    if name in GRAPHITE:
        return name, start, [graphite(name, size, rng=rng, scale=size / PATCH) for rng in sources]
    return name, start, [generate(name, size, rng=rng) for rng in sources]
