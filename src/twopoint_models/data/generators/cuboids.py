"""Cuboids in wavy rows, like the precipitates of a nickel-based superalloy.

Thin channels separate them where a field is high; they are small and round where it is low.
"""

from typing import Any, NamedTuple

import numpy as np

from .arrangement import Arrangement
from .level_cuts import highest


class Rows(NamedTuple):
    """Layout of cuboids: lengths in pixels, shares, and the rest in periods."""

    period: float  # distance of rows, and of cuboids in a row
    channel: float  # width of channels
    waviness: float  # standard deviation of the position of rows and cuboids
    shift: float  # standard deviation of the shift between neighbouring rows
    unequal: float  # largest displacement of a channel
    merge: float  # share of cuboids without a channel to the previous one
    split: float  # share of cuboids that a channel splits


def cuboids(
    shape: tuple[int, int],
    arrangement: Arrangement,
    *,
    rng: np.random.Generator,
    volume_fraction: float,
    contrast: float,
    saturation: float,
    uneven: float,
    roughness: float,
    grain: float,
    **rows: float,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Return cuboids (H, W).

    The score of a pixel is the sum of its depth below the faces of its cuboid in half periods, contrast times the tanh of the field times
    saturation, a random number of its cuboid with standard deviation uneven, and a fine field of length grain and strength roughness. The
    pixels with the highest scores become phase 1.
    """
    how = Rows(**rows)
    depth, own = _lay(shape, how, uneven, rng)
    field = np.tanh(saturation * arrangement.field(shape, rng=rng))
    field = (field - field.mean()) / max(float(field.std()), 1e-12)
    score = np.minimum(2 * depth / how.period, 1) + contrast * field + own + roughness * Arrangement(grain, grain).field(shape, rng=rng)
    return highest(np.where(depth > how.channel / 2, score, depth - 1e3), volume_fraction), {}  # channels fill last


def _lay(shape: tuple[int, int], how: Rows, uneven: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the depth of each pixel below the faces of its cuboid, in pixels, and the random number of its cuboid, both (H, W)."""
    lines, posts = (max(1, round(n / how.period)) for n in shape)
    tall, wide = shape[0] / lines, shape[1] / posts
    along, across = (_displaced(shape, how, lengths, rng) for lengths in ((3, 8), (8, 3)))
    level = np.arange(shape[0])[:, None] / tall + along
    line = np.floor(level).astype(int)
    at = line % lines
    place = np.arange(shape[1]) / wide + across + np.cumsum(rng.normal(0, how.shift, lines))[at]
    post = np.floor(place).astype(int)
    cell = at * posts + post % posts
    below = (at + 1) % lines * posts + post % posts
    beds = how.unequal * np.clip(Arrangement(0.2, 3.0).field((lines, posts), rng=rng), -1, 1).ravel()  # rows vary in height
    joints = rng.uniform(-how.unequal, how.unequal, (lines, posts))
    joints[rng.random((lines, posts)) < how.merge] = -10.0  # too far away to matter
    after = at * posts + (post + 1) % posts
    far = np.where(joints.ravel() == -10.0, 10.0, joints.ravel())
    vertical = np.minimum(level - line - beds[cell], 1 + line - level + beds[below]) * tall
    horizontal = np.minimum(place - post - joints.ravel()[cell], 1 + post - place + far[after]) * wide
    cut, middle = rng.random(lines * posts)[cell], rng.uniform(0.3, 0.7, lines * posts)[cell]
    vertical = np.where(cut < how.split / 2, np.minimum(vertical, np.abs(level - line - middle) * tall), vertical)
    horizontal = np.where(cut > 1 - how.split / 2, np.minimum(horizontal, np.abs(place - post - middle) * wide), horizontal)
    return np.minimum(vertical, horizontal), uneven * rng.standard_normal(lines * posts)[cell]


def _displaced(shape: tuple[int, int], how: Rows, lengths: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a smooth displacement (H, W) in periods, with correlation lengths along the axes in periods."""
    return how.waviness * Arrangement(lengths[0] * how.period, lengths[1] * how.period).field(shape, rng=rng)
