"""Descent from noise by L-BFGS: soft phases as squares, and a pull that moves each point towards one phase and grows with each run.

Each search is a generator that yields the phases to evaluate. All searches that have not ended are evaluated as one batch.
"""

import math
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..arrays.types import Array, Namespace
from ..losses.clamp import clamp
from ..losses.gradient import Term, each_value_and_grad
from ..statistics.target import TargetStatistics

Report: TypeAlias = Callable[[int, float], None]  # number of iterations, lowest loss

# Weights of the pull, in units of the decrease of the loss in the first run, measured on micrographs of two and three phases. Smaller
# weights than the first have no effect, and after the last no gray is left.
PULLS = tuple(float(weight) for weight in np.geomspace(1e-3, 0.5, 9))

TRIES = 4  # initial noises per start; each has a first run
AT_ONCE = 1 << 22  # size of the phases of all searches that run together; L-BFGS stores 20 times as much for each

_MEMORY = 10  # steps from which L-BFGS estimates the curvature
_DECREASE, _CURVATURE = 1e-4, 0.9  # weak Wolfe conditions
_TRIALS = 20  # evaluations of one line search
_TOLERANCE = 1e-9  # relative decrease of the objective below which a search ends


@dataclass(frozen=True)
class Evaluation:
    """The losses of soft phases and their gradients (N, *space); those of clamp are separate from the losses on statistics."""

    value: float
    gradient: Array
    clamps: float
    clamps_gradient: Array

    @property
    def loss(self) -> float:
        """The loss that the user requested."""
        return self.value + self.clamps


@dataclass(frozen=True)
class Run:
    """The terms that a run of the descent adds to the losses on statistics."""

    pull: float  # weight, in units of the decrease of the loss in the first run
    clamps: float  # factor of the clamps


Evaluate: TypeAlias = Callable[[Array], list[Evaluation]]  # a function of phases (starts, N, *space)
Descent: TypeAlias = Generator[Array, Evaluation, Array]
Found: TypeAlias = tuple[Array, np.ndarray]  # phases (N, *space), loss after each iteration
Search: TypeAlias = Generator[Array, tuple[float, Array], Array]


def evaluator(terms: list[Term], statistics: TargetStatistics, common: dict[str, Any], xp: Namespace) -> Evaluate:
    """Return the function that evaluates the phases of some starts."""
    if not any("implied_phase" in own for _, _, own in terms):
        statistics = _implied(statistics)
    first = int(statistics.implied_phase)
    on_statistics = each_value_and_grad([term for term in terms if term[1] is not clamp])
    clamps = [term for term in terms if term[1] is clamp]
    on_phases = each_value_and_grad(clamps) if clamps else None

    def evaluate(m: Array) -> list[Evaluation]:
        explicit = m[:, first:, ...]
        values, gradients = on_statistics(explicit, statistics, **common)
        clamped, by_clamps = on_phases(explicit, statistics) if on_phases else (xp.zeros_like(values), xp.zeros_like(gradients))
        if first:
            gradients, by_clamps = (xp.concat([xp.zeros_like(m[:, :1, ...]), g], axis=1) for g in (gradients, by_clamps))
        return [Evaluation(float(values[i]), gradients[i, ...], float(clamped[i]), by_clamps[i, ...]) for i in range(m.shape[0])]

    return evaluate


def _implied(statistics: TargetStatistics) -> TargetStatistics:
    """Return statistics with phase 0 implied if this saves transforms, since the phases of a descent sum to one."""
    if statistics.implied_phase or not statistics.plan.periodic_unmasked:
        return statistics
    implied = TargetStatistics.from_correlations(
        statistics.correlations, shape=statistics.shape, crop=statistics.crop, centered=statistics.crop is not None, implied_phase=True
    )
    return implied.with_descriptors_of(statistics)


