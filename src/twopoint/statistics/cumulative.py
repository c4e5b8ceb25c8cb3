"""Cumulative statistics: the mean of the statistics over the box of lags between 0 and each lag, and its transpose.

F(r) = sum over rho in box(r) of n(rho) f(rho) / sum of n(rho), where n counts the pairs of points. The statistics are summed from lag zero
outwards, along one axis after the other. On half the lags 0, -1, ... of the first axis the boxes of lags r lie in this half, and so do
those of -r, as f_hk(-r) = f_kh(r). Along an even periodic axis f is equal at lags -S/2 and S/2, but F is not: each box lies
on its own side of zero. So the statistics are read in the layout of plan.lags, and F is written in that of plan.seen, which has both ends.
"""

from collections.abc import Callable
from functools import reduce
from operator import mul
from typing import NamedTuple

from ..arrays.frameworks import constant
from ..arrays.types import Array, Namespace
from .lags import Lags, along
from .plan import Plan


class Boxes(NamedTuple):
    """What the boxes of lags need: the number of pairs of points at each lag, and one over its sum in each box."""

    counts: Array | None  # (..., 1, rows, *others); None if every lag spans every point, or for sums over points instead of means
    inverse: Array  # (..., 1, rows, *others with both ends)

    def map(self, function: Callable[[Array], Array]) -> "Boxes":
        """Apply a function to both arrays."""
        return Boxes(None if self.counts is None else function(self.counts), function(self.inverse))


def boxes_of(count: Array | None, like: Array, plan: Plan, xp: Namespace) -> Boxes:
    """Return the boxes for the result of pair_count(), in the dtype of like."""
    if count is None:
        return Boxes(None, _inverse_of_sizes(like, plan, xp))
    count = xp.expand_dims(plan.lags.halve(count, xp), axis=-plan.ndim - 1)
    whole = sum_boxes(count, plan.lags, xp)
    some = whole > 0  # every box contains lag zero, so only an empty mask has none
    return Boxes(count, xp.where(some, 1 / xp.where(some, whole, xp.ones_like(whole)), xp.zeros_like(whole)))


