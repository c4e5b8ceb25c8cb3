"""Out-of-sample placement: new points into an embedding that stays as it is."""

import numpy as np
from jaxtyping import Float, Float64

from .._check import positive

_LEAST_DAMPING = 1e-9  # of a matrix of trace 1, singular where all fixed points lie in a flat


def place(
    distances: Float[np.ndarray, "m n"], points: Float[np.ndarray, "n dimensions"], *, iterations: int = 300, tolerance: float = 1e-8
) -> Float64[np.ndarray, "m dimensions"]:
    """Return new points whose distances from fixed points match given ones, each the least of ``sum_a (d_a - |x - y_a|)^2``.

    From the least squares of the linearised equations, which is exact for exact distances, by damped Gauss-Newton steps
    ``x <- x + (H + c)^-1 (g(x) - x)``, ``g(x) = mean over a of y_a + d_a (x - y_a) / |x - y_a|``, H the mean of ``u u^T`` over the unit
    vectors u from the fixed points. One that would raise the sum is not taken, and c grows. With c = 1 it is at most SMACOF's step by
    majorisation, to g(x), which never raises the sum, but takes a thousand of them where the fixed points vary little in some direction.

    Parameters
    ----------
    distances : array (m, n)
        Of m new points from the n fixed ones, such as of :func:`distances_to`.
    points : array (n, D)
        The fixed points, such as those of an :class:`Embedding`.
    iterations : int
        At most.
    tolerance : float
        A point rests when its step is so small, in units of the root mean square size of the fixed points.

    Returns
    -------
    float64 array (m, D)

    Raises
    ------
    ValueError
        If shapes do not fit, or a number is not finite, or a distance negative.

    References
    ----------
    Lubbers et al., eq. (8), for one point at a time; Borg and Groenen, *Modern Multidimensional Scaling* (2005),
    chapter 8; de Silva and Tenenbaum, *Sparse multidimensional scaling using landmark points* (2004).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import place
    >>> fixed = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    >>> place(np.sqrt([[2.0, 2.0, 2.0]]), fixed).round(6).tolist()
    [[1.0, 1.0]]
    """
    d, fixed = np.asarray(distances, dtype=np.float64), np.asarray(points, dtype=np.float64)
    if fixed.ndim != 2 or not fixed.size or not np.isfinite(fixed).all():
        raise ValueError(f"points must be finite, of the shape (n, D), got the shape {fixed.shape}")
    if d.ndim != 2 or d.shape[1] != len(fixed):
        raise ValueError(f"distances must have the shape (m, {len(fixed)}), one column a point, got {d.shape}")
    if not np.isfinite(d).all() or (d < 0).any():
        raise ValueError("distances must be finite and of 0 or more")
    centre = fixed.mean(axis=0)
    fixed = fixed - centre
    size = np.sqrt((fixed**2).sum(axis=1).mean())
    x, moving, damping = _linear(d, fixed), np.arange(len(d)), np.full(len(d), 1e-3)
    for _ in range(positive("iterations", iterations)):
        proposed, lower = _step(d[moving], x[moving], fixed, damping[moving])
        step = np.sqrt(((proposed - x[moving]) ** 2).sum(axis=1))
        x[moving[lower]] = proposed[lower]
        damping[moving] = np.clip(damping[moving] * np.where(lower, 0.1, 10.0), _LEAST_DAMPING, 1.0)
        moving = moving[step > tolerance * size]
        if not len(moving):
            break
    return x + centre


def _linear(d: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Return the least squares of ``2 x·y_a = |y_a|^2 - d_a^2`` without the means over a, (m, D)."""
    right = (fixed**2).sum(axis=1) - d**2  # (m, n)
    return (right - right.mean(axis=1, keepdims=True)) @ np.linalg.pinv(2 * fixed, rcond=1e-10).T


def _step(d: np.ndarray, x: np.ndarray, fixed: np.ndarray, damping: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where a damped Gauss-Newton step leads, and whether the sum is lower there."""
    apart = _apart(x, fixed)
    inverse = np.where(apart > 0, 1 / np.where(apart > 0, apart, 1.0), 0.0)  # a fixed point that x lies on pulls nowhere
    ratio, square, n, dimensions = d * inverse, inverse**2, len(fixed), fixed.shape[1]
    g = (x * ratio.sum(axis=1, keepdims=True) - ratio @ fixed) / n  # the fixed points' mean is 0
    # Mean of u u^T over unit vectors u = (x - y) / |x - y|, without an array of all u.
    products = (square @ (fixed[:, :, None] * fixed[:, None, :]).reshape(n, -1)).reshape(-1, dimensions, dimensions)
    cross = x[:, :, None] * (square @ fixed)[:, None, :]
    hessian = (square.sum(axis=1)[:, None, None] * x[:, :, None] * x[:, None, :] - cross - cross.swapaxes(1, 2) + products) / n
    there = x + np.linalg.solve(hessian + damping[:, None, None] * np.eye(dimensions), (g - x)[..., None])[..., 0]
    return there, ((d - _apart(there, fixed)) ** 2).sum(axis=1) < ((d - apart) ** 2).sum(axis=1)


def _apart(x: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Return distances of points from the fixed ones, (m, n)."""
    return np.sqrt(np.maximum((x**2).sum(axis=1)[:, None] + (fixed**2).sum(axis=1) - 2 * x @ fixed.T, 0.0))
