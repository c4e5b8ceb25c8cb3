"""The squared error of all lags by Parseval's theorem: the sum over r of (f - t)^2 is n times that over frequencies of |F - T|^2.

It requires no transform back to the lags. It applies to periodic, unmasked and uncropped statistics, whose lags have equal weights.
Frequencies may have weights: |xi|^-(d+1) in d dimensions makes it the energy distance of the statistics, which grows with the distance
between features.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

from ..arrays.frameworks import constant
from ..arrays.types import Array, Namespace
from ..statistics import adjoint
from ..statistics.correlation import arithmetic, fluctuations, pick
from ..statistics.lags import from_lags, product
from ..statistics.plan import Pair, Pairs, Plan
from .measures import SquaredError


@dataclass(frozen=True)
class Term:
    """Some pairs of phases with one weight, and their target."""

    pairs: Pairs
    weight: float
    target: Array

    def map(self, function: Callable[[Array, int], Array], n_axes: int) -> "Term":
        """Apply a function to the target; its second argument is the number of axes that are not batch."""
        return replace(self, target=function(self.target, n_axes))


@dataclass(frozen=True)
class SpectralTarget:
    """A target at each frequency.

    If two phases sum to one, the covariances of all pairs are equal up to their sign, and share a term. If measured targets of these
    pairs differ, the difference adds a constant that no prediction can change.
    """

    terms: list[Term]  # phases by index of their spectra, spectra of the target without its mean (..., pairs, *frequencies)
    means: list[Term]  # canonical pairs, means of the target over the lags (..., pairs)
    constant: Array | None
    frequencies: Array | None = None  # weight of each frequency except zero, (*frequencies)

    @property
    def first(self) -> Array:
        """One array of the target, as an example."""
        return self.terms[0].target

    def map(self, function: Callable[[Array, int], Array], ndim: int) -> "SpectralTarget":
        """Apply a function to each array; its second argument is the number of axes that are not batch."""
        terms, means = [term.map(function, ndim + 1) for term in self.terms], [mean.map(function, 1) for mean in self.means]
        constant = None if self.constant is None else function(self.constant, 0)
        return SpectralTarget(terms, means, constant, self.frequencies)


def prepare_microstructure(m: Array, weights: tuple[float, ...], measure: SquaredError, plan: Plan, xp: Namespace) -> SpectralTarget:
    """Prepare a microstructure as the target, without a transform back; weights belong to the half_pairs of the plan."""
    spectra, means = _transform(m, plan, xp)
    by_pair = _weights_by_pair(weights, plan)
    groups = [(((0, 0),), sum(by_pair.values()))] if plan.shared else _groups(by_pair, plan)
    terms = [Term(pairs, weight, _covariances(spectra, pairs, plan, xp)) for pairs, weight in groups]
    groups_of_means = [Term(p, w * measure.zero_weight, _products_of_means(means, p, xp)) for p, w in _groups(by_pair, None)]
    return SpectralTarget(terms, groups_of_means, None, frequency_weights(measure, m, plan, xp))


def prepare_statistics(
    halves: list[Array], odds: list[Array | None], weights: tuple[float, ...], measure: SquaredError, plan: Plan, xp: Namespace
) -> SpectralTarget:
    """Prepare statistics on half the lags as the target; odds are half the differences between measured opposite lags."""
    frequencies = frequency_weights(measure, halves[0], plan, xp)
    points, at = float(math.prod(plan.lags.space)), (...,) + (None,) * plan.ndim
    by_pair, whole, means = _weights_by_pair(weights, plan), {}, {}
    differing = [(w, odd) for w, odd in zip(weights, odds, strict=True) if odd is not None]
    constants = [points * w / 2 * _odd_norm(odd, frequencies, plan, xp) for w, odd in differing]
    at_order = dict(zip(plan.half_pairs, halves, strict=True))
    for pair in by_pair:
        parts = [at_order[order] for order in plan.orders((pair,))]
        means[pair] = reduce(add, [plan.lags.total(half, xp) for half in parts]) * ((3 - len(parts)) / points)
        whole[pair] = from_lags([half - means[pair][at] for half in parts], plan.lags, xp)
    groups = [Term(p, w * measure.zero_weight, xp.stack([means[pair] for pair in p], axis=-1)) for p, w in _groups(by_pair, None)]
    if plan.shared:
        total = sum(by_pair.values())
        signed = [(weight, -whole[pair] if pair == (0, 1) else whole[pair]) for pair, weight in by_pair.items()]
        common = reduce(add, [weight / total * t for weight, t in signed])
        constants += [(points * weight) * _squared_norm(t - common, frequencies, plan, xp) for weight, t in signed if differing]
        terms = [Term(((0, 0),), total, xp.expand_dims(common, axis=-plan.ndim - 1))]
    else:
        terms = [Term(p, w, xp.stack([whole[pair] for pair in p], axis=-plan.ndim - 1)) for p, w in _groups(by_pair, plan)]
    return SpectralTarget(terms, groups, reduce(add, constants) if constants else None, frequencies)


def frequency_weights(measure: SquaredError, like: Array, plan: Plan, xp: Namespace) -> Array | None:
    """Return |xi|^-(d+1) at the frequencies of a real transform, in cycles per pixel, and 0 at zero; None if all weights are 1."""
    if measure.weight is None:
        return None
    squares = []
    for axis, n in enumerate(plan.lags.space):
        last = axis == plan.ndim - 1
        numbers = tuple((min(i, n - i) / n) ** 2 for i in range(n // 2 + 1 if last else n))
        squares.append(xp.reshape(constant(numbers, like, xp, dtype=arithmetic(like, plan, xp)), (-1,) + (1,) * (plan.ndim - axis - 1)))
    square = reduce(add, squares)
    some = square > 0
    return xp.where(some, xp.where(some, square, xp.ones_like(square)) ** (-(plan.ndim + 1) / 2), xp.zeros_like(square))


def _odd_norm(odd: Array, frequencies: Array | None, plan: Plan, xp: Namespace) -> Array:
    """Return the squared norm of an odd function of the lags, from half of them."""
    return _squared_norm(from_lags([odd, -odd], plan.lags, xp), frequencies, plan, xp)


def value(target: SpectralTarget, m: Array, plan: Plan, xp: Namespace) -> Array:
    """Return the loss of each member of the batch, (...)."""
    spectra, means = _transform(m, plan, xp)
    differences = _spectral_differences(target, spectra, plan, xp)
    return _sum_squares(target, differences, _mean_differences(target, means, xp), plan, xp)


def value_and_gradient(target: SpectralTarget, m: Array, plan: Plan, xp: Namespace) -> tuple[Array, Array]:
    """Return the loss of each member of the batch, (...), and its gradient by m."""
    spectra, means = _transform(m, plan, xp)
    apart = _mean_differences(target, means, xp)
    differences = _spectral_differences(target, spectra, plan, xp)
    cotangents: adjoint.Terms = []
    for term, d in zip(target.terms, differences, strict=True):
        d = d if target.frequencies is None else d * target.frequencies
        slope = ((4 if term.pairs[0][0] == term.pairs[0][1] else 2) * term.weight) * d
        cotangents += adjoint.transpose_spectral_products(slope, term.pairs, spectra, plan, xp)
    totals = [(term.pairs, (2 * term.weight) * d) for term, d in zip(target.means, apart, strict=True)]
    gradient = adjoint.transpose_spectra(cotangents, spectra, plan, xp)
    if _has_spectrum_of_implied_phase(plan):
        gradient = adjoint.transpose_explicit(gradient, plan.ndim)
    of_means = adjoint.transpose_means(totals, means, plan, xp)[(...,) + (None,) * plan.ndim]
    return _sum_squares(target, differences, apart, plan, xp), gradient + of_means


def _groups(by_pair: dict[Pair, float], plan: Plan | None) -> list[tuple[Pairs, float]]:
    """Return the pairs of each weight and, if there is a plan, of one parity."""
    found: dict[Any, list[Pair]] = {}
    for pair, weight in by_pair.items():
        found.setdefault((plan is None or plan.even(pair), weight), []).append(pair)
    return [(tuple(pairs), weight) for (_, weight), pairs in found.items()]


def _products_of_means(means: Array, pairs: Pairs, xp: Namespace) -> Array:
    """Return v_h v_k, (..., pairs)."""
    first, second = zip(*pairs, strict=True)
    return pick(means, first, 0, xp) * pick(means, second, 0, xp)


def _mean_differences(target: SpectralTarget, means: Array, xp: Namespace) -> list[Array]:
    """Return the means of the statistics over the lags minus those of the target."""
    return [_products_of_means(means, term.pairs, xp) - term.target for term in target.means]


def _sum_squares(target: SpectralTarget, differences: list[Array], apart: list[Array], plan: Plan, xp: Namespace) -> Array:
    """Sum squares over pairs and frequencies."""
    points = float(math.prod(plan.lags.space))
    squares = [
        (points * t.weight) * xp.sum(_squared_norm(d, target.frequencies, plan, xp), axis=-1)
        for t, d in zip(target.terms, differences, strict=True)
    ]
    squares += [(points * t.weight) * xp.sum(d**2, axis=-1) for t, d in zip(target.means, apart, strict=True)]
    return reduce(add, squares if target.constant is None else [*squares, target.constant])


def _weights_by_pair(weights: tuple[float, ...], plan: Plan) -> dict[Pair, float]:
    """Return the weight of a lag in a sum over all lags of a canonical pair; on half the lags an even pair has twice the weight."""
    by_order = dict(zip(plan.half_pairs, weights, strict=True))
    return {pair: by_order[pair] / (3 - len(plan.orders((pair,)))) for pair in plan.pairs}


def _has_spectrum_of_implied_phase(plan: Plan) -> bool:
    """Whether the spectrum of an implied phase is needed, which is minus the sum of the others."""
    return plan.derived and plan.n_phases > 2


def _transform(m: Array, plan: Plan, xp: Namespace) -> tuple[Array, Array]:
    """Return the spectra of the phases in the terms, and the means of all phases."""
    spectra, means, _ = fluctuations(xp.astype(m, arithmetic(m, plan, xp), copy=False), plan, xp)
    if _has_spectrum_of_implied_phase(plan):
        spectra = xp.concat([-xp.sum(spectra, axis=-plan.ndim - 1, keepdims=True), spectra], axis=-plan.ndim - 1)
    return spectra, means


def _covariances(spectra: Array, pairs: Pairs, plan: Plan, xp: Namespace) -> Array:
    """Return the spectra of the covariances, (..., pairs, *frequencies); pairs are all even, or none is."""
    first, second = zip(*pairs, strict=True)
    a, b = (pick(spectra, side, plan.ndim, xp) for side in (first, second))
    return product(a, b, plan.lags, xp, even=first == second)


def _spectral_differences(target: SpectralTarget, spectra: Array, plan: Plan, xp: Namespace) -> list[Array]:
    """Return the spectra of the covariances minus those of the target."""
    return [_covariances(spectra, term.pairs, plan, xp) - term.target for term in target.terms]


def _squared_norm(d: Array, frequencies: Array | None, plan: Plan, xp: Namespace) -> Array:
    """Sum |d|^2, with the weights of the frequencies, over all frequencies, of which the last axis holds half."""
    squares = d**2 if xp.isdtype(d.dtype, "real floating") else xp.real(d) ** 2 + xp.imag(d) ** 2
    squares = squares if frequencies is None else squares * frequencies
    others = tuple(range(-plan.ndim, -1))
    columns = xp.sum(squares, axis=others) if others else squares
    return xp.sum(columns * constant(column_weights(plan), columns, xp, dtype=columns.dtype), axis=-1)


def column_weights(plan: Plan) -> tuple[float, ...]:
    """Return how often each frequency of the last axis, of which half are held, counts: once if it is its own opposite, else twice."""
    size = plan.lags.space[-1]
    held = size // 2 + 1
    return (1.0, *(2.0,) * (held - 2), 1.0 if size % 2 == 0 else 2.0)[:held]
