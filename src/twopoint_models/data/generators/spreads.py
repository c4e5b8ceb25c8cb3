"""Distributions of volume fractions and of the lengths of the arrangement over MICRO2D's images: measured quantiles."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from .arrangement import Arrangement

LEVELS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)  # levels of the quantiles below


class Spread(NamedTuple):
    """Quantiles at LEVELS, from 50 images of each class, with lengths in pixels of 256, coupled by a normal copula."""

    volume_fraction: tuple[float, ...]
    length: tuple[float, ...]
    width: tuple[float, ...]
    correlation: tuple[float, float, float]  # of fraction and length, fraction and width, length and width
    second: float  # share of the images that have a second pair of lengths


GATHERED = Spread(
    (0.027, 0.043, 0.146, 0.29, 0.398, 0.448, 0.493), (8, 13, 21, 34, 55, 80, 160), (1.2, 2.2, 5, 12, 24, 36, 50), (0.35, 0.42, 0.65), 0.65
)
ELLIPSES = GATHERED._replace(volume_fraction=(0.02, 0.042, 0.08, 0.16, 0.295, 0.366, 0.4))
SUPERALLOY = Spread(
    (0.338, 0.345, 0.36, 0.382, 0.402, 0.413, 0.422), (15, 20, 26, 36, 52, 70, 120), (7, 9, 11, 14, 20, 26, 36), (0.0, 0.0, 0.65), 0.3
)


def draw(spread: Spread, rng: np.random.Generator) -> tuple[float, Arrangement]:
    """Draw a volume fraction and an arrangement."""
    a, b, c = spread.correlation
    root = np.linalg.cholesky(np.array([[1, a, b], [a, 1, c], [b, c, 1]]))
    levels = ndtr(root @ rng.standard_normal(3))
    fraction, length, width = (float(np.interp(level, LEVELS, values)) for level, values in zip(levels, spread[:3], strict=True))
    first = (max(length, 1.05 * width), width, rng.uniform(0, 180))
    two, share = rng.random() < spread.second, rng.uniform(0.4, 0.9)
    wider, longer = rng.uniform(1.5, 6), float(np.exp(rng.uniform(0.2, 1.6)))
    turned = rng.uniform(-15, 15) if rng.random() < 0.5 else rng.uniform(0, 180)
    width_2 = min(wider * width, 45.0)
    return fraction, Arrangement(*first, share if two else 1.0, longer * width_2, width_2, (first[2] + turned) % 180)
