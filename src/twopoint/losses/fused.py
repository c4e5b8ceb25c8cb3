"""Losses of two phases, one of them implied, in fewer passes over memory: compiled loops between the transforms (the extra ``fast``).

The results are those of comparison and parseval, up to rounding. Statistics are periodic and unmasked, of any crop, in 2 or 3 dimensions.
Each chunk of a batch is evaluated in one thread.
"""

import math
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from ..arrays.compiled import has_numba
from ..arrays.fft import rfftn
from ..arrays.frameworks import takes_threads
from ..arrays.namespace import result_dtype
from ..arrays.types import Array, Namespace
from ..statistics.cumulative import Boxes, cumulate_covariances, transpose_cumulate
from ..statistics.lags import from_lags, from_space, to_lags
from ..statistics.plan import Pair, Plan
from .measures import CrossEntropy, LagTarget
from .parseval import SpectralTarget, column_weights
from .prepare import PreparedLoss


@cache
def kernels() -> ModuleType | None:
    """Return the compiled loops; None without numba."""
    if not has_numba():
        return None
    from ..arrays import kernels

    return kernels


def applies(loss: PreparedLoss, m: Array) -> bool:
    """Whether the compiled loops serve this loss: of plain float32 arrays of a CPU, in 2 or 3 dimensions."""
    plan, xp, target = loss.plan, loss.xp, loss.target
    if (
        not plan.shared
        or plan.ndim == 1
        or not loss.target_is_constant
        or not takes_threads(m, xp)
        or result_dtype(m, xp) != xp.float32
        or kernels() is None
    ):
        return False
    if isinstance(target, SpectralTarget):
        return target.frequencies is None
    return isinstance(loss.measure, CrossEntropy) and target.constant is None


class Result:
    """Arrays of numpy to which chunks of a batch write: values in the shape of the batch, and the gradient in that of the prediction."""

    def __init__(self, prediction: Array, n_axes: int) -> None:
        shape = tuple(prediction.shape)
        batch = shape[: len(shape) - n_axes]
        self.values, self.gradient = np.empty(batch, np.float32), np.empty(shape, np.float32)
        self.flat_values, self.flat_gradient = self.values.reshape(-1), self.gradient.reshape(math.prod(batch), -1)


@cache
def _opposite(rows: tuple[int, ...]) -> np.ndarray:
    """Return the index of the row -r (mod n) of each row r of an array with these axes before the last."""
    return np.ravel_multi_index([-axis % n for axis, n in zip(np.indices(rows), rows, strict=True)], rows).reshape(-1)


class Unfolded:
    """Spectra of the gradients of a chunk as real arrays, Re + Im at all frequencies: their rfftn is faster than irfftn of half of them.

    If h = Re H + Im H of the spectrum H of a real array g, and F is the transform of h, then g(r) = Re F(r) + Im F(r), and
    g(-r) = Re F(r) - Im F(r): the real part of H is even and gives Re F, its imaginary part is odd and gives Im F.
    """

    def __init__(self, memory: np.ndarray, plan: Plan) -> None:
        """Take memory (members, rows, columns), which is written over: what is in the cache is not fetched."""
        self.real, self.shape = memory, (len(memory), *plan.lags.transform)
        self.opposite = _opposite(plan.lags.transform[:-1])

    def to_space(self, offsets: np.ndarray, factor: np.float32, found: np.ndarray, loops: ModuleType, xp: Namespace) -> None:
        """Transform back, without division, and write factor times the sum of it and of an offset for each member to found."""
        spectra = np.ascontiguousarray(rfftn(xp.asarray(self.real.reshape(self.shape)), self.shape[1:], xp, norm="backward"))
        numbers = spectra.view(np.float32).reshape(*self.real.shape[:2], -1, 2)
        loops.fold(numbers, self.opposite, offsets, factor, found.reshape(self.real.shape))


def evaluate(loss: PreparedLoss, m: Array, result: Result, part: slice) -> None:
    """Write the loss of each member of a chunk, and its gradient by m, to a part of the result."""
    plan, xp, loops = loss.plan, loss.xp, kernels()
    if loops is None:
        raise RuntimeError("the compiled loops need numba")
    members, points = result.flat_gradient[part].shape
    phase = np.ascontiguousarray(xp.astype(m, xp.float32, copy=False)).reshape(members, -1, plan.lags.space[-1])
    d, means, zero = np.empty_like(phase), np.empty((members, 2)), np.empty(members)
    loops.center(phase, d, means, zero)
    spectra = from_space(xp.asarray(d.reshape(members, *plan.lags.space)), plan.lags, xp)
    through = Unfolded(d, plan)
    if isinstance(loss.target, SpectralTarget):
        values, totals = _by_parseval(loss.target, spectra, means, through, plan, loops, xp)
    else:
        values, totals = _by_lags(loss, loss.target, spectra, means, zero, through, loops)
    of_means = (_transpose_means(totals, means) / points).astype(np.float32)
    through.to_space(of_means, np.float32(loss.share), result.flat_gradient[part], loops, xp)
    result.flat_values[part] = values


