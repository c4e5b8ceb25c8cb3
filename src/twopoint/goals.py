"""How far a prediction is from a goal: losses of statistics lag by lag, and squared errors of all lags frequency by frequency."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import TypeAlias

from . import adjoint, chunks, correlation, phases
from ._namespace import Array, Namespace
from .carried import Carried
from .fluctuations import fluctuations, one_phase
from .lag_transforms import from_lags, product
from .measures import Goal, Measure, SquaredError
from .pairs import Pair
from .plan import Plan


@dataclass(frozen=True)
class LagGoals:
    """A measure summed over pairs and lags."""

    measure: Measure
    goals: list[Goal]  # by carried pair

    @property
    def first(self) -> Array:
        """One of the arrays."""
        return self.goals[0].target

    def value(self, m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> Array:
        """Return the loss of each member of the batch, (...)."""
        if not chunks.pair_by_pair(m, plan, xp):
            return self._value(correlation.correlate(m, mask, count, plan, xp), plan, xp)
        if plan.derived:
            return self.value(phases.explicit(m, plan.ndim, xp), mask, count, replace(plan, implied=False), xp)
        by_pair = correlation.sums_by_pair(m, mask, count, plan, xp)
        return reduce(add, (self._of(alone, plan)._value(correlation.values(sums, alone, xp), alone, xp) for alone, sums in by_pair))

    def value_and_gradient(self, m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> tuple[Array, Array]:
        """Return the loss of each member of the batch, (...), and its gradient by m."""
        if not chunks.pair_by_pair(m, plan, xp):
            sums = correlation.sums(m, mask, count, plan, xp)
            value, back = self._compared(sums, m, plan, xp)
            return value, adjoint.sums(back, sums, mask, plan, xp)
        if plan.derived:
            value, gradient = self.value_and_gradient(phases.explicit(m, plan.ndim, xp), mask, count, replace(plan, implied=False), xp)
            return value, adjoint.implied(gradient, plan.ndim)
        found = (
            (sums, *self._of(alone, plan)._compared(sums, m, alone, xp))
            for alone, sums in correlation.sums_by_pair(m, mask, count, plan, xp)
        )
        sums, value, back = next(found)
        for _, more, pull in found:
            value, back = value + more, adjoint.plus(back, pull)
        return value, adjoint.sums(back, sums, mask, plan, xp)

    def _value(self, values: list[Array], plan: Plan, xp: Namespace) -> Array:
        """Return the loss of statistics."""
        return self._total([self.measure.value(f, goal, xp) for f, goal in zip(values, self.goals, strict=True)], plan, xp)

    def _of(self, part: Plan, plan: Plan) -> "LagGoals":
        """Return the goals of some of the pairs."""
        goals = dict(zip(plan.carried, self.goals, strict=True))
        return replace(self, goals=[goals[pair] for pair in part.carried])

    def _compared(self, sums: correlation.Sums, m: Array, plan: Plan, xp: Namespace) -> tuple[Array, adjoint.Back]:
        """Return the loss, and its slopes by spectra; row by row of the lags where these are many."""
        totals, pulls = [], []
        for start, cut in chunks.rows(m, plan, xp):
            part, goals = sums.rows(cut), replace(self, goals=[goal.map(cut) for goal in self.goals])
            values = correlation.values(part, plan, xp)
            both = [self.measure.value_and_slope(f, goal, xp) for f, goal in zip(values, goals.goals, strict=True)]
            totals.append(goals._total([value for value, _ in both], plan, xp, start))
            pulls.append(adjoint.values([slope for _, slope in both], part, plan, xp, start))
        return reduce(add, totals), adjoint.products(adjoint.joined(pulls, plan, xp), sums, plan, xp)

    def _total(self, values: list[Array], plan: Plan, xp: Namespace, start: int = 0) -> Array:
        """Sum over pairs and lags, from a row of these on."""
        whole = [value if goal.extra is None else value + goal.extra for value, goal in zip(values, self.goals, strict=True)]
        return reduce(add, [plan.lags.total(value, xp, start) for value in whole])

    def map(self, function: Callable[[Array, int], Array], ndim: int) -> "LagGoals":
        """Apply a function to each of the arrays, which it is told the axes of without a batch."""
        return replace(self, goals=[goal.map(lambda x: function(x, ndim)) for goal in self.goals])


def lag_goals(measure: Measure, target: Carried, shares: list[Array | float], xp: Namespace) -> LagGoals:
    """Prepare the target of a measure."""
    return LagGoals(measure, [measure.goal(t, share, odd, xp) for t, share, odd in zip(target.values, shares, target.odds, strict=True)])


@dataclass(frozen=True)
class SpectralGoals:
    """The squared error of all lags by Parseval's theorem: sum over r of (f - t)^2 is n times that over frequencies of |F - T|^2.

    The covariances of phases that sum to one with two phases are one up to their sign: they share a term. What distinguishes their
    targets, if these were measured, adds what no prediction can change.
    """

    terms: list[tuple[Pair, float, Array]]  # phases as their spectra count, weight, target's spectrum without its mean
    levels: list[tuple[Pair, float, Array]]  # canonical pair, weight, mean of the target over the lags, (...)
    extra: Array | None

    @property
    def first(self) -> Array:
        """One of the arrays."""
        return self.terms[0][2]

    def value(self, m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> Array:
        """Return the loss of each member of the batch, (...)."""
        _, spectra, levels = fluctuations(xp.astype(m, correlation.arithmetic(m, plan, xp), copy=False), plan, xp)
        return self._value(_differences(self.terms, _all(spectra, plan, xp), plan, xp), self._apart(levels), plan, xp)

    def value_and_gradient(self, m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> tuple[Array, Array]:
        """Return the loss of each member of the batch, (...), and its gradient by m."""
        _, spectra, levels = fluctuations(xp.astype(m, correlation.arithmetic(m, plan, xp), copy=False), plan, xp)
        spectra, apart, points = _all(spectra, plan, xp), self._apart(levels), float(math.prod(plan.lags.space))
        differences = _differences(self.terms, spectra, plan, xp)
        slopes = {pair: (4 if pair[0] == pair[1] else 2) * weight * d for (pair, weight, _), d in zip(self.terms, differences, strict=True)}
        totals = {pair: (2 * points * weight) * d for (pair, weight, _), d in zip(self.levels, apart, strict=True)}
        gradient = adjoint.transpose_spectra(adjoint.transpose_products(slopes, spectra, plan, xp), spectra, plan, xp)
        if _through_all(plan):
            gradient = adjoint.implied(gradient, plan.ndim)
        pull = adjoint.transpose_levels(totals, levels, plan, xp)[(...,) + (None,) * plan.ndim]
        return self._value(differences, apart, plan, xp), gradient + pull

    def _apart(self, levels: list[Array]) -> list[Array]:
        """Return how far the means of the statistics are from the target's."""
        return [levels[h] * levels[k] - t for (h, k), _, t in self.levels]

    def _value(self, differences: list[Array], apart: list[Array], plan: Plan, xp: Namespace) -> Array:
        """Sum squares over pairs and frequencies."""
        points = float(math.prod(plan.lags.space))
        squares = [(points * w) * _norm(d, plan, xp) for (_, w, _), d in zip(self.terms, differences, strict=True)]
        squares += [(points * w) * d**2 for (_, w, _), d in zip(self.levels, apart, strict=True)]
        return reduce(add, squares if self.extra is None else [*squares, self.extra])

    def map(self, function: Callable[[Array, int], Array], ndim: int) -> "SpectralGoals":
        """Apply a function to each of the arrays, which it is told the axes of without a batch."""
        terms = [(pair, weight, function(t, ndim)) for pair, weight, t in self.terms]
        levels = [(pair, weight, function(t, 0)) for pair, weight, t in self.levels]
        return SpectralGoals(terms, levels, None if self.extra is None else function(self.extra, 0))


