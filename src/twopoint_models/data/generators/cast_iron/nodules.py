"""Nodules: lognormal radii, irregular outlines, and places without overlap."""

import math
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from . import stamps

ROUNDS = 300  # rounds of moving nodules that overlap; far fewer are needed if all fit
TAIL = 2.5  # largest deviation of a lognormal size, in standard deviations
WAVES = np.arange(2, 7)  # waves of the outline; 0 is the radius, 1 a shift


class Nodules(NamedTuple):
    """Nodules in an image."""

    centres: np.ndarray  # (n, 2), row and column in pixels
    radii: np.ndarray  # (n,), radius of the disc of equal area
    reach: np.ndarray  # (n,), distance of the farthest point of the outline
    pixels: np.ndarray  # flat


NONE = Nodules(np.zeros((0, 2)), np.zeros(0), np.zeros(0), np.zeros(0, np.intp))


def lognormal(rng: np.random.Generator, count: int, spread: float) -> np.ndarray:
    """Return lognormal factors (count,) with mean 1 and coefficient of variation `spread`, without far tails."""
    sigma = math.sqrt(math.log1p(spread**2))
    return np.exp(sigma * np.clip(rng.standard_normal(count), -TAIL, TAIL) - sigma**2 / 2)


def largest(shape: tuple[int, int], irregularity: float, gap: float) -> float:
    """Return the largest radius of a nodule that leaves a gap to its own periodic image."""
    return (min(shape) - gap) / 2 / (1 + math.sqrt(2 * len(WAVES)) * irregularity)  # if all waves add up


def nodules(
    shape: tuple[int, int], rng: np.random.Generator, area: float, mean_radius: float, radius_spread: float, irregularity: float, gap: float
) -> Nodules:
    """Return nodules of a total area, to within half a nodule; at least one."""
    most = largest(shape, irregularity, gap)
    count = 20 + int(2 * area / (math.pi * mean_radius**2))
    radii = np.minimum(mean_radius * lognormal(rng, count, radius_spread), most)
    radii = radii[: 1 + int(np.argmin(np.abs(np.pi * np.cumsum(radii**2) - area)))]
    radii = np.sort(radii)[::-1]  # large nodules are placed first
    waves = _waves(rng, len(radii), irregularity)
    inner = radii / np.sqrt(1 + (np.abs(waves) ** 2).sum(1) / 2)  # compensates for the area that the waves add
    angles = np.exp(2j * np.pi * np.arange(36) / 36)
    reach = inner * stamps.outline(angles, waves[:, :, None]).max(1)
    centres, settled = places(reach, gap, shape, rng)
    if not settled.all():
        attainable = np.pi * (radii[settled] ** 2).sum() / math.prod(shape)
        raise ValueError(
            f"volume_fraction {area / math.prod(shape):.3g} of nodules cannot be reached at random places with a gap of {gap:.3g} pixels: "
            f"{settled.sum()} of {len(radii)} found one, a volume_fraction of {attainable:.3g}; ask for less, or for a smaller gap"
        )
    return Nodules(centres, radii, reach, stamps.blobs(centres, inner, waves, shape)[0])


def places(reach: np.ndarray, gap: float, shape: tuple[int, int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return centres (n, 2) with `gap` between circles of radii `reach`, and a mask (n,) of those that satisfy it."""
    space = np.array(shape, float)
    centres = rng.random((len(reach), 2)) * space % space
    settled = np.zeros(len(reach), bool)
    for _ in range(ROUNDS):
        i, j = cKDTree(centres, boxsize=space).query_pairs(2 * reach.max() + gap, output_type="ndarray").T  # i < j
        apart = centres[i] - centres[j]
        apart -= space * np.rint(apart / space)
        close = (apart**2).sum(1) < (reach[i] + reach[j] + gap) ** 2
        i, j = i[close], j[close]
        moving = np.where(settled[j], i, j)  # of two unsettled nodules the later, smaller one moves; settled nodules stay
        settled[:] = True
        settled[moving] = False
        if len(moving) == 0:
            break
        centres[~settled] = rng.random((np.count_nonzero(~settled), 2)) * space % space
    return centres, settled


def _waves(rng: np.random.Generator, count: int, irregularity: float) -> np.ndarray:
    """Return Fourier coefficients (count, k) of outlines whose rms relative deviation is `irregularity`."""
    weights = 1.0 / WAVES**2
    parts = rng.standard_normal((2, count, len(WAVES))) * weights
    waves = parts[0] + 1j * parts[1]
    return waves * (irregularity * math.sqrt(2) / np.sqrt((np.abs(waves) ** 2).sum(1, keepdims=True)))