def descend(
    starts: Sequence[Sequence[Array]], evaluate: Evaluate, runs: Sequence[Run], *, iterations: int, report: Report, xp: Namespace
) -> list[Found]:
    """Return for each start phases (N, *space) of low loss, and the loss after each iteration.

    The first run decides the basin in which the later runs stay. Each start therefore makes several first runs, and continues with that
    of the lowest loss.
    """
    histories = [[_History(len(runs) * iterations) for _ in tries] for tries in starts]

    def entered() -> None:
        every = [history for tries in histories for history in tries]
        report(sum(history.done for history in every), float(min(history.losses[-1] for history in every)))

    firsts = [
        _first_run(m, runs[0], iterations, history, entered, xp)
        for tries, own in zip(starts, histories, strict=True)
        for m, history in zip(tries, own, strict=True)
    ]
    ended = iter(_drive(firsts, evaluate, xp))
    further = []
    for own in histories:
        (q, unit), history = min(((next(ended), history) for history in own), key=lambda entry: float(entry[1].losses[-1]))
        own[:] = [history, *(_History(0, done=iterations) for _ in own[1:])]  # the iterations of abandoned tries count as done
        further.append(_further_runs(q, unit, runs, iterations, history, entered, xp))
    return [(m, own[0].losses) for m, own in zip(_drive(further, evaluate, xp), histories, strict=True)]


def _drive(searches: Sequence[Generator[Array, Evaluation, Any]], evaluate: Evaluate, xp: Namespace) -> list[Any]:
    """Run the searches, evaluate the phases that they yield in one batch, and return their results."""
    found: dict[int, Any] = {}
    requested: dict[int, Array] = {}

    def advance(i: int, evaluation: Evaluation | None) -> None:
        try:
            requested[i] = searches[i].send(evaluation)  # type: ignore[arg-type]  # None starts a generator
        except StopIteration as stop:
            found[i] = stop.value
            requested.pop(i, None)

    waiting = iter(range(len(searches)))
    while len(found) < len(searches):
        while not requested or (len(requested) + 1) * math.prod(next(iter(requested.values())).shape) <= AT_ONCE:
            if (i := next(waiting, None)) is None:
                break
            advance(i, None)
        running = list(requested)
        evaluations = evaluate(xp.stack([requested[i] for i in running])) if running else []  # (running searches, N, *space)
        for i, evaluation in zip(running, evaluations, strict=True):
            advance(i, evaluation)
    return [found[i] for i in range(len(searches))]


class _History:
    """The loss of one try after each iteration, (1 + iterations,); if a run ends early, the last value is repeated."""

    def __init__(self, iterations: int, done: int = 0) -> None:
        self.losses, self.done = np.full(1 + iterations, np.inf), done

    def enter(self, done: int, loss: float) -> None:
        """Record the loss after a number of iterations, also for all later iterations."""
        self.losses[done:], self.done = loss, done


def _first_run(
    m: Array, run: Run, iterations: int, history: _History, entered: Callable[[], None], xp: Namespace
) -> Generator[Array, Evaluation, tuple[Array, float]]:
    """Yield the phases to evaluate in one try; return the square roots of the last phases and the decrease of the loss."""
    begin = yield m
    if not math.isfinite(begin.loss):
        raise ValueError("target must have finite statistics and loss finite weights, got a loss that is not finite at the start")
    history.enter(0, begin.loss)
    q = xp.sqrt(m)
    unit = float(xp.sum(xp.abs(_by_roots(begin.gradient, m, q, xp)))) or 1.0  # scale of the loss, for an objective of order 1
    q = yield from _minimise(_Objective(run, unit, xp), q, iterations, history, entered)
    return q, max(begin.value - (yield q**2).value, 1e-6 * unit)  # not 0, even if the start is a minimum


def _further_runs(
    q: Array, unit: float, runs: Sequence[Run], iterations: int, history: _History, entered: Callable[[], None], xp: Namespace
) -> Descent:
    """Yield the phases to evaluate in the runs of one start after the first, and return the last phases.

    Phases are squares, ``m_h = q_h^2 / sum q^2``, which are within 0..1 and sum to one. The gradient of a softmax decays exponentially
    near 0 and 1; with squares a point can still change its phase late. In trials the error was a fifth lower.
    """
    for run in runs[1:]:
        q = yield from _minimise(_Objective(run, unit, xp), q, iterations, history, entered)
    return q**2


class _Objective:
    """The loss and the pull ``1 - mean over x of sum over h of m_h^2`` as functions of q, in units of the change of the loss."""

    def __init__(self, run: Run, unit: float, xp: Namespace) -> None:
        self.run, self.unit, self.xp = run, unit, xp
        self.first: float | None = None
        self.loss = 0.0

    def __call__(self, evaluation: Evaluation, m: Array, q: Array) -> tuple[float, Array]:
        """Return the objective and its gradient."""
        self.loss, value = evaluation.loss, evaluation.value + self.run.clamps * evaluation.clamps
        # CESS contains the entropy of the target. Subtracting the first value preserves the precision of differences between steps.
        self.first = value if self.first is None else self.first
        points = math.prod(m.shape[1:])
        gray = 1.0 - float(self.xp.sum(m**2)) / points
        gradient = (evaluation.gradient + self.run.clamps * evaluation.clamps_gradient) / self.unit - (2 * self.run.pull / points) * m
        return (value - self.first) / self.unit + self.run.pull * gray, _by_roots(gradient, m, q, self.xp)


