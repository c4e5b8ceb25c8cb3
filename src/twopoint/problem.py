"""The problem that a loss on statistics poses: checked and planned, with the target's side worked out."""

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from . import _check, chunks, correlation, phases
from ._namespace import Array, Namespace, differentiable, is_constant, namespace, recorded_plainly
from .carried import of_microstructure, shares
from .goals import Goals, is_spectral, lag_goals, spectral_goals, spectral_goals_of_microstructure
from .lags import all_lags
from .measures import CrossEntropy, Measure, clamp_value
from .pairs import Pairs, resolve
from .plan import CallOptions, Options, Plan, plan_of
from .statistics import TargetStatistics

Target: TypeAlias = Array | TargetStatistics


@dataclass(frozen=True)
class Problem:
    """A loss on statistics, checked and planned: all but the prediction's own statistics."""

    xp: Namespace
    prediction: Array
    mask: Array | None  # as counting() gives it
    count: Array | None  # as pair_count() gives it, None where closed
    goals: Goals
    plan: Plan
    recordable: bool  # whether nothing but the prediction can have a derivative

    @property
    def batch(self) -> tuple[int, ...]:
        """The shape of the batch."""
        return tuple(self.prediction.shape[: -self.plan.ndim - 1])

    def pixel_difference(self, target: Array) -> Array:
        """Return prediction minus target, (..., N, *space)."""
        return pixel_difference(self.prediction, target, self.mask, self.plan.ndim, self.plan.implied, self.xp)

    def value(self) -> Array:
        """Return the loss of each member of the batch, (...)."""
        if self.recordable and recorded_plainly(self.prediction, self.xp):
            return differentiable(
                self.prediction,
                lambda m: replace(self, prediction=m)._by_piece(),
                lambda m: self.goals.value(m, self.mask, self.count, self.plan, self.xp),
                self.xp,
            )
        values = [p.goals.value(p.prediction, p.mask, p.count, p.plan, p.xp) for p in self._pieces()]
        return chunks.joined(values, self.batch, self.xp)

    def value_and_gradient(self) -> tuple[Array, Array]:
        """Return the loss of each member of the batch, (...), and its gradient by the prediction, by the adjoint."""
        values, gradients = self._by_piece()
        return values, chunks.joined(gradients, self.batch, self.xp)

    def _by_piece(self) -> tuple[Array, list[Array]]:
        """Return the values, (...), and the gradients of the pieces of the batch, in the dtype that the prediction asks for."""
        dtype = phases.result_dtype(self.prediction, self.xp)
        found = [p.goals.value_and_gradient(p.prediction, p.mask, p.count, p.plan, p.xp) for p in self._pieces()]
        gradients = [self.xp.astype(gradient, dtype, copy=False) for _, gradient in found]
        return chunks.joined([value for value, _ in found], self.batch, self.xp), gradients

    def _pieces(self) -> list["Problem"]:
        """Return the problem as problems of smaller, flat batches."""
        ranges = chunks.ranges(self.prediction, self.plan, self.xp)
        if len(ranges) == 1:
            return [self]
        ndim = self.plan.ndim

        def piece(part: slice) -> "Problem":
            cut = chunks.cutter(self.batch, part, self.xp)
            mask, count = cut(self.mask, ndim + 1), cut(self.count, ndim)
            return replace(self, prediction=cut(self.prediction, ndim + 1), mask=mask, count=count, goals=self.goals.map(cut, ndim))

        return [piece(part) for part in ranges]


