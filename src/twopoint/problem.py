"""The problem that a loss on statistics poses: checked and planned, with the target's side worked out."""

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TypeAlias

from . import _check, correlation, phases
from ._namespace import Array, Namespace, namespace
from .measures import CrossEntropy, Measure
from .pairs import Pair
from .plan import Plan, check_options, plan_of
from .statistics import Options, TargetStatistics

Target: TypeAlias = Array | TargetStatistics


@dataclass(frozen=True)
class Problem:
    """A loss on statistics, checked and planned: all but the prediction's own statistics."""

    xp: Namespace
    prediction: Array
    mask: Array | None  # as counting() gives it
    count: Array | None  # as pair_count() gives it
    targets: list[Array]  # by canonical pair, (..., *stored)
    weights: list[Array | float]  # by canonical pair: how often the user's pairs and lags hold it
    plan: Plan
    lag_reduction: str

    def share(self, weight: Array | float) -> Array | float:
        """Return the weight of each stored lag in the loss: none where no pair of points spans it, over the number of the others if a mean."""
        xp, n = self.xp, float(self.plan.lags.number)
        if self.plan.masked:
            like = self.targets[0]
            seen = xp.astype(self.count > 0, like.dtype)
            inside = self.plan.lags.inside(like, xp)
            lags = tuple(range(-self.plan.ndim, 0))
            n = xp.sum(seen if inside is None else seen * inside, axis=lags, keepdims=True)
            n = xp.where(n > 0, n, xp.ones_like(n))
            weight = weight * seen
        return weight / n if self.lag_reduction == "mean" else weight

    def value(self, measure: Measure) -> Array:
        """Return the loss of each member of the batch, (...)."""
        values, _ = correlation.correlate(self.prediction, self.mask, self.count, self.plan, self.xp)
        return self.total(values, measure)

    def total(self, values: list[Array], measure: Measure) -> Array:
        """Sum the measure over pairs and lags, (...)."""
        lags = tuple(range(-self.plan.ndim, 0))
        terms = [
            self.xp.sum(self.share(weight) * measure.value(f, t, self.xp), axis=lags)
            for f, t, weight in zip(values, self.targets, self.weights, strict=True)
        ]
        return reduce(add, terms)

    def slopes(self, values: list[Array], measure: Measure) -> list[Array]:
        """Return the derivative of the total by each of the values."""
        return [
            self.share(weight) * measure.slope(f, t, self.xp)
            for f, t, weight in zip(values, self.targets, self.weights, strict=True)
        ]


def pose(prediction: Array, target: Target, options: Options, *, reduction: str, lag_reduction: str) -> Problem:
    """Check a call of a loss, plan it, and work out the target's side."""
    _check.choice("reduction", reduction, _check.REDUCTIONS)
    _check.choice("lag_reduction", lag_reduction, ("mean", "sum"))
    known = target if isinstance(target, TargetStatistics) else None
    options = options.with_defaults() if known is None else known.settle(options)
    check_options(options.ndim, options.boundary, options.implied_phase)
    pixels = target if known is None else known._values[0]
    xp = namespace(prediction=prediction, target=pixels, mask=options.mask)
    _check.real("prediction", prediction, xp)
    _check.microstructure("prediction", prediction, options.ndim)
    if known is None:
        _check.real("target", target, xp)
        _check.equal_shapes(prediction, target)
    elif tuple(prediction.shape) != known.microstructure_shape:
        raise ValueError(f"prediction must have shape {known.microstructure_shape} for these target statistics, got {tuple(prediction.shape)}")
    args = (options.ndim, options.boundary, options.mask, options.crop, options.implied_phase, options.pairs)
    plan, wanted = plan_of(prediction, *args, "prediction")
    mask, dtype = None, correlation.arithmetic(prediction, plan, xp)
    if options.mask is not None:
        _check.mask_shape(options.mask, tuple(prediction.shape[: -plan.ndim - 1]), plan.lags.space, xp)
        mask = phases.counting(options.mask, plan.ndim, xp)
    if known is None:
        count = correlation.pair_count(mask, prediction, plan, xp)
        targets, _ = correlation.correlate(xp.astype(target, phases.result_dtype(prediction, xp), copy=False), mask, count, plan, xp)
    else:
        targets, count = known.narrow(plan, xp)
        targets = [xp.astype(t, dtype, copy=False) for t in targets]
        count = correlation.pair_count(mask, prediction, plan, xp) if count is None else count
    return Problem(xp, prediction, mask, count, targets, _weights(plan, wanted, targets[0], xp), plan, lag_reduction)


def _weights(plan: Plan, wanted: tuple[Pair, ...], like: Array, xp: Namespace) -> list[Array | float]:
    """Return how often each canonical pair and stored lag r stands in the loss: once for (h, k) at r, once for (k, h) at -r."""
    here, there = (plan.lags.inside(like, xp, opposite=opposite) for opposite in (False, True))
    weights: list[Array | float] = []
    for h, k in plan.pairs:
        parts = [1.0 if here is None else here] * ((h, k) in wanted)
        parts += [1.0 if there is None else there] * (h != k and (k, h) in wanted)
        weights.append(reduce(add, parts))
    return weights


def entropy_measure(problem: Problem, options: Options, floor: float, excess: bool) -> Measure:
    """Return the measure of CESS; refuse a single autocorrelation, which a full image would minimise."""
    if problem.plan.n_phases == 1 and isinstance(options.pairs or "all", str):
        raise ValueError(
            "cess of one phase alone is minimised by a full image; pass implied_phase=True if prediction holds phase 1 of two, "
            "or pairs=[(0, 0)] if you do want this"
        )
    return CrossEntropy(floor, excess)


def reduce_batch(values: Array, reduction: str, xp: Namespace) -> Array:
    """Return the mean or the sum over the batch, or the values themselves."""
    if reduction == "none":
        return values
    return xp.mean(values) if reduction == "mean" else xp.sum(values)


def finish(values: Array, prediction: Array, reduction: str, xp: Namespace) -> Array:
    """Reduce over the batch and return the dtype that the prediction asks for."""
    return xp.astype(reduce_batch(values, reduction, xp), phases.result_dtype(prediction, xp), copy=False)