Goals: TypeAlias = LagGoals | SpectralGoals


def is_spectral(measure: Measure, plan: Plan) -> bool:
    """Whether Parseval's theorem serves: squared errors of all lags, of which each weighs the same."""
    return isinstance(measure, SquaredError) and plan.closed and all(plan.lags.whole)


def spectral_goals_of_microstructure(m: Array, shares: list[Array | float], plan: Plan, xp: Namespace) -> SpectralGoals:
    """Prepare a microstructure as the target, without a transform back."""
    _, spectra, levels = fluctuations(m, plan, xp)
    spectra, weights = _all(spectra, plan, xp), _weights(shares, plan)
    pairs = [((0, 0), sum(weights.values()))] if _shared(plan) else list(weights.items())
    terms = [(pair, weight, _product(spectra, pair, plan, xp)) for pair, weight in pairs]
    return SpectralGoals(terms, [(pair, weight, levels[pair[0]] * levels[pair[1]]) for pair, weight in weights.items()], None)


def spectral_goals(target: Carried, shares: list[Array | float], plan: Plan, xp: Namespace) -> SpectralGoals:
    """Prepare statistics as the target."""
    points, terms, levels = float(math.prod(plan.lags.space)), [], []
    extras = [share * plan.lags.total(odd**2, xp) for share, odd in zip(shares, target.odds, strict=True) if odd is not None]
    measured, by_order = bool(extras), dict(zip(plan.carried, target.values, strict=True))
    for pair, weight in _weights(shares, plan).items():
        halves = [by_order[order] for order in plan.orders(pair)]
        mean = reduce(add, [plan.lags.total(half, xp) for half in halves]) * ((3 - len(halves)) / points)
        terms.append((pair, weight, from_lags([half - mean[(...,) + (None,) * plan.ndim] for half in halves], plan.lags, xp)))
        levels.append((pair, weight, mean))
    if _shared(plan):
        whole = sum(weight for _, weight, _ in terms)
        signed = [(weight, -t if pair == (0, 1) else t) for pair, weight, t in terms]
        common = reduce(add, [weight / whole * t for weight, t in signed])
        extras += [(points * weight) * _norm(t - common, plan, xp) for weight, t in signed if measured]
        terms = [((0, 0), whole, common)]
    return SpectralGoals(terms, levels, reduce(add, extras) if extras else None)


