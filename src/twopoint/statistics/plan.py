"""The plan of a computation: options, pairs of phases, and all sizes as Python ints, before the first array call.

The correlation of (k, h) is that of (h, k) at the opposite lag, so only canonical pairs, h <= k, are computed.
"""

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ..arrays import checks
from ..arrays.types import Array, Namespace
from . import phases
from .lags import Lags, all_lags

Pair: TypeAlias = tuple[int, int]
Pairs: TypeAlias = tuple[Pair, ...]


@dataclass(frozen=True)
class RequestedOptions:
    """The options of a statistic in a call of a loss; None means that an option was not given."""

    ndim: int | None = None
    boundary: str | None = None
    mask: Array | None = None
    crop: int | Iterable[int] | None = None
    implied_phase: bool | None = None
    pairs: str | Iterable[Pair] | None = None
    cumulative: bool = False

    def with_defaults(self) -> "Options":
        """Fill in the options that were not given."""
        return Options(**{name: value for name, value in vars(self).items() if value is not None})


@dataclass(frozen=True)
class Options:
    """The options of a statistic."""

    ndim: int = 2
    boundary: str = "periodic"
    mask: Array | None = None
    crop: int | Iterable[int] | None = None
    implied_phase: bool = False
    pairs: str | Iterable[Pair] = "all"
    cumulative: bool = False

    def check(self) -> None:
        """Raise if an option is invalid."""
        checks.dimensions(self.ndim)
        checks.choice("boundary", self.boundary, checks.BOUNDARIES)
        if not isinstance(self.implied_phase, bool):
            raise TypeError(f"implied_phase must be True or False, got {self.implied_phase!r}")
        if not isinstance(self.cumulative, bool):
            raise TypeError(f"cumulative must be True or False, got {self.cumulative!r}")


@dataclass(frozen=True)
class Plan:
    """The phases and pairs to correlate, and the layout of their lags."""

    lags: Lags
    n_phases: int  # N, including an implied phase
    implied: bool
    masked: bool
    pairs: Pairs  # canonical, h <= k
    cumulative: bool = False  # whether the statistics at each lag are replaced by their mean over the box of lags up to it
    ndim: int = field(init=False, repr=False, compare=False)  # number of spatial axes
    periodic_unmasked: bool = field(init=False, repr=False, compare=False)  # if so, every lag spans every point
    derived: bool = field(init=False, repr=False, compare=False)  # whether the pairs of an implied phase follow from the others: unmasked
    shared: bool = field(init=False, repr=False, compare=False)  # whether all pairs have one covariance, up to its sign
    transformed: Pairs = field(init=False, repr=False, compare=False)  # the pairs that need an inverse transform
    half_transformed: Pairs = field(init=False, repr=False, compare=False)  # these, in the orders that half the lags require
    seen: Lags = field(init=False, repr=False, compare=False)  # the layout of the lags that a user or a loss sees, of boxes if cumulative
    half_pairs: Pairs = field(init=False, repr=False, compare=False)  # the pairs of the plan in these orders

    def __post_init__(self) -> None:
        derived = self.implied and not self.masked
        transformed = independent(self.pairs, self.n_phases) if derived else self.pairs
        periodic_unmasked = self.lags.boundary == "periodic" and not self.masked
        derivations = (
            ("ndim", len(self.lags.space)),
            ("periodic_unmasked", periodic_unmasked),
            ("derived", derived),
            ("shared", periodic_unmasked and derived and self.n_phases == 2),
            ("transformed", transformed),
            ("seen", replace(self.lags, both_ends=True) if self.cumulative else self.lags),
        )
        for name, value in derivations:
            object.__setattr__(self, name, value)
        half_pairs = self.orders(self.pairs)
        object.__setattr__(self, "half_transformed", self.orders(transformed))
        object.__setattr__(self, "half_pairs", tuple(sorted(half_pairs)) if derived and not self.shared else half_pairs)

    def even(self, pair: Pair) -> bool:
        """Whether f(-r) = f(r), as for a phase with itself and for two phases that fill the space."""
        return pair[0] == pair[1] or self.shared

    def orders(self, pairs: Pairs) -> Pairs:
        """Return canonical pairs in the orders that half the lags require, even ones first: an odd one in both, as f_hk(-r) = f_kh(r)."""
        even, odd = self.by_parity(pairs)
        return even + odd + tuple(pair[::-1] for pair in odd)

    def by_parity(self, pairs: Pairs) -> tuple[Pairs, Pairs]:
        """Return the even pairs, and the others."""
        return tuple(pair for pair in pairs if self.even(pair)), tuple(pair for pair in pairs if not self.even(pair))


