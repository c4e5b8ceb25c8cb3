"""Comparison of a prediction with a prepared target: the loss of each member of the batch, and its gradient by the adjoint."""

from dataclasses import replace
from functools import reduce
from operator import add

from ..arrays.frameworks import give_gradient, takes_gradient
from ..arrays.namespace import result_dtype
from ..arrays.types import Array, Namespace
from ..statistics import adjoint, chunks, phases
from ..statistics.correlation import Sums, compute_sums, compute_sums_by_pair, correlate, statistics_of
from ..statistics.plan import Plan
from . import parseval
from .parseval import SpectralTarget
from .prepare import LagTarget, PreparedLoss


def compare(loss: PreparedLoss, prediction: Array) -> Array:
    """Return the loss of each member of the batch, (...)."""
    if loss.target_is_constant and takes_gradient(prediction, loss.xp):
        return give_gradient(prediction, lambda m: _by_chunk(loss, m), lambda m: _value(loss, m))
    return chunks.join([_value(part, m) for part, m in _chunks(loss, prediction)], loss.batch, loss.xp)


def compare_with_gradient(loss: PreparedLoss, prediction: Array) -> tuple[Array, Array]:
    """Return the loss of each member of the batch, (...), and its gradient by the prediction."""
    values, gradients = _by_chunk(loss, prediction)
    return values, chunks.join(gradients, loss.batch, loss.xp)


def _by_chunk(loss: PreparedLoss, prediction: Array) -> tuple[Array, list[Array]]:
    """Return the values, (...), and the gradients of the chunks of the batch, in the dtype of results of the prediction."""
    xp, dtype = loss.xp, result_dtype(prediction, loss.xp)
    pieces = [_value_and_gradient(part, m) for part, m in _chunks(loss, prediction)]
    gradients = [xp.astype(gradient, dtype, copy=False) for _, gradient in pieces]
    return chunks.join([value for value, _ in pieces], loss.batch, xp), gradients


def _chunks(loss: PreparedLoss, prediction: Array) -> list[tuple[PreparedLoss, Array]]:
    """Return the prepared loss and the prediction in chunks of a flat batch."""
    ranges = chunks.ranges(prediction, loss.plan, loss.xp)
    if len(ranges) == 1:
        return [(loss, prediction)]
    cutters = [chunks.cutter(loss.batch, part, loss.xp) for part in ranges]
    return [(loss.cut(cut), cut(prediction, loss.plan.ndim + 1)) for cut in cutters]


def _value(loss: PreparedLoss, m: Array) -> Array:
    """Return the loss of each member of the batch, (...)."""
    if isinstance(loss.target, SpectralTarget):
        return parseval.value(loss.target, m, loss.plan, loss.xp)
    return _value_by_lags(loss.target, m, loss.mask, loss.count, loss.plan, loss.xp)


def _value_and_gradient(loss: PreparedLoss, m: Array) -> tuple[Array, Array]:
    """Return the loss of each member of the batch, (...), and its gradient by m."""
    if isinstance(loss.target, SpectralTarget):
        return parseval.value_and_gradient(loss.target, m, loss.plan, loss.xp)
    return _value_and_gradient_by_lags(loss.target, m, loss.mask, loss.count, loss.plan, loss.xp)


def _value_by_lags(target: LagTarget, m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> Array:
    """Return the loss, computed lag by lag, and pair by pair if the phases are large."""
    if not chunks.pair_by_pair(m, plan, xp):
        return _sum_measure(target, correlate(m, mask, count, plan, xp), plan, xp)
    if plan.derived:
        return _value_by_lags(target, phases.explicit(m, plan.ndim, xp), mask, count, replace(plan, implied=False), xp)
    by_pair = compute_sums_by_pair(m, mask, count, plan, xp)
    return reduce(add, (_sum_measure(_of_pair(target, plan, one), statistics_of(sums, one, xp), one, xp) for one, sums in by_pair))


def _value_and_gradient_by_lags(
    target: LagTarget, m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace
) -> tuple[Array, Array]:
    """Return the loss, computed lag by lag, and its gradient; pair by pair if the phases are large."""
    if not chunks.pair_by_pair(m, plan, xp):
        sums = compute_sums(m, mask, count, plan, xp)
        value, cotangent = _compare_sums(target, sums, m, plan, xp)
        return value, adjoint.transpose_sums(cotangent, sums, mask, plan, xp)
    if plan.derived:
        explicit = phases.explicit(m, plan.ndim, xp)
        value, gradient = _value_and_gradient_by_lags(target, explicit, mask, count, replace(plan, implied=False), xp)
        return value, adjoint.transpose_explicit(gradient, plan.ndim)
    by_pair = (
        (sums, *_compare_sums(_of_pair(target, plan, one), sums, m, one, xp))
        for one, sums in compute_sums_by_pair(m, mask, count, plan, xp)
    )
    sums, value, cotangent = next(by_pair)
    for _, more, other in by_pair:
        value, cotangent = value + more, adjoint.add_pairs(cotangent, other)
    return value, adjoint.transpose_sums(cotangent, sums, mask, plan, xp)


def _of_pair(target: LagTarget, plan: Plan, one: Plan) -> LagTarget:
    """Return the part of the target for a plan of one pair."""
    by_pair = dict(zip(plan.half_pairs, target.pairs, strict=True))
    return replace(target, pairs=[by_pair[pair] for pair in one.half_pairs])


def _compare_sums(target: LagTarget, sums: Sums, m: Array, plan: Plan, xp: Namespace) -> tuple[Array, adjoint.PhaseCotangent]:
    """Return the loss and its cotangent, computed in chunks of the rows of lags if there are many."""
    parts = [
        _compare_rows(replace(target, pairs=[pair.map(cut) for pair in target.pairs]), sums.rows(cut), plan, xp, start)
        for start, cut in chunks.rows(m, plan, xp)
    ]
    value, cotangent = _join_rows(parts, plan, xp) if parts else _compare_rows(target, sums, plan, xp)
    return value, adjoint.transpose_products(cotangent, sums, plan, xp)


def _compare_rows(target: LagTarget, sums: Sums, plan: Plan, xp: Namespace, start: int = 0) -> tuple[Array, adjoint.SumsCotangent]:
    """Return the loss of the rows of lags from start on, and its cotangent."""
    both = [target.measure.value_and_slope(f, pair, xp) for f, pair in zip(statistics_of(sums, plan, xp), target.pairs, strict=True)]
    value = _total(target, [value for value, _ in both], plan, xp, start)
    return value, adjoint.transpose_statistics([slope for _, slope in both], sums, plan, xp, start)


def _join_rows(parts: list[tuple[Array, adjoint.SumsCotangent]], plan: Plan, xp: Namespace) -> tuple[Array, adjoint.SumsCotangent]:
    """Join the losses and the cotangents of chunks of the rows of lags."""
    return reduce(add, [value for value, _ in parts]), adjoint.join_rows([cotangent for _, cotangent in parts], plan, xp)


def _sum_measure(target: LagTarget, half_lags: list[Array], plan: Plan, xp: Namespace) -> Array:
    """Return the loss of statistics on half the lags."""
    return _total(target, [target.measure.value(f, pair, xp) for f, pair in zip(half_lags, target.pairs, strict=True)], plan, xp)


def _total(target: LagTarget, values: list[Array], plan: Plan, xp: Namespace, start: int = 0) -> Array:
    """Sum the measure over pairs, and over the lags from row start on."""
    whole = [value if pair.constant is None else value + pair.constant for value, pair in zip(values, target.pairs, strict=True)]
    return reduce(add, [plan.lags.total(value, xp, start) for value in whole])