def pose(prediction: Array, target: Target, given: CallOptions, measure: Measure, *, reduction: str, lag_reduction: str) -> Problem:
    """Check a call of a loss, plan it, and work out the target's side."""
    _check.choice("reduction", reduction, _check.REDUCTIONS)
    _check.choice("lag_reduction", lag_reduction, ("mean", "sum"))
    known = target if isinstance(target, TargetStatistics) else None
    options = given.with_defaults() if known is None else settle(known, given)
    options.check()
    xp = namespace(prediction=prediction, target=target if known is None else known.first, mask=options.mask)
    _check.real("prediction", prediction, xp)
    if known is None:
        _check.real("target", target, xp)
        _check.equal_shapes(prediction, target)
    else:
        _same_microstructure(prediction, known)
    plan, wanted, mask = plan_of(prediction, options, xp, "prediction")
    if isinstance(measure, CrossEntropy) and plan.n_phases == 1 and isinstance(options.pairs, str):
        raise ValueError(
            "cess of one phase alone is minimised by a full image; pass implied_phase=True if prediction holds phase 1 of two, "
            "or pairs=[(0, 0)] if you do want this"
        )
    if isinstance(measure, CrossEntropy) and measure.floor < (
        least := xp.finfo(correlation.arithmetic(prediction, plan, xp)).smallest_normal
    ):
        raise ValueError(f"floor must be {float(least):.3g} at least, the smallest number of full precision, got {measure.floor!r}")
    if known is None:
        pixels = xp.astype(target, phases.result_dtype(prediction, xp), copy=False)
        goals, count = _from_pixels(pixels, prediction, mask, plan, wanted, measure, lag_reduction, xp)
    else:
        dtype = correlation.arithmetic(prediction, plan, xp)
        key = (plan.lags, wanted, dtype, measure, lag_reduction)
        goals, count = known.remember(key, lambda: _from_statistics(known, plan, wanted, dtype, measure, lag_reduction, xp), xp)
    count = correlation.pair_count(mask, prediction, plan, xp) if count is None else count
    constant = is_constant(target if known is None else known.first, xp)
    return Problem(xp, prediction, mask, count, goals, plan, constant)


def _from_pixels(
    target: Array, like: Array, mask: Array | None, plan: Plan, wanted: Pairs, measure: Measure, lag_reduction: str, xp: Namespace
) -> tuple[Goals, Array | None]:
    """Return the goals of a microstructure, and the count."""
    count = correlation.pair_count(mask, like, plan, xp)
    weights = shares(plan, wanted, count, target, lag_reduction, xp)
    if is_spectral(measure, plan):
        return spectral_goals_of_microstructure(target, weights, plan, xp), count
    return lag_goals(measure, of_microstructure(correlation.correlate(target, mask, count, plan, xp)), weights, xp), count


def _from_statistics(
    known: TargetStatistics, plan: Plan, wanted: Pairs, dtype: Any, measure: Measure, lag_reduction: str, xp: Namespace
) -> tuple[Goals, Array | None]:
    """Return the goals of target statistics, and their count."""
    carried, count = known.carried(plan, wanted, dtype, xp)
    weights = shares(plan, wanted, count, carried.values[0], lag_reduction, xp)
    if is_spectral(measure, plan):
        return spectral_goals(carried, weights, plan, xp), count
    return lag_goals(measure, carried, weights, xp), count


def settle(known: TargetStatistics, given: CallOptions) -> Options:
    """Return the options of a call: those left out from the statistics; refuse those that differ."""
    for name in ("ndim", "boundary", "implied_phase"):
        value, own = getattr(given, name), getattr(known, name)
        if value not in (None, own):
            raise ValueError(f"{name}={value!r} differs from the target statistics' {name}={own!r}")
    crop = _check.crop_sizes(given.crop, all_lags(known.shape, known.boundary))
    if crop is not None and known.crop not in (None, crop):
        raise ValueError(f"crop={given.crop!r} differs from the target statistics' crop={known.crop!r}")
    wanted = None if given.pairs is None else resolve(given.pairs, known.n_phases)
    if wanted is not None and known.pairs is not None and set(wanted) != set(known.pairs):
        raise ValueError(f"pairs={given.pairs!r} differ from the target statistics' pairs={known.pairs!r}")
    _same_mask(known, given.mask)
    pairs = known.pairs or (given.pairs if isinstance(given.pairs, str) else wanted) or "all"
    return Options(known.ndim, known.boundary, known.mask, crop or known.crop, known.implied_phase, pairs)


