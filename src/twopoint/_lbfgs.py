"""L-BFGS as a generator: it yields the points that it wants evaluated, so that many searches share one evaluation of a batch."""

import math
from collections import deque
from collections.abc import Callable, Generator

from ._namespace import Array, Namespace

Search = Generator[Array, tuple[float, Array], Array]

_MEMORY = 10  # steps from which the curvature is known
_DECREASE, _CURVATURE = 1e-4, 0.9  # weak Wolfe conditions
_TRIALS = 20  # of one line search
_TOLERANCE = 1e-9  # relative decrease of the objective below which the search ends


def minimise(x: Array, *, iterations: int, after: Callable[[], None], xp: Namespace) -> Search:
    """Yield points, be sent value and gradient of each, and return the point of least value.

    The line search brackets a step that meets the weak Wolfe conditions by bisection and doubling (Lewis and Overton 2013), so that
    every step adds curvature. ``after`` is called after each iteration, when the point evaluated last has become the new one.
    """
    value, gradient = yield x
    steps: deque[tuple[Array, Array, float]] = deque(maxlen=_MEMORY)
    for _ in range(iterations):
        direction = -_times_inverse_hessian(gradient, steps, xp)
        slope = float(xp.vecdot(direction, gradient))
        if not slope < 0 and steps:  # rounding has spoiled the curvature
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
    """Return a step, the value and the gradient there; None if there is no lower value in reach."""
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
    """Return the two-loop recursion: an estimate of the inverse Hessian times the gradient."""
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