def _weights(shares: list[Array | float], plan: Plan) -> dict[Pair, float]:
    """Return what each of all the lags of a canonical pair weighs: of an even one half of what a number does that carries two."""
    by_order = dict(zip(plan.carried, shares, strict=True))
    return {pair: float(by_order[pair]) / (3 - len(plan.orders(pair))) for pair in plan.pairs}


def _shared(plan: Plan) -> bool:
    """Whether one covariance, of the one explicit phase, is that of all pairs up to its sign."""
    return plan.derived and plan.n_phases == 2


def _through_all(plan: Plan) -> bool:
    """Whether an implied phase gets a spectrum of its own, minus the sum of the others."""
    return plan.derived and plan.n_phases > 2


def _all(spectra: Array, plan: Plan, xp: Namespace) -> Array:
    """Return the spectra of the phases that the terms name."""
    if not _through_all(plan):
        return spectra
    return xp.concat([-xp.sum(spectra, axis=-plan.ndim - 1, keepdims=True), spectra], axis=-plan.ndim - 1)


def _product(spectra: Array, pair: Pair, plan: Plan, xp: Namespace) -> Array:
    """Return the spectrum of a covariance."""
    a, b = (one_phase(spectra, i, plan) for i in pair)
    return product(a, b, plan.lags, xp, even=pair[0] == pair[1])


def _differences(terms: list[tuple[Pair, float, Array]], spectra: Array, plan: Plan, xp: Namespace) -> list[Array]:
    """Return the spectra of the covariances minus the targets'."""
    return [_product(spectra, pair, plan, xp) - t for pair, _, t in terms]


def _norm(d: Array, plan: Plan, xp: Namespace) -> Array:
    """Sum |d|^2 over all frequencies, of which the last axis holds half."""
    squares = d**2 if xp.isdtype(d.dtype, "real floating") else xp.real(d) ** 2 + xp.imag(d) ** 2
    axes, others = tuple(range(-plan.ndim, 0)), tuple(range(1 - plan.ndim, 0))
    columns = [0, -1] if plan.lags.space[-1] % 2 == 0 else [0]  # frequencies that are their own opposites
    single = [xp.sum(squares[..., i], axis=others) if others else squares[..., i] for i in columns]
    return 2 * xp.sum(squares, axis=axes) - reduce(add, single)
