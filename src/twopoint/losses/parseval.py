"""The squared error of all lags by Parseval's theorem: the sum over r of (f - t)^2 is n times that over frequencies of |F - T|^2.

It requires no transform back to the lags. It applies to periodic, unmasked and uncropped statistics, whose lags have equal weights.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add

from ..arrays.types import Array, Namespace
from ..statistics import adjoint
from ..statistics.correlation import arithmetic, fluctuations, one_phase
from ..statistics.lags import from_lags, product
from ..statistics.plan import Pair, Plan


@dataclass(frozen=True)
class SpectralTarget:
    """A target at each frequency.

    If two phases sum to one, the covariances of all pairs are equal up to their sign, and share a term. If measured targets of these
    pairs differ, the difference adds a constant that no prediction can change.
    """

    terms: list[tuple[Pair, float, Array]]  # phases by index of their spectra, weight, spectrum of the target without its mean
    means: list[tuple[Pair, float, Array]]  # canonical pair, weight, mean of the target over the lags, (...)
    constant: Array | None

    @property
    def first(self) -> Array:
        """One array of the target, as an example."""
        return self.terms[0][2]

    def map(self, function: Callable[[Array, int], Array], ndim: int) -> "SpectralTarget":
        """Apply a function to each array; its second argument is the number of axes that are not batch."""
        terms = [(pair, weight, function(t, ndim)) for pair, weight, t in self.terms]
        means = [(pair, weight, function(t, 0)) for pair, weight, t in self.means]
        return SpectralTarget(terms, means, None if self.constant is None else function(self.constant, 0))


def prepare_microstructure(m: Array, weights: list[Array | float], plan: Plan, xp: Namespace) -> SpectralTarget:
    """Prepare a microstructure as the target, without a transform back; weights belong to the half_pairs of the plan."""
    _, spectra, means = fluctuations(m, plan, xp)
    spectra, by_pair = _all_spectra(spectra, plan, xp), _weights_by_pair(weights, plan)
    pairs = [((0, 0), sum(by_pair.values()))] if _is_shared(plan) else list(by_pair.items())
    terms = [(pair, weight, _covariance(spectra, pair, plan, xp)) for pair, weight in pairs]
    return SpectralTarget(terms, [((h, k), weight, means[h] * means[k]) for (h, k), weight in by_pair.items()], None)


def prepare_statistics(
    half_lags: list[Array], odds: list[Array | None], weights: list[Array | float], plan: Plan, xp: Namespace
) -> SpectralTarget:
    """Prepare statistics on half the lags as the target; odds are half the differences between measured opposite lags."""
    points, terms, means = float(math.prod(plan.lags.space)), [], []
    constants = [weight * plan.lags.total(odd**2, xp) for weight, odd in zip(weights, odds, strict=True) if odd is not None]
    measured, by_order = bool(constants), dict(zip(plan.half_pairs, half_lags, strict=True))
    for pair, weight in _weights_by_pair(weights, plan).items():
        halves = [by_order[order] for order in plan.orders(pair)]
        mean = reduce(add, [plan.lags.total(half, xp) for half in halves]) * ((3 - len(halves)) / points)
        terms.append((pair, weight, from_lags([half - mean[(...,) + (None,) * plan.ndim] for half in halves], plan.lags, xp)))
        means.append((pair, weight, mean))
    if _is_shared(plan):
        whole = sum(weight for _, weight, _ in terms)
        signed = [(weight, -t if pair == (0, 1) else t) for pair, weight, t in terms]
        common = reduce(add, [weight / whole * t for weight, t in signed])
        constants += [(points * weight) * _squared_norm(t - common, plan, xp) for weight, t in signed if measured]
        terms = [((0, 0), whole, common)]
    return SpectralTarget(terms, means, reduce(add, constants) if constants else None)


def value(target: SpectralTarget, m: Array, plan: Plan, xp: Namespace) -> Array:
    """Return the loss of each member of the batch, (...)."""
    _, spectra, means = fluctuations(xp.astype(m, arithmetic(m, plan, xp), copy=False), plan, xp)
    differences = _spectral_differences(target, _all_spectra(spectra, plan, xp), plan, xp)
    return _sum_squares(target, differences, _mean_differences(target, means), plan, xp)


def value_and_gradient(target: SpectralTarget, m: Array, plan: Plan, xp: Namespace) -> tuple[Array, Array]:
    """Return the loss of each member of the batch, (...), and its gradient by m."""
    _, spectra, means = fluctuations(xp.astype(m, arithmetic(m, plan, xp), copy=False), plan, xp)
    spectra, apart, points = _all_spectra(spectra, plan, xp), _mean_differences(target, means), float(math.prod(plan.lags.space))
    differences = _spectral_differences(target, spectra, plan, xp)
    slopes = {pair: (4 if pair[0] == pair[1] else 2) * weight * d for (pair, weight, _), d in zip(target.terms, differences, strict=True)}
    totals = {pair: (2 * points * weight) * d for (pair, weight, _), d in zip(target.means, apart, strict=True)}
    gradient = adjoint.transpose_spectra(adjoint.transpose_spectral_products(slopes, spectra, plan, xp), spectra, plan, xp)
    if _has_spectrum_of_implied_phase(plan):
        gradient = adjoint.transpose_explicit(gradient, plan.ndim)
    of_means = adjoint.transpose_means(totals, means, plan, xp)[(...,) + (None,) * plan.ndim]
    return _sum_squares(target, differences, apart, plan, xp), gradient + of_means


def _mean_differences(target: SpectralTarget, means: list[Array]) -> list[Array]:
    """Return the means of the statistics over the lags minus those of the target."""
    return [means[h] * means[k] - t for (h, k), _, t in target.means]


def _sum_squares(target: SpectralTarget, differences: list[Array], apart: list[Array], plan: Plan, xp: Namespace) -> Array:
    """Sum squares over pairs and frequencies."""
    points = float(math.prod(plan.lags.space))
    squares = [(points * w) * _squared_norm(d, plan, xp) for (_, w, _), d in zip(target.terms, differences, strict=True)]
    squares += [(points * w) * d**2 for (_, w, _), d in zip(target.means, apart, strict=True)]
    return reduce(add, squares if target.constant is None else [*squares, target.constant])


def _weights_by_pair(weights: list[Array | float], plan: Plan) -> dict[Pair, float]:
    """Return the weight of a lag in a sum over all lags of a canonical pair; on half the lags an even pair has twice the weight."""
    by_order = dict(zip(plan.half_pairs, weights, strict=True))
    return {pair: float(by_order[pair]) / (3 - len(plan.orders(pair))) for pair in plan.pairs}


def _is_shared(plan: Plan) -> bool:
    """Whether the covariance of the only explicit phase is that of all pairs, up to its sign."""
    return plan.derived and plan.n_phases == 2


def _has_spectrum_of_implied_phase(plan: Plan) -> bool:
    """Whether the spectrum of an implied phase is needed, which is minus the sum of the others."""
    return plan.derived and plan.n_phases > 2


def _all_spectra(spectra: Array, plan: Plan, xp: Namespace) -> Array:
    """Return the spectra of the phases in the terms."""
    if not _has_spectrum_of_implied_phase(plan):
        return spectra
    return xp.concat([-xp.sum(spectra, axis=-plan.ndim - 1, keepdims=True), spectra], axis=-plan.ndim - 1)


def _covariance(spectra: Array, pair: Pair, plan: Plan, xp: Namespace) -> Array:
    """Return the spectrum of a covariance."""
    a, b = (one_phase(spectra, i, plan) for i in pair)
    return product(a, b, plan.lags, xp, even=pair[0] == pair[1])


def _spectral_differences(target: SpectralTarget, spectra: Array, plan: Plan, xp: Namespace) -> list[Array]:
    """Return the spectra of the covariances minus those of the target."""
    return [_covariance(spectra, pair, plan, xp) - t for pair, _, t in target.terms]


def _squared_norm(d: Array, plan: Plan, xp: Namespace) -> Array:
    """Sum |d|^2 over all frequencies, of which the last axis holds half."""
    squares = d**2 if xp.isdtype(d.dtype, "real floating") else xp.real(d) ** 2 + xp.imag(d) ** 2
    axes, others = tuple(range(-plan.ndim, 0)), tuple(range(1 - plan.ndim, 0))
    columns = [0, -1] if plan.lags.space[-1] % 2 == 0 else [0]  # frequencies that are their own opposites
    single = [xp.sum(squares[..., i], axis=others) if others else squares[..., i] for i in columns]
    return 2 * xp.sum(squares, axis=axes) - reduce(add, single)