def _minimise(objective: _Objective, q: Array, iterations: int, history: _History, entered: Callable[[], None]) -> Descent:
    """Make one run of L-BFGS, record its losses, and return the square roots of the last phases."""
    xp, shape, end = objective.xp, q.shape, history.done + iterations

    def after() -> None:
        history.enter(history.done + 1, objective.loss)
        entered()

    search = lbfgs(xp.reshape(q, (-1,)), iterations=iterations, after=after, xp=xp)
    q = xp.reshape(next(search), shape)
    while True:
        m = q**2 / xp.sum(q**2, axis=0)
        value, gradient = objective((yield m), m, q)
        try:
            q = xp.reshape(search.send((value, xp.reshape(gradient, (-1,)))), shape)
        except StopIteration as stop:
            history.enter(end, float(history.losses[-1]))
            entered()
            q = xp.reshape(stop.value, shape)
            return q / xp.sqrt(xp.sum(q**2, axis=0))


def _by_roots(gradient: Array, m: Array, q: Array, xp: Namespace) -> Array:
    """Return the gradient by q from the gradient by m = q^2 / sum q^2."""
    return 2 * q / xp.sum(q**2, axis=0) * (gradient - xp.sum(gradient * m, axis=0))


def lbfgs(x: Array, *, iterations: int, after: Callable[[], None], xp: Namespace) -> Search:
    """Minimise by L-BFGS: yield points, receive the value and the gradient of each, and return the point of the lowest value.

    The line search finds a step that meets the weak Wolfe conditions by bisection and doubling (Lewis and Overton 2013), so that
    every step adds positive curvature. ``after`` is called after each iteration, whose new point is the last one evaluated.
    """
    value, gradient = yield x
    steps: deque[tuple[Array, Array, float]] = deque(maxlen=_MEMORY)
    for _ in range(iterations):
        direction = -_times_inverse_hessian(gradient, steps, xp)
        slope = float(xp.vecdot(direction, gradient))
        if not slope < 0 and steps:  # the curvature is wrong by rounding
            steps.clear()
            direction, slope = -gradient, -float(xp.vecdot(gradient, gradient))
        if not slope < 0:
            return x
        found = yield from _line_search(x, value, direction, slope, 1.0 if steps else min(1.0, 1.0 / math.sqrt(-slope)), xp)
        if found is None:
            return x
        step, lower, turned = found
        steps.append((step * direction, turned - gradient, 1.0 / (step * (float(xp.vecdot(turned, direction)) - slope))))
        decrease, x = value - lower, x + step * direction
        value, gradient = lower, turned
        after()
        if decrease <= _TOLERANCE * max(abs(value), abs(value + decrease), 1.0):
            return x
    return x


def _line_search(
    x: Array, value: float, direction: Array, slope: float, step: float, xp: Namespace
) -> Generator[Array, tuple[float, Array], tuple[float, float, Array] | None]:
    """Return a step, with the value and the gradient after it; None if no lower value is found."""
    low, high = 0.0, math.inf
    for _ in range(_TRIALS):
        there, turned = yield x + step * direction
        if not there <= value + _DECREASE * step * slope:
            high = step
        elif float(xp.vecdot(turned, direction)) < _CURVATURE * slope:
            low = step
        else:
            return step, there, turned
        step = 2 * low if high == math.inf else (low + high) / 2
    return None


def _times_inverse_hessian(gradient: Array, steps: deque[tuple[Array, Array, float]], xp: Namespace) -> Array:
    """Return an estimate of the inverse Hessian times the gradient, by the two-loop recursion."""
    if not steps:
        return gradient
    shares = []
    for s, y, inverse in reversed(steps):
        shares.append(inverse * float(xp.vecdot(s, gradient)))
        gradient = gradient - shares[-1] * y
    _, y, inverse = steps[-1]
    gradient = gradient / (inverse * float(xp.vecdot(y, y)))
    for (s, y, inverse), share in zip(steps, reversed(shares), strict=True):
        gradient = gradient + (share - inverse * float(xp.vecdot(y, gradient))) * s
    return gradient