def _by_lags(
    loss: PreparedLoss, target: LagTarget, spectra: Array, means: np.ndarray, zero: np.ndarray, through: Unfolded, loops: ModuleType
) -> tuple[np.ndarray, dict[Pair, np.ndarray]]:
    """Return the loss (members,) and the sums of the slopes by pair; write the cotangent of the spectra to through."""
    plan, xp, measure = loss.plan, loss.xp, loss.measure
    flat = np.ascontiguousarray(spectra)
    numbers, power = flat.view(np.float32).reshape(len(means), -1, flat.shape[-1], 2), np.empty(flat.shape, np.float32)
    loops.power(numbers.reshape(-1, 2), power.reshape(-1))
    c: Any = np.ascontiguousarray(to_lags(xp.asarray(power), plan.lags, xp, even=True)[0])
    del power  # its memory is in the cache, and serves what follows
    compared = c if target.boxes is None else _cumulate(c, target.boxes, plan, loops, xp)
    members, columns = len(zero), compared.shape[-1]
    covariance = c[(..., *plan.lags.zero_half)].reshape(members)
    offsets = [zero + covariance if h != k else means[:, h] ** 2 for h, k in plan.half_pairs]
    signs = np.asarray([1 if h == k else -1 for h, k in plan.half_pairs], np.float32)
    weights = np.repeat(plan.seen.row_weights, math.prod(compared.shape[-plan.ndim + 1 : -1]))
    shape = (-1, len(signs), len(weights), columns)
    own = np.empty((0, *shape[1:]), np.float32) if target.own is None else np.ascontiguousarray(target.own).reshape(shape)
    value, totals, slope = np.empty(members), np.empty((members, len(signs))), np.empty((members, len(weights), columns), np.float32)
    floor = np.float32(measure.floor) if isinstance(measure, CrossEntropy) else np.float32(0)
    loops.cross_entropy(
        compared.reshape(slope.shape),
        np.stack(offsets, axis=-1).astype(np.float32),
        signs,
        weights.astype(np.float32),
        np.ascontiguousarray(target.target).reshape(shape),
        own,
        floor,
        value,
        totals,
        slope,
    )
    slope = slope.reshape(compared.shape)
    slope = slope if target.boxes is None else _transpose_cumulate(slope, target.boxes, c.shape, plan, loops, xp)
    factors = np.ascontiguousarray(from_lags([xp.asarray(slope)], plan.lags, xp))
    loops.scale(numbers, factors.reshape(numbers.shape[:-1]), through.opposite, through.real)
    return value, {pair: totals[:, i] for i, pair in enumerate(plan.half_pairs)}


def _cumulate(c: np.ndarray, boxes: Boxes, plan: Plan, loops: ModuleType, xp: Namespace) -> np.ndarray:
    """Return the means of covariances over boxes of lags; those of the offsets, which are equal at all lags, are the offsets."""
    if plan.ndim > 2:
        return np.ascontiguousarray(cumulate_covariances(xp.asarray(c), boxes, plan, xp))
    inverse = np.ascontiguousarray(boxes.inverse)[0]
    found = np.empty((*c.shape[:-1], inverse.shape[-1]), np.float32)
    loops.box_means(c.reshape(-1, *c.shape[-2:]), plan.lags.zero_half[-1], inverse, found.reshape(-1, *inverse.shape))
    return found


def _transpose_cumulate(
    slope: np.ndarray, boxes: Boxes, shape: tuple[int, ...], plan: Plan, loops: ModuleType, xp: Namespace
) -> np.ndarray:
    """Transpose _cumulate; rows that contain their own opposites become even."""
    if plan.ndim > 2:
        half = transpose_cumulate(xp.asarray(slope), boxes, plan, xp)
        return np.ascontiguousarray(plan.lags.merge_opposites(half, half, xp))
    inverse, found = np.ascontiguousarray(boxes.inverse)[0], np.empty(shape, np.float32)
    weights, own = np.asarray(plan.seen.row_weights, np.float32), np.asarray(plan.lags.row_weights) < 1
    u = slope.reshape(-1, *inverse.shape)
    loops.transpose_box_means(u, plan.lags.zero_half[-1], inverse, weights, own, found.reshape(-1, *shape[-2:]))
    return found


def _by_parseval(
    target: SpectralTarget, spectra: Array, means: np.ndarray, through: Unfolded, plan: Plan, loops: ModuleType, xp: Namespace
) -> tuple[np.ndarray, dict[Pair, np.ndarray]]:
    """Return the loss (members,) and the sums of the slopes by pair; write the cotangent of the spectra to through."""
    points, (term,), flat = math.prod(plan.lags.space), target.terms, np.ascontiguousarray(spectra)
    numbers = flat.view(np.float32).reshape(len(means), -1, flat.shape[-1], 2)
    value, weights = np.empty(len(means)), np.asarray(column_weights(plan), np.float32)
    known = np.ascontiguousarray(term.target).reshape(-1, *numbers.shape[1:3])
    loops.squared_error(numbers, known, weights, np.float32(4 * term.weight), value, through.opposite, through.real)
    value *= points * term.weight
    totals = {}
    for mean in target.means:
        for i, (h, k) in enumerate(mean.pairs):
            difference = means[:, h] * means[:, k] - np.ascontiguousarray(mean.target)[..., i].reshape(-1)
            value += points * mean.weight * difference**2
            totals[h, k] = 2 * points * mean.weight * difference
    if target.constant is not None:
        value += np.ascontiguousarray(target.constant).reshape(-1)
    return value, totals


def _transpose_means(totals: dict[Pair, np.ndarray], means: np.ndarray) -> np.ndarray:
    """Return the derivative by the mean of phase 1, (members,); that of phase 0 is one minus it."""
    by_phase = [np.zeros(len(means)), np.zeros(len(means))]
    for (h, k), total in totals.items():
        by_phase[h] += total * means[:, k]
        by_phase[k] += total * means[:, h]
    return by_phase[1] - by_phase[0]
