"""Preparation of a call of a loss: check the options, make the plan, and prepare the target. The prediction is not evaluated."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from ..arrays import checks
from ..arrays.frameworks import can_be_kept, constant, is_constant
from ..arrays.namespace import namespace, result_dtype
from ..arrays.types import Array, Namespace
from ..statistics.correlation import arithmetic, correlate, pair_count
from ..statistics.cumulative import boxes_of, cumulate, cumulate_everywhere
from ..statistics.lags import all_lags, along
from ..statistics.plan import Options, Pair, Pairs, Plan, RequestedOptions, plan_of, resolve
from ..statistics.target import Target, TargetStatistics
from . import parseval
from .measures import CrossEntropy, LagTarget, Measure, SquaredError, batch_weight

Weights = tuple[float, ...] | Array


@dataclass(frozen=True)
class PreparedLoss:
    """A prepared loss on statistics: everything except the prediction."""

    xp: Namespace
    plan: Plan
    mask: Array | None  # the result of point_mask()
    count: Array | None  # the result of pair_count(), None if periodic and unmasked
    measure: Measure
    target: LagTarget | parseval.SpectralTarget
    batch: tuple[int, ...]
    share: float  # the derivative of the reduction over the batch by the loss of a member
    target_is_constant: bool  # if so, only the prediction can have a derivative

    def cut(self, function: Callable[[Array | None, int], Array | None]) -> "PreparedLoss":
        """Return the prepared loss of a chunk of the batch; the function cuts the chunk out of each array."""
        ndim = self.plan.ndim
        mask, count = function(self.mask, ndim + 1), function(self.count, ndim)
        return replace(self, mask=mask, count=count, target=self.target.map(function, ndim))


def prepare(
    prediction: Array, target: Target, requested: RequestedOptions, measure: Measure, *, reduction: str, lag_reduction: str
) -> PreparedLoss:
    """Check a call of a loss, make its plan, and prepare its target."""
    checks.choice("reduction", reduction, checks.REDUCTIONS)
    checks.choice("lag_reduction", lag_reduction, ("mean", "sum"))
    statistics = target if isinstance(target, TargetStatistics) else None
    options = requested.with_defaults() if statistics is None else resolve_options(statistics, requested)
    options.check()
    sample = target if statistics is None else statistics.first
    xp = namespace(prediction=prediction, target=sample, mask=options.mask)
    checks.real("prediction", prediction, xp)
    if statistics is None:
        checks.real("target", target, xp)
        checks.equal_shapes(prediction, target)
    else:
        check_shape(prediction, statistics)
    plan, pairs, mask = plan_of(prediction, options, xp, "prediction")
    if isinstance(measure, CrossEntropy):
        _check_cross_entropy(measure, prediction, options, plan, xp)
    elif measure.weight is not None and not by_parseval(measure, plan):
        raise ValueError('weight="energy" needs statistics of all lags that are periodic, unmasked and not cumulative; leave weight out')
    if statistics is None:
        pixels = xp.astype(target, result_dtype(prediction, xp), copy=False)
        prepared, count = _prepare_microstructure(pixels, prediction, mask, plan, pairs, measure, lag_reduction, xp)
    else:
        prepared, count = _prepare_statistics(statistics, prediction, plan, pairs, measure, lag_reduction, xp)
    if isinstance(prepared, LagTarget) and prepared.boxes is not None and not plan.masked:  # sums over points instead of means times counts
        prepared, count = replace(prepared, boxes=prepared.boxes._replace(counts=None)), None
    batch = tuple(prediction.shape[: -plan.ndim - 1])
    return PreparedLoss(xp, plan, mask, count, measure, prepared, batch, batch_weight(batch, reduction), is_constant(sample, xp))


def _check_cross_entropy(measure: CrossEntropy, prediction: Array, options: Options, plan: Plan, xp: Namespace) -> None:
    """Raise for a single phase, whose cross-entropy a full image would minimise, and for a floor below full precision."""
    if plan.n_phases == 1 and isinstance(options.pairs, str):
        raise ValueError(
            "prediction must hold at least two phases for cess, got one, for which a full image has the least loss; pass "
            "implied_phase=True if it holds phase 1 of two, or pairs=[(0, 0)] to compare one phase"
        )
    least = xp.finfo(arithmetic(prediction, plan, xp)).smallest_normal
    if measure.floor < least:
        raise ValueError(f"floor must be at least {float(least):.3g}, the smallest number of full precision, got {measure.floor!r}")


def _prepare_microstructure(
    target: Array, like: Array, mask: Array | None, plan: Plan, pairs: Pairs, measure: Measure, lag_reduction: str, xp: Namespace
) -> tuple[LagTarget | parseval.SpectralTarget, Array | None]:
    """Return a microstructure as a prepared target, and the count."""
    count = pair_count(mask, like, plan, xp)
    weights = lag_weights(plan, pairs, count, target, lag_reduction, xp)
    if by_parseval(measure, plan):
        return parseval.prepare_microstructure(target, weights, measure, plan, xp), count
    half_lags = correlate(target, mask, count, plan, xp)
    boxes = boxes_of(count, half_lags, plan, xp) if plan.cumulative else None
    half_lags = half_lags if boxes is None else cumulate(half_lags, boxes, plan, xp)
    return replace(measure.prepare(half_lags, as_weight(weights, plan, half_lags, xp), None, xp), boxes=boxes), count


def _prepare_statistics(
    statistics: TargetStatistics, prediction: Array, plan: Plan, pairs: Pairs, measure: Measure, lag_reduction: str, xp: Namespace
) -> tuple[LagTarget | parseval.SpectralTarget, Array | None]:
    """Return target statistics as a prepared target, and their count; calls with the same options share it."""
    dtype = arithmetic(prediction, plan, xp)

    def prepare_once() -> tuple[Any, bool]:
        values, count = statistics.narrow(plan, xp)
        values = [xp.astype(f, dtype, copy=False) for f in values]
        count = pair_count(None, values[0], plan, xp) if count is None else count  # statistics keep that of a mask
        boxes = boxes_of(count, values[0], plan, xp) if plan.cumulative else None
        values = values if boxes is None else [cumulate_everywhere(f, boxes, plan, xp) for f in values]
        halves, odds = fold(values, plan, pairs, xp, symmetric=statistics.symmetric)
        weights = lag_weights(plan, pairs, count, halves[0], lag_reduction, xp)
        if by_parseval(measure, plan):
            target: Any = parseval.prepare_statistics(halves, odds, weights, measure, plan, xp)
        else:
            target = replace(_prepare_pairs(measure, halves, odds, weights, plan, xp), boxes=boxes)
        return (target, count), can_be_kept(target.first, xp)

    target, count = statistics.remember((plan.lags, plan.cumulative, pairs, dtype, measure, lag_reduction), prepare_once)
    return target, count


def by_parseval(measure: Measure, plan: Plan) -> TypeGuard[SquaredError]:
    """Whether Parseval's theorem applies, which requires squared errors of all lags with equal weights."""
    return isinstance(measure, SquaredError) and plan.periodic_unmasked and all(plan.lags.whole) and not plan.cumulative