def _same_mask(known: TargetStatistics, mask: Array | None) -> None:
    """Refuse a mask of another shape than the statistics' own; its values are not compared."""
    if mask is None:
        return
    _check.real_or_boolean("mask", mask, namespace(target=known.first, mask=mask))
    if known.mask is None:
        raise ValueError(f"mask of shape {tuple(mask.shape)} given, but the target statistics have none")
    expected = (known.batch_shape if known.mask_batched else ()) + known.shape
    if tuple(mask.shape) != expected:
        raise ValueError(f"mask must have the shape of the target statistics' mask, {expected}, got {tuple(mask.shape)}")


def _same_microstructure(prediction: Array, known: TargetStatistics) -> None:
    """Refuse a prediction of another shape than the statistics'; statistics without a batch serve every member of one."""
    got, wanted = tuple(prediction.shape), known.microstructure_shape
    if got != wanted and (known.batch_shape or got[-len(wanted) :] != wanted):
        batches = "" if known.batch_shape else ", or a batch of it"
        raise ValueError(f"prediction must have the target statistics' shape {wanted}{batches}, got {got}")


def reduce_batch(values: Array, reduction: str, xp: Namespace) -> Array:
    """Return the mean or the sum over the batch, or the values themselves."""
    if reduction == "none":
        return values
    return xp.mean(values) if reduction == "mean" else xp.sum(values)


def finish(values: Array, prediction: Array, reduction: str, xp: Namespace) -> Array:
    """Reduce over the batch and return the dtype that the prediction asks for."""
    return xp.astype(reduce_batch(values, reduction, xp), phases.result_dtype(prediction, xp), copy=False)


def pixel_error(difference: Array, mask: Array | None, ndim: int, xp: Namespace) -> Array:
    """Return the mean over counting points and all phases of the squares of what pixel_difference gives, (...)."""
    return xp.mean(phases.mean(difference**2, mask, ndim, xp), axis=-1)


def pixel_difference(prediction: Array, target: Array, mask: Array | None, ndim: int, implied: bool, xp: Namespace) -> Array:
    """Return prediction minus target for all N phases, 0 where a point does not count by the mask of counting(), (..., N, *space)."""
    difference = phases.as_floating(prediction, xp) - phases.as_floating(target, xp)
    if implied:
        difference = xp.concat([-xp.sum(difference, axis=-ndim - 1, keepdims=True), difference], axis=-ndim - 1)
    return difference if mask is None else xp.where(mask, difference, xp.zeros_like(difference))


def pose_clamp(
    m: Array, sigma: Any, ndim: int | None, mask: Array | None, implied_phase: bool | None, reduction: str
) -> tuple[Array, Array | None, int, Namespace]:
    """Check a call of clamp; return all N phases, 0 where a point does not count, the mask of counting(), ndim and the namespace."""
    traced = _check.is_scalar_array("sigma", sigma)
    arrays = {"m": m, "sigma": sigma} if traced else {"m": m}
    xp, ndim = namespace(**arrays, mask=mask), 2 if ndim is None else ndim
    _check.choice("reduction", reduction, _check.REDUCTIONS)
    if not traced:
        _check.positive("sigma", sigma)
    Options(ndim, implied_phase=False if implied_phase is None else implied_phase).check()
    _check.real("m", m, xp)
    space = _check.microstructure("m", m, ndim)
    if m.shape[-ndim - 1] == 1 and not implied_phase:
        raise ValueError("clamp of one phase alone pulls every point to 1; pass implied_phase=True if m holds phase 1 of two")
    m = phases.as_floating(m, xp)
    if mask is not None:
        _check.mask_shape(mask, tuple(m.shape[: -ndim - 1]), space, xp)
        mask = phases.counting(mask, ndim, xp)
        m = xp.where(mask, m, xp.zeros_like(m))
    return phases.explicit(m, ndim, xp) if implied_phase else m, mask, ndim, xp


def clamp_total(explicit: Array, mask: Array | None, sigma: float | Array, ndim: int, xp: Namespace) -> Array:
    """Sum clamp over the counting points, (...), of what pose_clamp gives."""
    values = clamp_value(explicit, sigma, -ndim - 1, xp)  # (..., *space)
    if mask is not None:
        values = xp.where(mask[(..., 0, *(slice(None),) * ndim)], values, xp.zeros_like(values))
    return xp.sum(values, axis=tuple(range(-ndim, 0)))