def plan_of(m: Array, options: Options, xp: Namespace, name: str = "m") -> tuple[Plan, Pairs, Array | None]:
    """Check the options of a statistic of m; return the plan, the pairs in the requested order, and the point_mask()."""
    options.check()
    space = checks.microstructure(name, m, options.ndim)
    checks.phases_first(name, m, options.ndim)
    n_phases = int(m.shape[-options.ndim - 1]) + options.implied_phase
    requested_pairs = resolve(options.pairs, n_phases)
    lags = Lags(space, options.boundary, checks.crop_sizes(options.crop, all_lags(space, options.boundary)))
    mask = options.mask
    if mask is not None:
        checks.mask_shape(mask, tuple(m.shape[: -options.ndim - 1]), space, xp)
        mask = phases.point_mask(mask, options.ndim, xp)
    plan = Plan(lags, n_phases, options.implied_phase, mask is not None, canonical(requested_pairs), options.cumulative)
    return plan, requested_pairs, mask


def resolve(pairs: Any, n_phases: int | None) -> Pairs:
    """Return the pairs for "all", "unique" or a list, with n_phases phases; raise if a phase does not exist.

    If the number of phases is None, only negative phases of a list raise.
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
    """Return a pair as two ints; raise if a phase does not exist."""
    try:
        h, k = (int(i.__index__()) for i in pair)
    except (TypeError, ValueError, AttributeError):
        raise TypeError(f"pairs must hold pairs of integers (h, k), got {pair!r}") from None
    if min(h, k) < 0 or (n_phases is not None and max(h, k) >= n_phases):
        raise ValueError(f"pairs must name phases 0..{'' if n_phases is None else n_phases - 1}, got {(h, k)}")
    return h, k


def resolve_rows(pairs: Any, rows: int, n_phases: int | None) -> tuple[int, Pairs]:
    """Return the number of phases, by default for a list the largest phase plus one, and the pairs of statistics with these rows."""
    if isinstance(pairs, str):
        n = (math.isqrt(8 * rows + 1) - 1) // 2 if pairs == "unique" else rows  # rows = n (n + 1) / 2
        if n_phases not in (None, n):
            raise ValueError(f"n_phases must be that of f, {n} for {rows} rows of pairs={pairs!r}, got {n_phases}")
        return n, resolve(pairs, n)
    listed = resolve(pairs, n_phases)
    return n_phases or max(max(pair) for pair in listed) + 1, listed


def is_all(pairs: Any) -> bool:
    """Whether all pairs are requested."""
    return isinstance(pairs, str) and pairs == "all"


def listed_pairs(pairs: Any, requested_pairs: Pairs, n_phases: int) -> Pairs | None:
    """Return the pairs of statistics; None for all, also for "unique" of one phase."""
    return None if is_all(pairs) or (isinstance(pairs, str) and n_phases == 1) else requested_pairs


def canonical(pairs: Pairs) -> Pairs:
    """Return the pairs with h <= k from which the requested ones follow, each once, in order."""
    return tuple(sorted({(min(pair), max(pair)) for pair in pairs}))


def independent(pairs: Pairs, n_phases: int) -> Pairs:
    """Return the canonical pairs of the explicit phases 1..N-1 from which the pairs with an implied phase 0 follow."""
    explicit = range(1, n_phases)
    needed: set[Pair] = set()
    for h, k in pairs:
        first = explicit if h == 0 else (h,)
        second = explicit if k == 0 else (k,)
        needed |= {(i, j) for i in first for j in second}
    return canonical(tuple(needed))


def descriptor_key(descriptor: str, options: dict[str, Any]) -> Hashable:
    """Return a key of a descriptor with options, in which defaults are left out and lists and arrays are tuples of ints."""

    def plain(value: Any) -> Any:
        if isinstance(value, Iterable) and not isinstance(value, str):
            return tuple(plain(entry) for entry in value)
        return int(value) if hasattr(value, "__index__") else value

    given = {name: plain(value) for name, value in sorted(options.items()) if value is not None}
    return descriptor, tuple((name, value) for name, value in given.items() if value != "faces")
