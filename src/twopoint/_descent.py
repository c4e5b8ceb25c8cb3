"""Gradient descent from noise: soft phases on a sphere, L-BFGS, and a pull towards one phase a point that grows from run to run."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import scipy.fft

from .gradient import Term, value_and_grad
from .losses import clamp
from .statistics import TargetStatistics

# Phases (N, *space), whether to clamp -> loss, what is to be minimised, its gradient (N, *space).
Evaluate: TypeAlias = Callable[[np.ndarray, bool], tuple[float, float, np.ndarray]]
Report: TypeAlias = Callable[[int, float], None]  # iterations done, loss

# Weights of the pull in units of what the first run took off the loss; measured on micrographs of two and three phases. Below the first
# the pull is not felt, beyond the last no gray is left.
PULLS = tuple(float(weight) for weight in np.geomspace(1e-3, 0.5, 9))

_CONTRAST = 0.1  # of the start, in standard deviations of a phase: faint, so that the loss and not the noise decides where phases form
_LEAST = 0.01  # share of every phase at the start: at 0 the gradient by q vanishes
_TOLERANCE = 1e-9  # relative decrease of the objective below which a run ends


def evaluator(terms: list[Term], statistics: TargetStatistics, common: dict[str, Any]) -> Evaluate:
    """Return the function from all phases (N, *space) to the loss, and to value and gradient (N, *space) of what is minimised.

    That is the loss, or its terms on statistics alone: a clamp would hold the gray of the start, each point in the well it lies in.
    """
    if not any("implied_phase" in own for _, _, own in terms):
        statistics = _implied(statistics)
    first = int(statistics.implied_phase)
    parts = [[term for term in terms if (term[1] is clamp) == clamps] for clamps in (False, True)]
    calls = [value_and_grad(part) for part in parts if part]

    def evaluate(m: np.ndarray, clamped: bool) -> tuple[float, float, np.ndarray]:
        (value, gradient), *clamps = [call(m[first:], statistics, **known) for call, known in zip(calls, (common, {}), strict=False)]
        loss = float(value) + sum(float(v) for v, _ in clamps)
        for v, g in clamps if clamped else []:
            value, gradient = value + v, gradient + g
        return loss, float(value), np.concatenate([np.zeros((first, *m.shape[1:])), gradient])

    return evaluate


def _implied(statistics: TargetStatistics) -> TargetStatistics:
    """Return statistics that take phase 0 as implied where this saves transforms: the phases of a descent sum to one."""
    if statistics.implied_phase or statistics.boundary != "periodic" or statistics.mask is not None:
        return statistics
    return TargetStatistics.from_correlations(
        statistics.correlations, shape=statistics.shape, crop=statistics.crop, centered=statistics.crop is not None, implied_phase=True
    )


def start(statistics: TargetStatistics, rng: np.random.Generator) -> np.ndarray:
    """Return soft phases (N, *space): volume fractions plus noise that is filtered to have the target's autocorrelations."""
    space = statistics.shape
    axes = tuple(range(-len(space), 0))
    column = (slice(None),) + (None,) * len(space)
    v = np.asarray(statistics.volume_fractions, dtype=np.float64)
    power = np.clip(scipy.fft.rfftn(_covariances(statistics, v), axes=axes).real, 0.0, None)
    white = rng.standard_normal((len(v), *space))
    white -= white.mean(axis=0)  # phases compete: where one statistic rules, equal noise in all would cancel to gray, a saddle
    noise = scipy.fft.rfftn(white, axes=axes)
    noise = scipy.fft.irfftn(np.sqrt(power) * noise, s=space, axes=axes)
    deviation = noise.std(axis=axes)
    noise = noise / np.where(deviation > 0, deviation, 1.0)[column]
    m = v[column] + _CONTRAST * np.sqrt(np.clip(v * (1 - v), 0.0, None))[column] * noise
    m = np.clip(m, _LEAST, None)
    return m / m.sum(axis=0)


