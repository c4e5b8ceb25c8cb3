"""Images of the user's as arrays that a network takes, in torch and in JAX alike."""

from typing import Any

import numpy as np
from jaxtyping import Float32

from ..checks import positive

NAMES = {True: "(..., H, W)", False: "(..., {0}, H, W)"}


def as_memberships(images: Any, channels: int) -> tuple[Float32[np.ndarray, "batch channels height width"], tuple[int, ...]]:
    """Return images as memberships (B, channels, H, W), and their own shape.

    Parameters
    ----------
    images : array (..., H, W) if channels is 1, otherwise (..., channels, H, W)
        Labels 0 and 1, or memberships.
    channels : int
        Channels of the network.

    Raises
    ------
    ValueError
        If images have another shape, are empty, or hold values outside [0, 1].
    """
    found = np.asarray(images)
    shape, wanted = found.shape, NAMES[positive("channels", channels) == 1].format(channels)
    if found.dtype.kind not in "bfiu" or not found.size or found.ndim < 2 + (channels > 1) or (channels > 1 and shape[-3] != channels):
        raise ValueError(f"images must be numbers of the shape {wanted}, got {found.dtype} of {shape}")
    low, high = found.min(), found.max()
    if not (low >= 0 and high <= 1):
        raise ValueError(f"images must be labels 0 and 1 or memberships in [0, 1], got values from {low:g} to {high:g}")
    return np.array(found, dtype=np.float32).reshape(-1, channels, *shape[-2:]), shape
