"""Elementwise measures of how far statistics f are from target statistics t, and their derivatives by f."""

from dataclasses import dataclass
from numbers import Real
from typing import TypeAlias

from . import _check
from ._namespace import Array, Namespace


@dataclass(frozen=True)
class SquaredError:
    """The summand of MSESS, eq. (7): (f - t)^2."""

    def value(self, f: Array, t: Array, xp: Namespace) -> Array:
        """Return (f - t)^2."""
        return (f - t) ** 2

    def value_and_slope(self, f: Array, t: Array, xp: Namespace) -> tuple[Array, Array]:
        """Return (f - t)^2 and its derivative 2 (f - t)."""
        difference = f - t
        return difference**2, 2 * difference

    def asymmetry(self, t: Array, odd: Array, xp: Namespace) -> Array:
        """Return what (f - t - odd)^2 and (f - t + odd)^2 are above (f - t)^2 in the mean."""
        return odd**2


@dataclass(frozen=True)
class CrossEntropy:
    """The summand of CESS, eq. (8) with its minus sign: -t log f, or with excess t (log t - log f)."""

    floor: float = 1e-6
    excess: bool = False

    def __post_init__(self) -> None:
        _check.positive("floor", self.floor)

    def value(self, f: Array, t: Array, xp: Namespace) -> Array:
        """Return -t log f, or with excess t (log t - log f)."""
        return self._value(f, xp.maximum(f, xp.full_like(f, self.floor)), t, xp)

    def value_and_slope(self, f: Array, t: Array, xp: Namespace) -> tuple[Array, Array]:
        """Return the value and its derivative -t / max(f, floor)."""
        above = xp.maximum(f, xp.full_like(f, self.floor))
        return self._value(f, above, t, xp), -t / above

    def _value(self, f: Array, above: Array, t: Array, xp: Namespace) -> Array:
        """Return the value, given max(f, floor)."""
        own = floored_log(t, self.floor, xp) if self.excess else 0.0
        below = xp.minimum(f, xp.full_like(f, self.floor))
        return t * (own - xp.log(above) - (below / self.floor - 1))

    def asymmetry(self, t: Array, odd: Array, xp: Namespace) -> Array | None:
        """Return what targets t + odd and t - odd add to the value in the mean; None without excess, where it is linear in t."""
        if not self.excess:
            return None
        ahead, behind = ((t + d) * floored_log(t + d, self.floor, xp) for d in (odd, -odd))
        return (ahead + behind) / 2 - t * floored_log(t, self.floor, xp)


Measure: TypeAlias = SquaredError | CrossEntropy


def floored_log(f: Array, floor: float, xp: Namespace) -> Array:
    """Return log f, continued below the floor by its tangent log(floor) + f/floor - 1: finite, and no gradient dies."""
    limit = xp.full_like(f, floor)  # each branch has the other's constant, so that neither's derivative is a difference of large numbers
    return xp.log(xp.maximum(f, limit)) + (xp.minimum(f, limit) / floor - 1)


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
