"""Which pairs of phases (h, k) to correlate: tuples of Python ints, worked out before the first array call.

A correlation of (k, h) is that of (h, k) at the opposite lag, so only canonical pairs, h <= k, are ever computed.
"""

import math
from typing import Any, TypeAlias

Pair: TypeAlias = tuple[int, int]
Pairs: TypeAlias = tuple[Pair, ...]


def resolve(pairs: Any, n_phases: int | None) -> Pairs:
    """Return the pairs that "all", "unique" or a list means for n_phases phases; refuse phases that do not exist.

    A list may come without a number of phases; then only negative ones are refused.
    """
    if isinstance(pairs, str) and n_phases is not None:
        if pairs == "all":
            return tuple((h, k) for h in range(n_phases) for k in range(n_phases))
        if pairs == "unique":
            return tuple((h, k) for h in range(n_phases) for k in range(h, n_phases))
        raise ValueError(f'pairs must be "all", "unique" or a list of (h, k), got {pairs!r}')
    if not hasattr(pairs, "__iter__"):
        raise TypeError(f'pairs must be "all", "unique" or a list of (h, k), got {type(pairs).__name__}')
    found = tuple(_pair(pair, n_phases) for pair in pairs)
    if not found:
        raise ValueError("pairs must hold at least one (h, k), got none")
    if len(set(found)) < len(found):
        raise ValueError(f"pairs must not hold a pair twice, got {pairs!r}")
    return found


def _pair(pair: Any, n_phases: int | None) -> Pair:
    """Return one pair as two ints of existing phases."""
    try:
        h, k = (int(i.__index__()) for i in pair)
    except (TypeError, ValueError, AttributeError):
        raise TypeError(f"pairs must hold pairs of integers (h, k), got {pair!r}") from None
    if min(h, k) < 0 or (n_phases is not None and max(h, k) >= n_phases):
        raise ValueError(f"pairs must name phases 0..{'' if n_phases is None else n_phases - 1}, got {(h, k)}")
    return h, k


def resolve_rows(pairs: Any, rows: int, n_phases: int | None) -> tuple[int, Pairs]:
    """Return the number of phases, and the pairs, of statistics with so many rows; a list tells by its largest phase, or by n_phases."""
    if isinstance(pairs, str):
        n = (math.isqrt(8 * rows + 1) - 1) // 2 if pairs == "unique" else rows  # rows = n (n + 1) / 2
        if n_phases not in (None, n):
            raise ValueError(f"n_phases must be that of f, {n} for {rows} rows of pairs={pairs!r}, got {n_phases}")
        return n, resolve(pairs, n)
    known = resolve(pairs, n_phases)
    return n_phases or max(max(pair) for pair in known) + 1, known


def is_all(pairs: Any) -> bool:
    """Whether all pairs are wanted."""
    return isinstance(pairs, str) and pairs == "all"


def listed_pairs(pairs: Any, wanted: Pairs, n_phases: int) -> Pairs | None:
    """Return the pairs that statistics are of; None for all, which "unique" is too of one phase."""
    return None if is_all(pairs) or (isinstance(pairs, str) and n_phases == 1) else wanted


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