def _inverse_of_sizes(like: Array, plan: Plan, xp: Namespace) -> Array:
    """Return one over the number of lags in each box, (1, rows, *others with both ends)."""
    factors = []
    for axis, stored in enumerate(plan.seen.stored):
        sizes = range(1, plan.lags.rows + 1) if axis == 0 else (abs(i - stored // 2) + 1 for i in range(stored))
        inverse = constant(tuple(1.0 / size for size in sizes), like, xp, dtype=like.dtype)
        factors.append(xp.reshape(inverse, (-1,) + (1,) * (plan.ndim - axis - 1)))
    return xp.expand_dims(reduce(mul, factors), axis=0)


def cumulate(f: Array, boxes: Boxes, plan: Plan, xp: Namespace) -> Array:
    """Return F on half the lags with both ends, from f on half the lags, each (..., pairs, rows, *others).

    If all lags count alike, f is cumulated without its mean: in float32 the running sums of a large mean would be off by 1e-6 of it.
    """
    if not plan.periodic_unmasked:
        return sum_boxes(f if boxes.counts is None else f * boxes.counts, plan.lags, xp) * boxes.inverse
    mean = xp.mean(f, axis=tuple(range(-plan.ndim, 0)), keepdims=True)
    return cumulate_covariances(f - mean, boxes, plan, xp) + mean


def cumulate_covariances(c: Array, boxes: Boxes, plan: Plan, xp: Namespace) -> Array:
    """Return cumulate(c) for statistics c without their mean, in which all lags count alike."""
    return sum_boxes(c, plan.lags, xp) * boxes.inverse


def cumulate_everywhere(f: Array, boxes: Boxes, plan: Plan, xp: Namespace) -> Array:
    """Return F of one pair at all lags as plan.seen stores them, from f at all lags, which need not be even."""
    axis = -plan.ndim - 1
    ahead, behind = (xp.squeeze(cumulate(xp.expand_dims(half, axis=axis), boxes, plan, xp), axis=axis) for half in plan.lags.split(f, xp))
    return plan.seen.unfold(ahead, behind, xp)


def sum_boxes_everywhere(f: Array, lags: Lags, xp: Namespace) -> Array:
    """Return the sum of f over each box at all lags, with both ends in f, too."""
    ahead, behind = (sum_boxes(half, lags, xp) for half in lags.split(f, xp))
    return lags.unfold(ahead, behind, xp)


def transpose_cumulate(u: Array, boxes: Boxes, plan: Plan, xp: Namespace) -> Array:
    """Transpose cumulate, in sums over half the lags whose rows have the row_weights of their layouts."""
    u = _weigh_rows(u * boxes.inverse, plan.seen.row_weights, xp, plan)
    f = _weigh_rows(transpose_sum_boxes(u, plan.lags, xp), tuple(1 / weight for weight in plan.lags.row_weights), xp, plan)
    return f if boxes.counts is None else f * boxes.counts


def _weigh_rows(u: Array, weights: tuple[float, ...], xp: Namespace, plan: Plan) -> Array:
    """Multiply rows of lags by weights."""
    return u * xp.reshape(constant(weights, u, xp, dtype=u.dtype), (-1,) + (1,) * (plan.ndim - 1))


def sum_boxes(f: Array, lags: Lags, xp: Namespace) -> Array:
    """Return the sum of f over each box of lags, on half the lags with both ends."""
    ndim = len(lags.space)
    f = xp.cumulative_sum(f, axis=-ndim)
    for axis in range(1, ndim):
        last = axis - ndim
        behind, ahead = _sides(f, axis, lags, xp)
        ahead = xp.cumulative_sum(ahead, axis=last)
        if behind.shape[last]:
            behind = xp.cumulative_sum(xp.flip(behind, axis=last), axis=last) + along(ahead, last, 0, 1)
            ahead = xp.concat([xp.flip(behind, axis=last), ahead], axis=last)
        f = ahead
    return f


def _sides(f: Array, axis: int, lags: Lags, xp: Namespace) -> tuple[Array, Array]:
    """Return the lags -reach..-1 and 0..reach of an axis of f, which is stored as lags has it."""
    last, length = axis - len(lags.space), lags.stored[axis]
    reach = length // 2
    if lags.whole[axis]:
        return along(f, last, length - reach, length), along(f, last, 0, reach + 1)
    return along(f, last, 0, reach), along(f, last, reach, length)


def transpose_sum_boxes(u: Array, lags: Lags, xp: Namespace) -> Array:
    """Transpose sum_boxes: return the sum of u over the boxes that contain each lag."""
    ndim = len(lags.space)
    for axis in reversed(range(1, ndim)):
        last, reach = axis - ndim, lags.stored[axis] // 2
        ahead = _sum_from_end(along(u, last, reach, 2 * reach + 1), last, xp)
        if reach == 0:
            u = ahead
            continue
        behind = xp.cumulative_sum(along(u, last, 0, reach), axis=last)
        zero = along(ahead, last, 0, 1) + along(behind, last, reach - 1, reach)
        u = _join_sides(behind, zero, ahead, axis, lags, xp)
    return _sum_from_end(u, -ndim, xp)


def _join_sides(behind: Array, zero: Array, ahead: Array, axis: int, lags: Lags, xp: Namespace) -> Array:
    """Return an axis as lags stores it, from its lags -reach..-1, 0, and 0..reach; both ends of an even axis are one lag, and added."""
    last, length = axis - len(lags.space), lags.stored[axis]
    reach = length // 2
    if not lags.whole[axis]:
        return xp.concat([behind, zero, along(ahead, last, 1, reach + 1)], axis=last)
    if length % 2:
        return xp.concat([zero, along(ahead, last, 1, reach + 1), behind], axis=last)
    end = along(ahead, last, reach, reach + 1) + along(behind, last, 0, 1)
    return xp.concat([zero, along(ahead, last, 1, reach), end, along(behind, last, 1, reach)], axis=last)


def _sum_from_end(u: Array, last: int, xp: Namespace) -> Array:
    """Return running sums from the end of an axis on."""
    return xp.flip(xp.cumulative_sum(xp.flip(u, axis=last), axis=last), axis=last)
