"""Comparison of a prediction with a prepared target: the loss of each member of the batch, and its gradient by the adjoint."""

from dataclasses import replace
from functools import reduce
from operator import add

from ..arrays.frameworks import give_gradient, takes_gradient
from ..arrays.namespace import on_cpu, result_dtype
from ..arrays.types import Array, Namespace
from ..statistics import adjoint, chunks, phases
from ..statistics.correlation import Sums, compute_sums, compute_sums_by_pair, pick, positions, statistics_of
from ..statistics.cumulative import cumulate, cumulate_covariances, transpose_cumulate
from ..statistics.lags import along
from ..statistics.plan import Pairs, Plan
from . import fused, parseval
from .measures import LagTarget, Measure
from .parseval import SpectralTarget
from .prepare import PreparedLoss


def compare(loss: PreparedLoss, prediction: Array) -> Array:
    """Return the loss of each member of the batch, (...)."""
    if loss.target_is_constant and takes_gradient(prediction, loss.xp):
        loss = loss if on_cpu(prediction) else replace(loss, share=1.0)  # the share would be one more pass over the gradient
        return give_gradient(prediction, lambda m: compare_with_gradient(loss, m), lambda m: _value(loss, m), loss.share)
    number = chunks.threads(prediction, loss.plan, loss.xp)
    pieces = chunks.evaluate(lambda chunk: _value(chunk[1], chunk[2]), _chunks(loss, prediction, number), number, loss.xp)
    return chunks.join(pieces, loss.batch, loss.xp)


def compare_with_gradient(loss: PreparedLoss, prediction: Array) -> tuple[Array, Array]:
    """Return the loss of each member of the batch, (...), and the gradient of the reduced loss, in the dtype of results."""
    xp, dtype = loss.xp, result_dtype(prediction, loss.xp)
    number = chunks.threads(prediction, loss.plan, xp)
    parts = _chunks(loss, prediction, number)
    if fused.applies(loss, prediction):
        whole = fused.Result(prediction, loss.plan.ndim + 1)
        chunks.evaluate(lambda chunk: fused.evaluate(chunk[1], chunk[2], whole, chunk[0]), parts, number, xp)
        return xp.asarray(whole.values), xp.asarray(whole.gradient)

    def evaluate(chunk: tuple[slice, PreparedLoss, Array]) -> tuple[Array, Array]:
        value, gradient = _value_and_gradient(chunk[1], chunk[2])
        return value, xp.astype(gradient if loss.share == 1 else gradient * loss.share, dtype, copy=False)

    values, gradients = zip(*chunks.evaluate(evaluate, parts, number, xp), strict=True)
    return chunks.join(list(values), loss.batch, xp), chunks.join(list(gradients), loss.batch, xp)


def _chunks(loss: PreparedLoss, prediction: Array, number: int) -> list[tuple[slice, PreparedLoss, Array]]:
    """Return the chunks of a flat batch for a number of threads: the members of each, with their prepared loss and prediction."""
    ranges = chunks.ranges(prediction, loss.plan, loss.xp, number)
    if len(ranges) == 1:
        return [(slice(None), loss, prediction)]
    cutters = [(part, chunks.cutter(loss.batch, part, loss.xp)) for part in ranges]
    return [(part, loss.cut(cut), cut(prediction, loss.plan.ndim + 1)) for part, cut in cutters]


def _value(loss: PreparedLoss, m: Array) -> Array:
    """Return the loss of each member of the batch, (...)."""
    if isinstance(loss.target, SpectralTarget):
        return parseval.value(loss.target, m, loss.plan, loss.xp)
    return _value_by_lags(loss, loss.target, m, loss.plan)


def _value_and_gradient(loss: PreparedLoss, m: Array) -> tuple[Array, Array]:
    """Return the loss of each member of the batch, (...), and its gradient by m."""
    if isinstance(loss.target, SpectralTarget):
        return parseval.value_and_gradient(loss.target, m, loss.plan, loss.xp)
    return _value_and_gradient_by_lags(loss, loss.target, m, loss.plan)


def _value_by_lags(loss: PreparedLoss, target: LagTarget, m: Array, plan: Plan) -> Array:
    """Return the loss, computed lag by lag, and pair by pair if the phases are large."""
    xp = loss.xp
    if not chunks.pair_by_pair(m, plan, xp):
        return _sum_measure(loss, target, compute_sums(m, loss.mask, loss.count, plan, xp), plan, chunks.groups(m, plan))
    if plan.derived:
        return _value_by_lags(loss, target, phases.explicit(m, plan.ndim, xp), replace(plan, implied=False))
    by_pair = compute_sums_by_pair(m, loss.mask, loss.count, plan, xp)
    return reduce(add, (_sum_measure(loss, _of_pair(loss, target, one), sums, one, [one.half_pairs]) for one, sums in by_pair))


def _sum_measure(loss: PreparedLoss, target: LagTarget, sums: Sums, plan: Plan, groups: list[Pairs]) -> Array:
    """Return the loss of statistics, summed over groups of pairs."""
    values, xp = [], loss.xp
    sums, apart = _cumulate_products(sums, target, plan, xp)
    for i, pairs in enumerate(groups):
        part = target if len(groups) == 1 else _of_pairs(target, i, plan.ndim)
        f = statistics_of(sums, plan, xp, pairs)
        values.append(_total(loss.measure.value(f if apart else _seen(f, part, plan, xp), part, xp), part, plan, xp))
    return reduce(add, values)


