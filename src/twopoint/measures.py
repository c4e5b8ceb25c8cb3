"""Elementwise measures of how far statistics f are from target statistics t, and their derivatives by f."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import TypeAlias

from . import _check
from ._namespace import Array, Namespace, device_of


@dataclass(frozen=True)
class Goal:
    """What a measure needs of the target at one pair of phases, and what each lag weighs."""

    target: Array
    share: Array | float
    own: Array | None = None  # what the target's own statistics would give, where that is taken off
    extra: Array | None = None  # what no prediction can change, at each lag

    def map(self, function: Callable[[Array], Array]) -> "Goal":
        """Apply a function to each of the arrays."""
        return Goal(*(None if x is None else x if isinstance(x, float) else function(x) for x in vars(self).values()))


@dataclass(frozen=True)
class SquaredError:
    """The summand of MSESS, eq. (7): (f - t)^2."""

    def goal(self, t: Array, share: Array | float, odd: Array | None, xp: Namespace) -> Goal:
        """Prepare a target t, of which opposite lags may be t + odd and t - odd."""
        return Goal(t, share, None, None if odd is None else share * odd**2)

    def value(self, f: Array, goal: Goal, xp: Namespace) -> Array:
        """Return share (f - t)^2."""
        return goal.share * (f - goal.target) ** 2

    def value_and_slope(self, f: Array, goal: Goal, xp: Namespace) -> tuple[Array, Array]:
        """Return the value and its derivative by f."""
        difference = f - goal.target
        slope = goal.share * difference
        return slope * difference, 2 * slope


@dataclass(frozen=True)
class CrossEntropy:
    """The summand of CESS, eq. (8) with its minus sign: -t log f, or with excess t (log t - log f)."""

    floor: float = 1e-6
    excess: bool = False

    def __post_init__(self) -> None:
        _check.positive("floor", self.floor)
        if not isinstance(self.excess, bool):
            raise TypeError(f"excess must be True or False, got {self.excess!r}")

    def goal(self, t: Array, share: Array | float, odd: Array | None, xp: Namespace) -> Goal:
        """Prepare a target t, of which opposite lags may be t + odd and t - odd."""
        if not self.excess:  # linear in t
            return Goal(-share * t, share)
        own = floored_log(t, self.floor, xp)
        if odd is None:
            return Goal(-share * t, share, own)
        ahead, behind = ((t + d) * floored_log(t + d, self.floor, xp) for d in (odd, -odd))
        return Goal(-share * t, share, own, share * ((ahead + behind) / 2 - t * own))

    def value(self, f: Array, goal: Goal, xp: Namespace) -> Array:
        """Return -share t log f, or with excess share t (log t - log f)."""
        log = floored_log(f, self.floor, xp)
        return goal.target * (log if goal.own is None else log - goal.own)

    def value_and_slope(self, f: Array, goal: Goal, xp: Namespace) -> tuple[Array, Array]:
        """Return the value and its derivative -share t / max(f, floor)."""
        above = xp.maximum(f, _number(self.floor, f, xp))
        slope = goal.target / above
        log = xp.log(above) if goal.own is None else xp.log(above) - goal.own
        return goal.target * log + slope * (f - above), slope  # below the floor the tangent, f / floor - 1


Measure: TypeAlias = SquaredError | CrossEntropy


def floored_log(f: Array, floor: float, xp: Namespace) -> Array:
    """Return log f, continued below the floor by its tangent log(floor) + f/floor - 1: finite, and no gradient dies."""
    limit = _number(floor, f, xp)  # each term is constant where the other is not, so that no derivative is a difference of large numbers
    return xp.log(xp.maximum(f, limit)) + (xp.minimum(f, limit) / floor - 1)


def _number(value: float, like: Array, xp: Namespace) -> Array:
    """Return a number as an array of no axes."""
    return xp.asarray(value, dtype=like.dtype, device=device_of(like))


def clamp_value(m: Array, sigma: float | Array, axis: int, xp: Namespace) -> Array:
    """Return -log sum_h exp(-|m - e_h|^2 / (4 sigma)) at every point, the phases along axis; eq. (9) for two phases."""
    distance, nearest, inverse = _clamp_terms(m, sigma, axis, xp)
    shares = xp.exp((nearest - distance) * inverse)
    return xp.squeeze(nearest * inverse - xp.log(xp.sum(shares, axis=axis, keepdims=True)), axis=axis)  # (..., *space)


def clamp_slope(m: Array, sigma: float | Array, axis: int, xp: Namespace) -> Array:
    """Return the derivative of clamp_value by m: (m_h - w_h) / (2 sigma), w the share of each phase in the sum."""
    distance, nearest, inverse = _clamp_terms(m, sigma, axis, xp)
    share = xp.exp((nearest - distance) * inverse)
    return 2 * inverse * (m - share / xp.sum(share, axis=axis, keepdims=True))


def _clamp_terms(m: Array, sigma: float | Array, axis: int, xp: Namespace) -> tuple[Array, Array, float | Array]:
    """Return |m - e_h|^2, its least over h, and 1 / (4 sigma) held where sums over a billion points stay finite."""
    squares = m**2
    distance = xp.sum(squares, axis=axis, keepdims=True) - squares + (1 - m) ** 2
    if isinstance(sigma, Real):
        inverse = min(0.25 / float(sigma), float(xp.finfo(m.dtype).max) * 1e-12)
    else:
        inverse = 0.25 / xp.astype(sigma, m.dtype)
    return distance, xp.min(distance, axis=axis, keepdims=True), inverse
