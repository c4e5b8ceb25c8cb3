"""Nodules: lognormal radii, outlines that waver, places without overlap."""

import math
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from . import stamps

ROUNDS = 300  # of moving those that overlap; where they all fit, far fewer are needed
TAIL = 2.5  # standard deviations of a lognormal size at most
WAVES = np.arange(2, 7)  # of the outline around the nodule: 0 is the radius, 1 a shift


class Nodules(NamedTuple):
    """Nodules in an image."""

    centres: np.ndarray  # (n, 2), row and column in pixels
    radii: np.ndarray  # (n,), of the disc of equal area
    reach: np.ndarray  # (n,), of the farthest point of the outline
    pixels: np.ndarray  # flat


NONE = Nodules(np.zeros((0, 2)), np.zeros(0), np.zeros(0), np.zeros(0, np.intp))


def lognormal(rng: np.random.Generator, count: int, spread: float) -> np.ndarray:
    """Return factors (count,) of mean 1 and coefficient of variation `spread`, without far tails."""
    sigma = math.sqrt(math.log1p(spread**2))
    return np.exp(sigma * np.clip(rng.standard_normal(count), -TAIL, TAIL) - sigma**2 / 2)


def largest(shape: tuple[int, int], irregularity: float, gap: float) -> float:
    """Return the radius of a nodule that just leaves a gap to its own periodic image."""
    return (min(shape) - gap) / 2 / (1 + math.sqrt(2 * len(WAVES)) * irregularity)  # where all waves add up


def nodules(
    shape: tuple[int, int], rng: np.random.Generator, area: float, mean_radius: float, radius_spread: float, irregularity: float, gap: float
) -> Nodules:
    """Return nodules of an area altogether, to within half of one, at least one."""
    most = largest(shape, irregularity, gap)
    count = 20 + int(2 * area / (math.pi * mean_radius**2))
    radii = np.minimum(mean_radius * lognormal(rng, count, radius_spread), most)
    radii = radii[: 1 + int(np.argmin(np.abs(np.pi * np.cumsum(radii**2) - area)))]
    radii = np.sort(radii)[::-1]  # the large ones choose their places first
    waves = _waves(rng, len(radii), irregularity)
    inner = radii / np.sqrt(1 + (np.abs(waves) ** 2).sum(1) / 2)  # what the waves add to the area is taken away
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
    """Return centres (n, 2) that keep `gap` between circles of radii `reach`, and which of them (n,) found such a place."""
    space = np.array(shape, float)
    centres = rng.random((len(reach), 2)) * space % space
    settled = np.zeros(len(reach), bool)
    for _ in range(ROUNDS):
        i, j = cKDTree(centres, boxsize=space).query_pairs(2 * reach.max() + gap, output_type="ndarray").T  # i < j
        apart = centres[i] - centres[j]
        apart -= space * np.rint(apart / space)
        close = (apart**2).sum(1) < (reach[i] + reach[j] + gap) ** 2
        i, j = i[close], j[close]
        moving = np.where(settled[j], i, j)  # of two newcomers the later, smaller one; whoever has settled stays
        settled[:] = True
        settled[moving] = False
        if len(moving) == 0:
            break
        centres[~settled] = rng.random((np.count_nonzero(~settled), 2)) * space % space
    return centres, settled


def _waves(rng: np.random.Generator, count: int, irregularity: float) -> np.ndarray:
    """Return Fourier coefficients (count, k) of outlines whose relative deviation, rms, is `irregularity`."""
    weights = 1.0 / WAVES**2
    parts = rng.standard_normal((2, count, len(WAVES))) * weights
    waves = parts[0] + 1j * parts[1]
    return waves * (irregularity * math.sqrt(2) / np.sqrt((np.abs(waves) ** 2).sum(1, keepdims=True)))