def _value_and_gradient_by_lags(loss: PreparedLoss, target: LagTarget, m: Array, plan: Plan) -> tuple[Array, Array]:
    """Return the loss, computed lag by lag, and its gradient; pair by pair if the phases are large."""
    xp = loss.xp
    if not chunks.pair_by_pair(m, plan, xp):
        sums = compute_sums(m, loss.mask, loss.count, plan, xp)
        value, cotangent = _compare_sums(loss.measure, target, sums, m, plan, xp)
        return value, adjoint.transpose_sums(cotangent, sums, loss.mask, plan, xp)
    if plan.derived:
        explicit = phases.explicit(m, plan.ndim, xp)
        value, gradient = _value_and_gradient_by_lags(loss, target, explicit, replace(plan, implied=False))
        return value, adjoint.transpose_explicit(gradient, plan.ndim)
    by_pair = (
        (sums, *_compare_sums(loss.measure, _of_pair(loss, target, one), sums, m, one, xp))
        for one, sums in compute_sums_by_pair(m, loss.mask, loss.count, plan, xp)
    )
    sums, value, cotangent = next(by_pair)
    for _, more, other in by_pair:
        value, cotangent = value + more, adjoint.add_pairs(cotangent, other)
    return value, adjoint.transpose_sums(cotangent, sums, loss.mask, plan, xp)


def _of_pair(loss: PreparedLoss, target: LagTarget, one: Plan) -> LagTarget:
    """Return the part of the target for a plan of one pair."""
    at, ndim = positions(one.half_pairs, loss.plan.half_pairs), one.ndim
    return target.map_lags(lambda x: pick(x, at, ndim, loss.xp) if x.shape[-ndim - 1] > 1 else x)


def _compare_sums(
    measure: Measure, target: LagTarget, sums: Sums, m: Array, plan: Plan, xp: Namespace
) -> tuple[Array, adjoint.PhaseCotangent]:
    """Return the loss and its cotangent, computed tile by tile if there are several."""
    groups = chunks.groups(m, plan)
    tiles = chunks.tiles(m, plan, len(groups[0]), xp)
    if len(tiles) == 1:
        value, cotangent = _compare_tile(measure, target, sums, plan, groups, xp)
        return value, adjoint.transpose_products(cotangent, sums, plan, xp)
    parts = []
    for tile in tiles:
        start = tile.rows.start if tile.rows else 0
        parts.append(_compare_tile(measure, target.map(tile.cut, plan.ndim), sums.map(tile.cut, plan.ndim), plan, groups, xp, start))
    values, members = [value for value, _ in parts], tiles[0].members is not None
    cotangent = adjoint.join([part for _, part in parts], plan, xp, members=members)
    return xp.concat(values, axis=0) if members else reduce(add, values), adjoint.transpose_products(cotangent, sums, plan, xp)


def _compare_tile(
    measure: Measure, target: LagTarget, sums: Sums, plan: Plan, groups: list[Pairs], xp: Namespace, start: int = 0
) -> tuple[Array, adjoint.SumsCotangent]:
    """Return the loss of a tile, whose rows of lags begin at start, and its cotangent."""
    values, slopes, boxes = [], [], target.boxes
    sums, apart = _cumulate_products(sums, target, plan, xp)
    for i, pairs in enumerate(groups):
        part = target if len(groups) == 1 else _of_pairs(target, i, plan.ndim)
        f = statistics_of(sums, plan, xp, pairs)
        value, slope = measure.value_and_slope(f if apart else _seen(f, part, plan, xp), part, xp)
        values.append(_total(value, part, plan, xp, start))
        slopes.append(slope if boxes is None or apart else transpose_cumulate(slope, boxes, plan, xp))
    cotangent = adjoint.transpose_statistics(slopes, groups, sums, plan, xp, start)
    if boxes is not None and apart:
        cotangent = cotangent._replace(products=transpose_cumulate(cotangent.products, boxes, plan, xp))
    return reduce(add, values), cotangent


def _of_pairs(target: LagTarget, i: int, ndim: int) -> LagTarget:
    """Return the target of one of the half_pairs."""
    return target.map_lags(lambda x: along(x, -ndim - 1, i, i + 1) if x.shape[-ndim - 1] > 1 else x)


def _total(value: Array, target: LagTarget, plan: Plan, xp: Namespace, start: int = 0) -> Array:
    """Sum the measure over pairs, and over the lags from row start on."""
    whole = value if target.constant is None else value + target.constant
    return plan.seen.total(whole, xp, start, pairs=True)


def _cumulate_products(sums: Sums, target: LagTarget, plan: Plan, xp: Namespace) -> tuple[Sums, bool]:
    """Return the sums with cumulative products, which are fewer than the pairs, if the means contribute equally to all lags."""
    if target.boxes is None or sums.offsets is None or sums.products is None:
        return sums, sums.offsets is not None
    return sums._replace(products=cumulate_covariances(sums.products, target.boxes, plan, xp)), True


def _seen(f: Array, target: LagTarget, plan: Plan, xp: Namespace) -> Array:
    """Return the statistics that the measure compares: f, or the cumulative statistics."""
    return f if target.boxes is None else cumulate(f, target.boxes, plan, xp)
