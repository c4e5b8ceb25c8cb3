"""What of a texture vector a shift changes, layer by layer."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Shaped
from torch import nn

from ._images import stack
from .description import Progress, part_of
from .texture_vectors import on_device, texture_vectors

SHIFTS = ((1, 0), (0, 2), (4, 4), (0, 8), (3, 5), (16, 0), (0, 32), (48, 16))


class ShiftTask(NamedTuple):
    """What shifts change.

    Attributes
    ----------
    summary : dict
        For JSON, every number being the largest over images of ``|v' - v| / |v|``: "layers", by layer's name as a list over "shifts";
        "whole", the same of the vector of all layers; "batches", between vectors computed one by one and by the "batch".
    """

    summary: dict[str, Any]


def shift_task(
    network: nn.Module,
    images: Shaped[np.ndarray, "n *image"] | Sequence[np.ndarray],
    *,
    shifts: Sequence[tuple[int, int]] = SHIFTS,
    batch: int = 16,
    progress: Progress = None,
) -> ShiftTask:
    """Measure how texture vectors of images that are shifted around the torus differ from those of the images, layer by layer.

    With circular padding features move along with the image where the shift is a multiple of 2 for each pooling before them, 16 for
    conv5_1, and then Gram matrices stay the same. Other shifts, and zero padding, change them.

    Parameters
    ----------
    network : torch.nn.Module
        Such as :class:`twopoint_models.nets.VGG19` with ``layers=vgg.LUBBERS, pooling="mean", padding="circular"``.
    images : array (n, H, W), or list of arrays (H, W)
        Gray values in [0, 1]; sizes that are multiples of 16, or poolings leave a rest out.
    shifts : list of two ints
        Along rows and along columns, in pixels.
    batch : int
        Of the comparison of batches.
    progress : callable, optional
        Called with the number of images described and that of all.

    Returns
    -------
    ShiftTask

    Raises
    ------
    TypeError, ValueError
        If a shift is not two integers, or :func:`texture_vectors` refuses an image.

    References
    ----------
    Lubbers et al., section III.A, below eq. (1): "invariance to translations in the image plane (up to boundary effects)".

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import shift_task
    >>> from twopoint_models.nets import VGG19
    >>> network = VGG19.random(layers=("conv1_1", "conv2_1"), pooling="mean", padding="circular")
    >>> found = shift_task(network, np.random.default_rng(0).random((2, 16, 16)), shifts=[(1, 0), (2, 4)])
    >>> [[share < 1e-5 for share in row] for row in found.summary["layers"].values()]
    [[True, True], [False, True]]
    """
    moves = [tuple(shift) for shift in shifts]
    if not moves or not all(len(move) == 2 and all(isinstance(n, int) for n in move) for move in moves):
        raise ValueError(f"shifts must be pairs of integers, one or more, got {list(shifts)}")
    images = stack(images, unit=True)
    done, total = 0, (len(moves) + 2) * len(images)

    def described(shifted: np.ndarray, size: int = 1) -> np.ndarray:
        nonlocal done
        before, done = done, done + len(shifted)
        return texture_vectors(shifted, network, batch=size, progress=part_of(progress, before, total)).astype(np.float64)

    vectors = described(images)
    parts = _parts(network, images, vectors.shape[1])
    found: dict[str, Any] = {"shifts": [list(move) for move in moves], "layers": {name: [] for name in parts}, "whole": []}
    for move in moves:
        other = described(np.roll(images, move, axis=(-2, -1)))
        found["whole"].append(_change(vectors, other))
        for name, part in parts.items():
            found["layers"][name].append(_change(vectors[:, part], other[:, part]))
    return ShiftTask(found | {"batch": batch, "batches": _change(vectors, described(images, batch))})


def _parts(network: nn.Module, images: np.ndarray, length: int) -> dict[str, slice]:
    """Return which entries of a vector are of which layer."""
    first = torch.as_tensor(images[:1, None].astype(np.float32))
    with torch.no_grad():
        channels = [features.shape[1] for features in network(first.to(on_device(network, None)))]
    ends = np.cumsum([0, *(n * (n + 1) // 2 for n in channels)]).tolist()
    assert ends[-1] == length
    names = getattr(network, "layers", [f"layer {i}" for i in range(len(channels))])
    return {name: slice(begin, end) for name, begin, end in zip(names, ends[:-1], ends[1:], strict=True)}


def _change(vectors: np.ndarray, other: np.ndarray) -> float:
    """Return the largest relative difference of two rows; of a row of zeros 0 or infinity."""
    size, off = np.linalg.norm(vectors, axis=1), np.linalg.norm(other - vectors, axis=1)
    return max(float(o / s) if s else (math.inf if o else 0.0) for o, s in zip(off, size, strict=True))
