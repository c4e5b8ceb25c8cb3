"""L-BFGS without a linear algebra library under it.

scipy's L-BFGS-B makes hundreds of short BLAS calls an iteration, and each wakes OpenBLAS's threads: on two busy cores a 128x128
reconstruction took 82 s with them and 2.5 s without, and nothing in scipy switches them off. Its bounds are not needed here.
"""

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

Objective: TypeAlias = Callable[[np.ndarray], tuple[float, np.ndarray]]  # x -> value, gradient
Pair: TypeAlias = tuple[np.ndarray, np.ndarray, float]  # step, change of the gradient, their product

_MEMORY = 10  # pairs that are kept; 30 gave no lower error for half as much time again
_DECREASE, _CURVATURE = 1e-4, 0.9  # of the weak Wolfe conditions, the usual ones
_TRIALS = 20  # of one line search


def minimise(objective: Objective, x: np.ndarray, *, iterations: int, tolerance: float, after: Callable[[], None]) -> np.ndarray:
    """Return the last point of L-BFGS from x; ``after`` is called once an iteration, when its point was the last one evaluated.

    It ends after the given iterations, when an iteration lowers the value by less than ``tolerance * max(1, |value|)``, or when no step
    lowers it at all. Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5; the line search is a bisection for the weak
    Wolfe conditions.
    """
    value, gradient = objective(x)
    pairs: deque[Pair] = deque(maxlen=_MEMORY)
    for _ in range(iterations):
        direction = _direction(gradient, pairs)
        slope = _dot(direction, gradient)
        if not slope < 0:
            break
        # The first direction has no length of its own: begin with a step that moves no coordinate far.
        found = _search(objective, x, value, direction, slope, 1.0 if pairs else min(1.0, 0.1 / float(np.abs(direction).max())))
        if found is None:
            break
        step, new_value, new_gradient = found
        change = new_gradient - gradient
        product = _dot(step, change)
        if product > 1e-14 * _dot(change, change):
            pairs.append((step, change, product))
        x, gain, value, gradient = x + step, value - new_value, new_value, new_gradient
        after()
        if gain < tolerance * max(1.0, abs(value)):
            break
    return x


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    """Return a scalar product by numpy's own loop, not by BLAS."""
    return float(np.einsum("i,i->", a, b))


def _direction(gradient: np.ndarray, pairs: deque[Pair]) -> np.ndarray:
    """Return minus the inverse Hessian, as the pairs know it, times the gradient: the two-loop recursion."""
    direction, weights = -gradient, []
    for step, change, product in reversed(pairs):
        weights.append(_dot(step, direction) / product)
        direction = direction - weights[-1] * change
    if pairs:
        _, change, product = pairs[-1]
        direction = direction * (product / _dot(change, change))
    for (step, change, product), weight in zip(pairs, reversed(weights), strict=True):
        direction = direction + (weight - _dot(change, direction) / product) * step
    return direction


def _search(
    objective: Objective, x: np.ndarray, value: float, direction: np.ndarray, slope: float, length: float
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Return step, value and gradient where the weak Wolfe conditions hold, or at least the value is lower; None where it is not."""
    low, high = 0.0, np.inf
    for trial in range(_TRIALS):
        step = length * direction
        new_value, gradient = objective(x + step)
        lower = new_value <= value + _DECREASE * length * slope
        if lower and (_dot(direction, gradient) >= _CURVATURE * slope or trial == _TRIALS - 1):
            return step, new_value, gradient
        low, high = (length, high) if lower else (low, length)
        length = 2 * low if np.isinf(high) else 0.5 * (low + high)
    return None
