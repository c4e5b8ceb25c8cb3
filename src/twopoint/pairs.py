"""Which pairs of phases (h, k) to correlate: tuples of Python ints, worked out before the first array call.

A correlation of (k, h) is that of (h, k) at the opposite lag, so only canonical pairs, h <= k, are ever computed.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

Pair: TypeAlias = tuple[int, int]
Pairs: TypeAlias = tuple[Pair, ...]


def resolve(pairs: Any, n_phases: int) -> Pairs:
    """Return the pairs that "all", "unique" or a list means for n_phases phases; refuse phases that do not exist."""
    if isinstance(pairs, str):
        if pairs == "all":
            return tuple((h, k) for h in range(n_phases) for k in range(n_phases))
        if pairs == "unique":
            return tuple((h, k) for h in range(n_phases) for k in range(h, n_phases))
        raise ValueError(f'pairs must be "all", "unique" or a list of (h, k), got {pairs!r}')
    if not isinstance(pairs, Iterable):
        raise TypeError(f'pairs must be "all", "unique" or a list of (h, k), got {type(pairs).__name__}')
    found = tuple(_pair(pair, n_phases) for pair in pairs)
    if not found:
        raise ValueError("pairs must hold at least one (h, k), got none")
    if len(set(found)) < len(found):
        raise ValueError(f"pairs must not hold a pair twice, got {pairs!r}")
    return found


def _pair(pair: Any, n_phases: int) -> Pair:
    """Return one pair as two ints of existing phases."""
    try:
        h, k = (int(i.__index__()) for i in pair)
    except (TypeError, ValueError, AttributeError):
        raise TypeError(f"pairs must hold pairs of integers (h, k), got {pair!r}") from None
    if not (0 <= h < n_phases and 0 <= k < n_phases):
        raise ValueError(f"pairs must name phases 0..{n_phases - 1}, got {(h, k)}")
    return h, k


def canonical(pairs: Pairs) -> Pairs:
    """Return the pairs with h <= k that serve the given ones, each once, in order."""
    return tuple(sorted({(min(pair), max(pair)) for pair in pairs}))


def independent(pairs: Pairs, n_phases: int) -> Pairs:
    """Return the canonical pairs of the explicit phases 1..N-1 from which those of canonical pairs with an implied phase 0 follow."""
    explicit = range(1, n_phases)
    needed: set[Pair] = set()
    for h, k in pairs:
        first = explicit if h == 0 else (h,)
        second = explicit if k == 0 else (k,)
        needed |= {(i, j) for i in first for j in second}
    return canonical(tuple(needed))