def _prepare_pairs(
    measure: Measure, halves: list[Array], odds: list[Array | None], weights: Weights, plan: Plan, xp: Namespace
) -> LagTarget:
    """Return statistics on half the lags as a target, prepared pair by pair; a compiler then sees that the stack is only taken apart."""
    axis, prepared = -plan.ndim - 1, []
    for i, (half, odd) in enumerate(zip(halves, odds, strict=True)):
        weight = weights[i] if isinstance(weights, tuple) else _weight_of(weights, i, axis)
        prepared.append(
            measure.prepare(xp.expand_dims(half, axis=axis), weight, None if odd is None else xp.expand_dims(odd, axis=axis), xp)
        )
    return LagTarget.stack(prepared, as_weight(weights, plan, halves[0], xp), axis, xp)


def _weight_of(weights: Array | float, i: int, axis: int) -> Array | float:
    """Return the weight of one pair from weights that may be the same for all."""
    return weights if isinstance(weights, float) or weights.shape[axis] == 1 else along(weights, axis, i, i + 1)


def fold(values: list[Array], plan: Plan, pairs: Pairs, xp: Namespace, *, symmetric: bool) -> tuple[list[Array], list[Array | None]]:
    """Return statistics on half the lags, by half_pairs, from those at all stored lags, and half the differences of opposite lags.

    Where f(-r) = f(r) must hold, the statistics of a microstructure (symmetric) are even. Measured statistics may not be. A loss then
    compares with the mean of opposite lags, and half their difference adds a constant that no prediction can change.
    """
    halves: dict[Pair, Array] = {}
    odds: dict[Pair, Array] = {}
    for pair, f in zip(plan.pairs, values, strict=True):
        if not plan.even(pair):
            halves |= zip(plan.orders((pair,)), plan.seen.split(f, xp), strict=True)
        elif symmetric:
            halves[pair] = plan.seen.halve(f, xp)
        else:
            halves[pair], odds[pair] = _mean_and_odd(f, _multiplicity(pair, plan, pairs, f, xp), plan, xp)
    return [halves[pair] for pair in plan.half_pairs], [odds.get(pair) for pair in plan.half_pairs]


def _mean_and_odd(f: Array, weight: Array | float, plan: Plan, xp: Namespace) -> tuple[Array, Array]:
    """Return the mean of f(r) and f(-r) and half their difference; if the loss uses only one of the two, that one and 0."""
    first, second = plan.seen.split(f, xp)
    if isinstance(weight, float):
        return (first + second) / 2, (first - second) / 2
    a, b = plan.seen.split(weight, xp)
    number = xp.where(a + b > 0, a + b, xp.ones_like(a))
    both = xp.astype((a > 0) & (b > 0), f.dtype)
    return (a * first + b * second) / number, both * (first - second) / 2


