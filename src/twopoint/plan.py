"""What is to be correlated: options, and the plan in Python ints that follows from them before the first array call."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from . import _check, phases
from ._namespace import Array, Namespace
from .lags import Lags, all_lags
from .pairs import Pair, Pairs, canonical, independent, resolve


@dataclass(frozen=True)
class CallOptions:
    """The options of a statistic in a call of a loss; None means left out."""

    ndim: int | None = None
    boundary: str | None = None
    mask: Array | None = None
    crop: int | Iterable[int] | None = None
    implied_phase: bool | None = None
    pairs: str | Iterable[Pair] | None = None

    def with_defaults(self) -> "Options":
        """Fill what was left out."""
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

    def check(self) -> None:
        """Refuse options that mean nothing."""
        _check.dimensions(self.ndim)
        _check.choice("boundary", self.boundary, _check.BOUNDARIES)
        if not isinstance(self.implied_phase, bool):
            raise TypeError(f"implied_phase must be True or False, got {self.implied_phase!r}")


@dataclass(frozen=True)
class Plan:
    """What is to be correlated, and where its lags go."""

    lags: Lags
    n_phases: int  # N, an implied phase included
    implied: bool
    masked: bool
    pairs: Pairs  # canonical, h <= k
    ndim: int = field(init=False, repr=False, compare=False)  # number of spatial axes
    closed: bool = field(init=False, repr=False, compare=False)  # whether every lag spans every point: periodic and unmasked
    derived: bool = field(init=False, repr=False, compare=False)  # whether an implied phase follows from the others: unmasked
    transformed: Pairs = field(init=False, repr=False, compare=False)  # the pairs that need an inverse transform of their own
    carried: Pairs = field(init=False, repr=False, compare=False)  # the pairs in the orders that half the lags need

    def __post_init__(self) -> None:
        derived = self.implied and not self.masked
        transformed = independent(self.pairs, self.n_phases) if derived else self.pairs
        closed = self.lags.boundary == "periodic" and not self.masked
        for name, value in (("ndim", len(self.lags.space)), ("closed", closed), ("derived", derived), ("transformed", transformed)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "carried", tuple(order for pair in self.pairs for order in self.orders(pair)))

    def even(self, pair: Pair) -> bool:
        """Whether f(-r) = f(r): of a phase with itself, or of two phases that fill the space."""
        return pair[0] == pair[1] or (self.closed and self.implied and self.n_phases == 2)

    def orders(self, pair: Pair) -> Pairs:
        """Return the orders of a canonical pair in which half the lags carry it: one if it is even, else both, for f_hk(-r) = f_kh(r)."""
        return (pair,) if self.even(pair) else (pair, pair[::-1])


def plan_of(m: Array, options: Options, xp: Namespace, name: str = "m") -> tuple[Plan, Pairs, Array | None]:
    """Check the options of a statistic of m; return the plan, the pairs in the user's order, and the mask as counting() gives it."""
    options.check()
    space = _check.microstructure(name, m, options.ndim)
    _check.phases_first(name, m, options.ndim)
    n_phases = int(m.shape[-options.ndim - 1]) + options.implied_phase
    wanted = resolve(options.pairs, n_phases)
    lags = Lags(space, options.boundary, _check.crop_sizes(options.crop, all_lags(space, options.boundary)))
    mask = options.mask
    if mask is not None:
        _check.mask_shape(mask, tuple(m.shape[: -options.ndim - 1]), space, xp)
        mask = phases.counting(mask, options.ndim, xp)
    return Plan(lags, n_phases, options.implied_phase, mask is not None, canonical(wanted)), wanted, mask
