"""Refusals and forms of stacks of images that texture vectors and spectra share."""

from collections.abc import Sequence

import numpy as np


def stack(images: np.ndarray | Sequence[np.ndarray], *, unit: bool) -> np.ndarray:
    """Return images as (n, H, W); refuse sizes that differ, what is not finite, a constant image, and, if unit, numbers beyond [0, 1]."""
    if isinstance(images, (list, tuple)):
        shapes = [np.shape(each) for each in images]
        for i, shape in enumerate(shapes):
            if shape != shapes[0]:
                raise ValueError(f"images must be of one size, image 0 has the shape {shapes[0]} and image {i} has {shape}")
    found = np.asarray(images)
    if found.ndim == 4 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim == 2:
        raise ValueError(f"images must be a stack (n, H, W), got one image only, {found.shape}; write images[None]")
    if found.ndim != 3 or not found.size:
        raise ValueError(f"images must have the shape (n, H, W) or (n, 1, H, W), got {np.shape(images)}")
    if found.dtype.kind not in "biuf":
        raise TypeError(f"images must be of real numbers, got {found.dtype}")
    for i, image in enumerate(found):  # one at a time: the stack may be as large as memory, or lie in a file
        contrast(f"image {i} of images", image, unit=unit)
    return found


def contrast(name: str, image: np.ndarray, *, unit: bool) -> None:
    """Refuse an image that is not finite, is constant, or, if unit, leaves [0, 1]."""
    low, high = float(image.min()), float(image.max())  # NaN if one number is
    if not np.isfinite(high - low):
        raise ValueError(f"{name} must be finite, got numbers from {low} to {high}")
    if unit and (low < 0 or high > 1):
        raise ValueError(f"{name} must be in [0, 1], got numbers from {low:g} to {high:g}")
    if low == high:
        raise ValueError(f"{name} must not be constant, got {low:g} everywhere: there is no texture to characterise")
