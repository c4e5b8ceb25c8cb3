"""Features: the pairs and lags that they stand for, their names, and the folding of even statistics to half the lags."""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...statistics.plan import resolve


def list_pairs(pairs: Any, n_phases: int) -> tuple[tuple[int, int], ...]:
    """Return the pairs of phases in the order of the features; raise if a phase does not exist."""
    if isinstance(pairs, str) and pairs == "independent":
        return tuple(itertools.combinations_with_replacement(range(min(1, n_phases - 1), n_phases), 2))
    return resolve(pairs, n_phases)


def name_features(pairs: Sequence[tuple[int, int]], points: Iterable[str], n_phases: int) -> np.ndarray:
    """Return the name of each pair at each lag or radius."""
    between, points = "" if n_phases <= 10 else ",", list(points)
    return np.array([f"f{h}{between}{k}({point})" for h, k in pairs for point in points], dtype=object)


def name_lags(lags: Iterable[np.ndarray]) -> list[str]:
    """Return each lag as text, such as "+3,-2"."""
    return [",".join(f"{step:+d}" if step else "0" for step in r) for r in itertools.product(*lags)]


class LagFolding:
    """The centred lags of each pair that become features, and the recovery of all lags from these.

    An even statistic has f(-r) = f(r): the later of r and -r is kept, times the square root of 2. A lag without partner, such as the first
    one of an even crop, and one that is its own partner, such as the zero lag, are kept unchanged.
    """

    def __init__(self, lags: tuple[int, ...], wraps: tuple[bool, ...], even: Sequence[bool]) -> None:
        partner, size = _partners(lags, wraps), math.prod(lags)
        own = np.arange(size)
        kept: list[np.ndarray] = []
        source: list[np.ndarray] = []
        for is_even in even:
            keep = own if not is_even else own[(partner < 0) | (own >= partner)]
            column = np.zeros(size, dtype=int)
            column[keep] = np.arange(len(keep))
            column = column if not is_even else column[np.where(partner < 0, own, np.maximum(own, partner))]
            source.append(sum(len(k) for k in kept) + column)
            kept.append(keep)
        self.source = np.concatenate(source)  # the feature of every lag of every pair
        twice = np.bincount(self.source) == 2
        self.weight = np.where(twice, math.sqrt(2), 1.0)
        self.kept = np.concatenate([keep + i * size for i, keep in enumerate(kept)])

    def fold(self, flat: np.ndarray) -> np.ndarray:
        """Return the features of flat statistics, (..., pairs * lags) -> (..., features)."""
        return flat[..., self.kept] * self.weight.astype(flat.dtype)

    def unfold(self, features: np.ndarray) -> np.ndarray:
        """Return the flat statistics of features."""
        return (features / self.weight)[..., self.source]


def _partners(lags: tuple[int, ...], wraps: tuple[bool, ...]) -> np.ndarray:
    """Return the flat index of -r for each centred lag r, or -1 if -r is not among the lags."""
    indices = np.indices(lags).reshape(len(lags), -1)
    opposite, inside = [], np.ones(indices.shape[1], dtype=bool)
    for index, n, wrapped in zip(indices, lags, wraps, strict=True):
        negative = 2 * (n // 2) - index
        negative = negative % n if wrapped else negative
        inside &= negative < n
        opposite.append(np.minimum(negative, n - 1))
    return np.where(inside, np.ravel_multi_index(tuple(opposite), lags), -1)
