"""Splits into train, validation and test by a hash, the same on every machine and in every version."""

import hashlib
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

SPLITS = ("train", "validation", "test")


def check_fractions(fractions: Iterable[float]) -> tuple[float, ...]:
    """Return the fractions of parts; refuse fractions that do not sum to one."""
    try:
        shares = tuple(float(x) for x in fractions)
    except (TypeError, ValueError):
        raise TypeError(f"fractions must be numbers, one per part, got {fractions!r}") from None
    if not shares or not all(0 <= x <= 1 for x in shares) or abs(sum(shares) - 1) > 1e-9:
        raise ValueError(f"fractions must be shares of the parts, with the sum 1, got {shares}")
    return shares


def check_three(fractions: Iterable[float]) -> tuple[float, ...]:
    """Return the fractions of train, validation and test; refuse any number other than three."""
    shares = check_fractions(fractions)
    if len(shares) != len(SPLITS):
        raise ValueError(f"fractions must be three shares, of {', '.join(SPLITS)}, got {shares}")
    return shares


def deal_out(number: int, shares: tuple[float, ...], key: str) -> list[np.ndarray]:
    """Return the sorted indices of each part of 0..number-1; a hash of key and index ranks them."""
    ranks = [hashlib.blake2b(f"{key}/{i}".encode(), digest_size=16).digest() for i in range(number)]
    order = np.array(sorted(range(number), key=ranks.__getitem__), dtype=np.int64)
    bounds = np.round(np.cumsum((0.0, *shares)) * number).astype(int)
    return [np.sort(order[start:stop]) for start, stop in pairwise(bounds)]