def _covariances(statistics: TargetStatistics, v: np.ndarray) -> np.ndarray:
    """Return each phase's autocovariance (N, *space) in FFT order on a periodic grid; 0 at lags that are not known."""
    f = np.asarray(statistics.correlations, dtype=np.float64)
    space, lags = statistics.shape, f.shape[2:]
    known, at = [], []
    for size, n in zip(space, lags, strict=True):
        r = np.arange(n) - n // 2 if statistics.crop is not None else (np.arange(n) + (n - 1) // 2) % n - (n - 1) // 2
        near = np.flatnonzero(2 * np.abs(r) <= size)
        known.append(near)
        at.append(r[near] % size)
    covariances = np.zeros((len(v), *space))
    for h, own in enumerate(covariances):
        own[np.ix_(*at)] = f[h, h][np.ix_(*known)] - v[h] ** 2
    return covariances


def descend(evaluate: Evaluate, m: np.ndarray, *, pulls: Sequence[float], iterations: int, report: Report) -> tuple[np.ndarray, np.ndarray]:
    """Return phases of low loss, and the loss after each iteration: a run on the statistics alone, then one on all for each pull.

    Phases are squares, ``m_h = q_h^2 / sum q^2``: they stay in 0..1 and sum to one, and unlike a softmax, whose gradient dies
    exponentially near 0 and 1, a point can still change its phase late. In trials the error was a fifth lower.
    """
    q = np.sqrt(m)
    loss, first, gradient = evaluate(m, False)
    history = np.full(1 + iterations * (1 + len(pulls)), loss)
    unit = float(np.abs(_by_roots(gradient, m, q)).sum()) or 1.0  # what the loss may change by: the objective is of order 1
    for number, pull in enumerate((0.0, *pulls)):
        objective = _Objective(evaluate, q.shape, unit, pull, clamped=number > 0)
        losses = _minimise(objective, q, iterations, number * iterations, report)
        q = objective.roots
        history[1 + number * iterations :] = losses[-1] if losses else history[number * iterations]
        history[1 + number * iterations :][: len(losses)] = losses
        if number == 0:
            unit = max(first - evaluate(q**2, False)[1], 1e-6 * unit)  # a start that cannot be bettered leaves nothing to measure by
        report((number + 1) * iterations, float(history[-1]))
    return q**2, history


class _Objective:
    """The loss and the pull ``1 - mean over x of sum over h of m_h^2`` of given weight, by q, in units of what the loss changes by."""

    def __init__(self, evaluate: Evaluate, shape: tuple[int, ...], unit: float, pull: float, *, clamped: bool) -> None:
        self.evaluate, self.shape, self.unit, self.pull, self.clamped = evaluate, shape, unit, pull, clamped
        self.first: float | None = None
        self.loss = 0.0
        self.roots = np.empty(0)

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the objective and its gradient for L-BFGS."""
        q = x.reshape(self.shape)
        m = q**2 / np.sum(q**2, axis=0)
        self.loss, value, gradient = self.evaluate(m, self.clamped)
        # Without its first value CESS, which holds the target's entropy, keeps the digits in which steps differ.
        self.first = value if self.first is None else self.first
        points = m[0].size
        gray = 1.0 - float(np.sum(m**2)) / points
        gradient = gradient / self.unit - (2 * self.pull / points) * m
        return (value - self.first) / self.unit + self.pull * gray, _by_roots(gradient, m, q).ravel()


def _by_roots(gradient: np.ndarray, m: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Turn a gradient by m = q^2 / sum q^2 into one by q."""
    return 2 * q / np.sum(q**2, axis=0) * (gradient - np.sum(gradient * m, axis=0))


def _minimise(objective: _Objective, q: np.ndarray, iterations: int, before: int, report: Report) -> list[float]:
    """Run L-BFGS, leave the roots of the last iterate in the objective, and return the loss after each iteration."""
    import scipy.optimize  # here, for it takes a quarter of the time of importing twopoint, and only a reconstruction needs it
    import threadpoolctl

    losses: list[float] = []

    def after_iteration(_: np.ndarray) -> None:
        losses.append(objective.loss)
        report(before + len(losses), objective.loss)

    limits = {"maxiter": iterations, "maxfun": 20 * iterations, "ftol": _TOLERANCE, "gtol": 0.0}
    # scipy makes hundreds of short BLAS calls an iteration. With BLAS's own threads they take 25 times as long on two busy cores.
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        found = scipy.optimize.minimize(objective, q.ravel(), jac=True, method="L-BFGS-B", callback=after_iteration, options=limits)
    roots = found.x.reshape(objective.shape)
    objective.roots = roots / np.sqrt(np.sum(roots**2, axis=0))
    return losses
