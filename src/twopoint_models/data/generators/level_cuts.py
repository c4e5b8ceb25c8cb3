"""Level cuts of a Gaussian field."""

from typing import Any

import numpy as np

from .arrangement import Arrangement


def level_cut(
    shape: tuple[int, int], arrangement: Arrangement, *, rng: np.random.Generator, volume_fraction: float
) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the highest pixels (H, W) of a field, as many as the volume fraction requires."""
    return highest(arrangement.field(shape, rng=rng), volume_fraction), {}


def highest(field: np.ndarray, volume_fraction: float) -> np.ndarray:
    """Return an image (H, W) that is 1 at the highest pixels of a field, as many as a volume fraction requires, at least one."""
    number = max(round(volume_fraction * field.size), 1)
    image = np.zeros(field.size, np.uint8)
    image[np.argpartition(field, field.size - number, axis=None)[field.size - number :]] = 1
    return image.reshape(field.shape)