def lag_weights(plan: Plan, pairs: Pairs, count: Array | None, like: Array, lag_reduction: str, xp: Namespace) -> Weights:
    """Return the weights of the statistics on half the lags, by half_pairs: numbers, or an array that broadcasts against the statistics.

    A lag without a pair of points has weight 0. For an even pair the weight is the sum of those of r and -r. For a mean the weights are
    divided by the number of lags.
    """
    weights: dict[Pair, Any] = {}
    n: Any = float(plan.lags.number)
    for pair in plan.pairs:
        weight = _multiplicity(pair, plan, pairs, like, xp)
        halves = [weight, weight] if isinstance(weight, float) else plan.seen.split(weight, xp)
        halves = [halves[0] + halves[1]] if plan.even(pair) else halves
        weights |= zip(plan.orders((pair,)), halves, strict=True)
    found: Any = [weights[pair] for pair in plan.half_pairs]
    if all(isinstance(weight, float) for weight in found) and not plan.masked:
        return tuple(weight / n if lag_reduction == "mean" else weight for weight in found)
    found = as_weight(tuple(found), plan, like, xp) if isinstance(found[0], float) else xp.stack(found, axis=-plan.ndim - 1)
    if count is not None and plan.masked and not plan.cumulative:  # each box contains lag zero
        seen, inside = xp.astype(count > 0, like.dtype), plan.lags.inside(like, xp)
        n = xp.sum(seen if inside is None else seen * inside, axis=tuple(range(-plan.ndim, 0)), keepdims=True)
        n = xp.expand_dims(xp.where(n > 0, n, xp.ones_like(n)), axis=-plan.ndim - 1)
        found = found * xp.expand_dims(plan.lags.halve(seen, xp), axis=-plan.ndim - 1)
    return found / n if lag_reduction == "mean" else found


def as_weight(weights: Weights, plan: Plan, like: Array, xp: Namespace) -> Array | float:
    """Return weights by pair as one array, (pairs, *ones), or as one number if they are equal."""
    if not isinstance(weights, tuple):
        return weights
    if len(set(weights)) == 1:
        return weights[0]
    return xp.reshape(constant(weights, like, xp, dtype=like.dtype), (-1,) + (1,) * plan.ndim)


def _multiplicity(pair: Pair, plan: Plan, pairs: Pairs, like: Array, xp: Namespace) -> Array | float:
    """Return how often the loss uses the pair at each stored lag r: once as (h, k) at r, once as (k, h) at -r."""
    h, k = pair
    ahead, behind = float((h, k) in pairs), float(h != k and (k, h) in pairs)
    if plan.seen.shape == plan.seen.stored:  # the user sees all stored lags
        return ahead + behind
    here: Array = plan.seen.inside(like, xp)
    there: Array = plan.seen.inside(like, xp, opposite=True)
    return xp.broadcast_to(ahead * here + behind * there, plan.seen.stored)


def resolve_options(statistics: TargetStatistics, requested: RequestedOptions) -> Options:
    """Return the options of a call, completed by those of the statistics; raise if a requested option differs."""
    for name in ("ndim", "boundary", "implied_phase"):
        value, own = getattr(requested, name), getattr(statistics, name)
        if value not in (None, own):
            raise ValueError(f"{name}={value!r} differs from the target statistics' {name}={own!r}")
    crop = checks.crop_sizes(requested.crop, all_lags(statistics.shape, statistics.boundary))
    if crop is not None and statistics.crop not in (None, crop):
        raise ValueError(f"crop={requested.crop!r} differs from the target statistics' crop={statistics.crop!r}")
    listed = None if requested.pairs is None else resolve(requested.pairs, statistics.n_phases)
    if listed is not None and statistics.pairs is not None and set(listed) != set(statistics.pairs):
        raise ValueError(f"pairs={requested.pairs!r} differ from the target statistics' pairs={statistics.pairs!r}")
    _check_mask(statistics, requested.mask)
    pairs = statistics.pairs or (requested.pairs if isinstance(requested.pairs, str) else listed) or "all"
    own = (statistics.ndim, statistics.boundary, statistics.mask, crop or statistics.crop, statistics.implied_phase)
    return Options(*own, pairs, requested.cumulative)


def _check_mask(statistics: TargetStatistics, mask: Array | None) -> None:
    """Raise if a mask is invalid or does not have the shape of that of the statistics; their values are not compared."""
    if mask is None:
        return
    xp = namespace(target=statistics.first, mask=mask)
    checks.mask_values(mask, xp)
    if statistics.mask is None:
        raise ValueError(f"mask of shape {tuple(mask.shape)} given, but the target statistics have none")
    expected = (statistics.batch_shape if statistics.mask_batched else ()) + statistics.shape
    if tuple(mask.shape) != expected:
        raise ValueError(f"mask must have the shape of the target statistics' mask, {expected}, got {tuple(mask.shape)}")


def check_shape(prediction: Array, statistics: TargetStatistics) -> None:
    """Raise if the shape of a prediction does not fit the statistics; statistics without a batch apply to every member of a batch."""
    got, expected = tuple(prediction.shape), statistics.microstructure_shape
    if got != expected and (statistics.batch_shape or got[-len(expected) :] != expected):
        batches = "" if statistics.batch_shape else ", or a batch of it"
        raise ValueError(f"prediction must have the target statistics' shape {expected}{batches}, got {got}")
