"""Cuboids in wavy rows, as precipitates lie in a nickel-based superalloy.

They are parted by thin channels where a field is high, and small and round where it is low.
"""

from typing import Any, NamedTuple

import numpy as np

from .arrangement import Arrangement
from .level_cuts import highest


class Rows(NamedTuple):
    """How cuboids are laid: lengths in pixels, shares, and the rest in periods."""

    period: float  # from one row, and one cuboid of a row, to the next
    channel: float  # width of what parts them
    waviness: float  # standard deviation of a row's and of a cuboid's place
    shift: float  # standard deviation of a row against the one before it
    unequal: float  # a channel is off its place by up to so much
    merge: float  # share of cuboids that have no channel to the one before
    split: float  # share of cuboids with a channel of their own


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

    A pixel's depth below its cuboid's faces, in half periods, is added to contrast times the field's tanh at that saturation, to a number
    of its cuboid's own with standard deviation uneven, and to a fine field of the length grain and strength roughness. The highest sums
    are phase 1.
    """
    how = Rows(**rows)
    depth, own = _lay(shape, how, uneven, rng)
    field = np.tanh(saturation * arrangement.field(shape, rng=rng))
    field = (field - field.mean()) / max(float(field.std()), 1e-12)
    score = np.minimum(2 * depth / how.period, 1) + contrast * field + own + roughness * Arrangement(grain, grain).field(shape, rng=rng)
    return highest(np.where(depth > how.channel / 2, score, depth - 1e3), volume_fraction), {}  # channels fill last


def _lay(shape: tuple[int, int], how: Rows, uneven: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the depth of every pixel below its cuboid's faces, in pixels, and its cuboid's own number, both (H, W)."""
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
    beds = how.unequal * np.clip(Arrangement(0.2, 3.0).field((lines, posts), rng=rng), -1, 1).ravel()  # a row is not as high everywhere
    joints = rng.uniform(-how.unequal, how.unequal, (lines, posts))
    joints[rng.random((lines, posts)) < how.merge] = -10.0  # too far away to be met
    after = at * posts + (post + 1) % posts
    far = np.where(joints.ravel() == -10.0, 10.0, joints.ravel())
    vertical = np.minimum(level - line - beds[cell], 1 + line - level + beds[below]) * tall
    horizontal = np.minimum(place - post - joints.ravel()[cell], 1 + post - place + far[after]) * wide
    cut, middle = rng.random(lines * posts)[cell], rng.uniform(0.3, 0.7, lines * posts)[cell]
    vertical = np.where(cut < how.split / 2, np.minimum(vertical, np.abs(level - line - middle) * tall), vertical)
    horizontal = np.where(cut > 1 - how.split / 2, np.minimum(horizontal, np.abs(place - post - middle) * wide), horizontal)
    return np.minimum(vertical, horizontal), uneven * rng.standard_normal(lines * posts)[cell]


def _displaced(shape: tuple[int, int], how: Rows, lengths: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a smooth displacement (H, W) in periods, whose lengths along the axes are given in periods."""
    return how.waviness * Arrangement(lengths[0] * how.period, lengths[1] * how.period).field(shape, rng=rng)
