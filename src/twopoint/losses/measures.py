"""Elementwise measures of the difference between statistics f and target statistics t, their derivatives by f, and the reduction."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ..arrays import checks
from ..arrays.frameworks import constant
from ..arrays.namespace import result_dtype
from ..arrays.types import Array, Namespace
from ..statistics.cumulative import Boxes


@dataclass(frozen=True)
class LagTarget:
    """A target at half the lags, by the plan's half_pairs, as a measure needs it, and the weight of each lag."""

    target: Array  # (..., pairs, rows, *others)
    weight: Array | float  # broadcasts against the target
    own: Array | None = None  # the logarithm of the target's own statistics, if their cross-entropy is subtracted
    constant: Array | None = None  # a term at each lag that no prediction can change
    boxes: Boxes | None = None  # if the statistics are cumulative

    @classmethod
    def stack(cls, parts: list["LagTarget"], weight: Array | float, axis: int, xp: Namespace) -> "LagTarget":
        """Return the target of several pairs from those of single pairs, with the weight of all."""
        owns = [part.own for part in parts if part.own is not None]
        constants = [xp.zeros_like(part.target) if part.constant is None else part.constant for part in parts]
        constant = xp.concat(constants, axis=axis) if any(part.constant is not None for part in parts) else None
        target = xp.concat([part.target for part in parts], axis=axis)
        return cls(target, weight, xp.concat(owns, axis=axis) if owns else None, constant)

    @property
    def first(self) -> Array:
        """One array of the target, as an example."""
        return self.target

    def map(self, function: Callable[[Array, int], Array], ndim: int) -> "LagTarget":
        """Apply a function to each array; its second argument is the number of axes that are not batch."""
        return self.map_lags(lambda x: function(x, ndim + 1))

    def map_lags(self, function: Callable[[Array], Array]) -> "LagTarget":
        """Apply a function to each array of lags."""
        weight = self.weight if isinstance(self.weight, float) else function(self.weight)
        own, constant = (None if x is None else function(x) for x in (self.own, self.constant))
        return LagTarget(function(self.target), weight, own, constant, None if self.boxes is None else self.boxes.map(function))


@dataclass(frozen=True)
class SquaredError:
    """The summand of MSESS, eq. (7): (f - t)^2. A weight is that of frequencies, see parseval."""

    weight: str | None = None
    zero_weight: float = 1.0

    def __post_init__(self) -> None:
        if self.weight not in (None, "energy"):
            raise ValueError(f'weight must be None or "energy", got {self.weight!r}')
        if not 0 <= checks.number("zero_weight", self.zero_weight) < math.inf:
            raise ValueError(f"zero_weight must be finite and not below 0, got {self.zero_weight!r}")
        if self.weight is None and self.zero_weight != 1:
            raise ValueError(f'zero_weight={self.zero_weight!r} needs weight="energy"')

    def prepare(self, t: Array, weight: Array | float, odd: Array | None, xp: Namespace) -> LagTarget:
        """Prepare a target t; measured statistics at opposite lags may be t + odd and t - odd."""
        return LagTarget(t, weight, None, None if odd is None else weight * odd**2)

    def value(self, f: Array, prepared: LagTarget, xp: Namespace) -> Array:
        """Return weight (f - t)^2."""
        return prepared.weight * (f - prepared.target) ** 2

    def value_and_slope(self, f: Array, prepared: LagTarget, xp: Namespace) -> tuple[Array, Array]:
        """Return the value and its derivative by f."""
        difference = f - prepared.target
        slope = prepared.weight * difference
        return slope * difference, 2 * slope


@dataclass(frozen=True)
class CrossEntropy:
    """The summand of CESS, eq. (8) with the missing minus sign: -t log f, or with excess t (log t - log f)."""

    floor: float = 1e-6
    excess: bool = False

    def __post_init__(self) -> None:
        checks.positive("floor", self.floor)
        if not isinstance(self.excess, bool):
            raise TypeError(f"excess must be True or False, got {self.excess!r}")

    def prepare(self, t: Array, weight: Array | float, odd: Array | None, xp: Namespace) -> LagTarget:
        """Prepare a target t; measured statistics at opposite lags may be t + odd and t - odd."""
        if not self.excess:  # linear in t
            return LagTarget(-weight * t, weight)
        own = floored_log(t, self.floor, xp)
        if odd is None:
            return LagTarget(-weight * t, weight, own)
        ahead, behind = ((t + d) * floored_log(t + d, self.floor, xp) for d in (odd, -odd))
        return LagTarget(-weight * t, weight, own, weight * ((ahead + behind) / 2 - t * own))

    def value(self, f: Array, prepared: LagTarget, xp: Namespace) -> Array:
        """Return -weight t log f, or with excess weight t (log t - log f)."""
        log = floored_log(f, self.floor, xp)
        return prepared.target * (log if prepared.own is None else log - prepared.own)

    def value_and_slope(self, f: Array, prepared: LagTarget, xp: Namespace) -> tuple[Array, Array]:
        """Return the value and its derivative -weight t / max(f, floor)."""
        above = xp.maximum(f, _limit(self.floor, f, xp))
        slope = prepared.target / above
        log = xp.log(above) if prepared.own is None else xp.log(above) - prepared.own
        return prepared.target * log + slope * (f - above), slope  # the tangent below the floor, f / floor - 1


Measure: TypeAlias = SquaredError | CrossEntropy


def floored_log(f: Array, floor: float, xp: Namespace) -> Array:
    """Return log f, continued below the floor by its tangent log(floor) + f/floor - 1, so that value and gradient stay finite."""
    limit = _limit(floor, f, xp)  # one of the two terms is constant, so that no derivative is a difference of large numbers
    return xp.log(xp.maximum(f, limit)) + (xp.minimum(f, limit) / floor - 1)


def _limit(floor: float, like: Array, xp: Namespace) -> Array:
    """Return the floor as an array."""
    return constant((floor,), like, xp, dtype=like.dtype)


def reduce_batch(values: Array, reduction: str, xp: Namespace) -> Array:
    """Return the mean or the sum over the batch, or the values themselves."""
    if reduction == "none":
        return values
    return xp.mean(values) if reduction == "mean" else xp.sum(values)


def batch_weight(batch: tuple[int, ...], reduction: str) -> float:
    """Return the derivative of the reduction by the value of each member of the batch."""
    return 1.0 / math.prod(batch) if reduction == "mean" else 1.0


def finish(values: Array, prediction: Array, reduction: str, xp: Namespace) -> Array:
    """Reduce over the batch, in the dtype of results of the prediction."""
    return xp.astype(reduce_batch(values, reduction, xp), result_dtype(prediction, xp), copy=False)


def finish_gradient(gradient: Array, prediction: Array, n_axes: int, reduction: str, xp: Namespace) -> Array:
    """Return the gradient of the reduced loss, in the dtype of results of the prediction; n_axes counts the axes that are not batch."""
    weighted = gradient * batch_weight(tuple(prediction.shape[: len(prediction.shape) - n_axes]), reduction)
    return xp.astype(weighted, result_dtype(prediction, xp), copy=False)
