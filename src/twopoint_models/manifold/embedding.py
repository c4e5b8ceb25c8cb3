"""Metric multidimensional scaling: points of few dimensions whose distances match given ones, and the placement of further points."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64
from scipy.linalg import eigh
from scipy.spatial.distance import cdist
from sklearn.manifold import smacof

from ..checks import positive
from .distances import distance_matrix, distances_to

_BLOCK = 1024  # points placed at a time
_ASYMMETRY = 1e-5  # of the largest distance; float32 sums of many squares may differ by this much


class Embedding(NamedTuple):
    """Points that represent images.

    Attributes
    ----------
    points : float64 array (n, D)
        Points in the unit of the distances, with mean 0 and axes in order of decreasing variance.
    stress : float
        Kruskal's stress, eq. (8), over all pairs, or with landmarks over the pairs of a point and a landmark.
    landmarks : int64 array (m,)
        Indices of the points that were embedded by their mutual distances: all, or the landmarks of :func:`embed_landmarks`.
    """

    points: np.ndarray
    stress: float
    landmarks: np.ndarray


def embed(distances: Float[np.ndarray, "n n"], dimensions: int, *, iterations: int = 1000, tolerance: float = 1e-8) -> Embedding:
    """Return points whose distances match the given ones, by metric MDS: scikit-learn's SMACOF from the classical solution.

    SMACOF lowers ``sum (d_ij - d^_ij)^2`` iteratively. It starts from the classical solution, the leading eigenvectors of the doubly
    centred squared distances, so it needs few steps and is deterministic. Eq. (8) divides the sum by that of the squared embedded
    distances, which a slightly larger embedding would lower further.

    Parameters
    ----------
    distances : array (n, n)
        Symmetric distances, zero on the diagonal, such as those of :func:`distance_matrix`.
    dimensions : int
        Number D of dimensions, from 1 to n - 1.
    iterations : int
        Largest number of iterations.
    tolerance : float
        SMACOF stops when a step lowers the sum by less than this share of the sum of squared distances.

    Returns
    -------
    Embedding

    Raises
    ------
    TypeError
        If distances are not real numbers.
    ValueError
        If distances are not square, symmetric to 1e-5 of the largest, finite, at least 0 and zero on the diagonal; if they are of one image
        only or all zero; or if dimensions are not from 1 to n - 1.

    References
    ----------
    Lubbers et al., section III.C, eq. (8); Borg and Groenen, *Modern Multidimensional Scaling* (2005), chapters 8 and 12.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import distance_matrix, embed
    >>> square = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    >>> found = embed(distance_matrix(square), 2)
    >>> distance_matrix(found.points).round(6)[0].tolist(), round(found.stress, 6)
    ([0.0, 1.0, 1.414214, 1.0], 0.0)
    """
    d, dimensions = _distances(distances, dimensions)
    unit = np.sqrt(np.mean(d**2))  # thresholds of SMACOF are absolute
    d = d / unit
    options = {"n_components": dimensions, "n_init": 1, "max_iter": positive("iterations", iterations), "eps": tolerance}
    points, _ = smacof(d, init=_classical(d, dimensions), normalized_stress=False, n_jobs=1, **options)
    points = points @ np.linalg.svd(points, full_matrices=False)[2].T  # SMACOF keeps the mean at 0, but the axes only approximately
    return Embedding(points * unit, _kruskal(d, cdist(points, points)), np.arange(len(points)))


def embed_landmarks(
    vectors: Float[np.ndarray, "n entries"],
    dimensions: int,
    *,
    landmarks: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> Embedding:
    """Embed landmarks by their mutual distances, and place all other points by their distances from the landmarks.

    Memory scales with n times the number of landmarks. Landmarks are drawn at random, so that they have the density of the vectors.
    Choosing points far from each other would favour outliers and take a pass over all vectors for each landmark.

    Parameters
    ----------
    vectors : array (n, P)
        Vectors such as those of :func:`texture_vectors`, or a ``numpy.memmap``.
    dimensions : int
        Number D of dimensions, below the number of landmarks.
    landmarks : int
        Number of landmarks; with n or more this is :func:`embed`.
    seed : int
        Seed that draws the landmarks.
    progress : callable, optional
        Called with the number of vectors done and the total.

    Returns
    -------
    Embedding
        The embedding; its stress is over the pairs of a vector and a landmark.

    Raises
    ------
    TypeError
        If vectors are not floating-point.
    ValueError
        If vectors are not (n, P) and finite, there is only one or all are equal, or dimensions are not below the number of landmarks.

    References
    ----------
    Lubbers et al., eq. (8); de Silva and Tenenbaum, *Sparse multidimensional scaling using landmark points* (2004).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import embed_landmarks
    >>> found = embed_landmarks(np.random.default_rng(0).random((200, 3)), 3, landmarks=50)
    >>> found.points.shape, found.landmarks.shape, found.stress < 1e-6
    ((200, 3), (50,), True)
    """
    n, count = len(vectors), positive("landmarks", landmarks)
    chosen = np.sort(np.random.default_rng(seed).choice(n, min(count, n), replace=False))
    base = np.asarray(vectors[chosen])
    core = embed(distance_matrix(base), dimensions)
    if len(chosen) == n:
        return core
    points, left, apart = np.empty((n, core.points.shape[1])), 0.0, 0.0
    for begin in range(0, n, _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        d = distances_to(vectors[rows], base)
        placed = place(d, core.points)
        own = (chosen >= begin) & (chosen < begin + _BLOCK)
        placed[chosen[own] - begin] = core.points[own]
        found = cdist(placed, core.points)
        left, apart = left + ((d - found) ** 2).sum(), apart + (found**2).sum()
        points[rows] = placed
        if progress:
            progress(min(begin + _BLOCK, n), n)
    return Embedding(points, float(np.sqrt(left / apart)), chosen)


def _distances(distances: np.ndarray, dimensions: int) -> tuple[np.ndarray, int]:
    """Return distances as float64, exactly symmetric, and dimensions; refuse invalid ones."""
    found = np.asarray(distances)
    if found.dtype.kind not in "iuf":
        raise TypeError(f"distances must be real numbers, got {found.dtype}")
    if found.ndim != 2 or found.shape[0] != found.shape[1]:
        raise ValueError(f"distances must be square, (n, n), got the shape {found.shape}")
    if len(found) < 2:
        raise ValueError(f"distances must be those of at least two images, got those of {len(found)}")
    d = found.astype(np.float64)
    if not np.isfinite(d).all() or d.min() < 0:
        raise ValueError(f"distances must be finite and of 0 or more, got numbers from {d.min()} to {d.max()}")
    if not (largest := d.max()):
        raise ValueError("distances must not all be 0: all images are the same")
    if (off := np.abs(d - d.T).max()) > _ASYMMETRY * largest:
        raise ValueError(f"distances must be symmetric, got two that differ by {off:g}, the largest being {largest:g}")
    if (off := d.diagonal().max()) > _ASYMMETRY * largest:
        raise ValueError(f"distances must be 0 on the diagonal, got {off:g}")
    if (dimensions := positive("dimensions", dimensions)) >= len(d):
        raise ValueError(f"dimensions must be below the number of points, {len(d)}, got {dimensions}")
    d = (d + d.T) / 2
    np.fill_diagonal(d, 0.0)
    return d, dimensions


def _classical(d: np.ndarray, dimensions: int) -> np.ndarray:
    """Return the classical solution (n, D); dimensions without a positive eigenvalue are 0."""
    n = len(d)
    centred = d**2
    centred = -(centred - centred.mean(axis=0) - centred.mean(axis=1)[:, None] + centred.mean()) / 2
    values, directions = eigh(centred, subset_by_index=(n - dimensions, n - 1))
    return (directions * np.sqrt(np.maximum(values, 0.0)))[:, ::-1]


def _kruskal(d: np.ndarray, embedded: np.ndarray) -> float:
    """Return Kruskal's stress, eq. (8)."""
    return float(np.sqrt(((d - embedded) ** 2).sum() / (embedded**2).sum()))


_LEAST_DAMPING = 1e-9  # relative to a matrix of trace 1, which is singular if all fixed points lie in a hyperplane


def place(
    distances: Float[np.ndarray, "m n"], points: Float[np.ndarray, "n dimensions"], *, iterations: int = 300, tolerance: float = 1e-8
) -> Float64[np.ndarray, "m dimensions"]:
    """Return new points whose distances from fixed points match the given ones; each minimises ``sum_a (d_a - |x - y_a|)^2``.

    The start is the least-squares solution of the linearised equations, which is exact for exact distances. Damped Gauss-Newton steps
    follow: ``x <- x + (H + c)^-1 (g(x) - x)``, ``g(x) = mean over a of y_a + d_a (x - y_a) / |x - y_a|``, where H is the mean of ``u u^T``
    over the unit vectors u from the fixed points. A step that would raise the sum is rejected, and c grows. With c = 1 the step is at most
    that of SMACOF, to g(x), which never raises the sum but may take a thousand iterations if the fixed points vary little in some
    direction.

    Parameters
    ----------
    distances : array (m, n)
        Distances of m new points from the n fixed ones, such as those of :func:`distances_to`.
    points : array (n, D)
        The fixed points, such as those of an :class:`Embedding`.
    iterations : int
        Largest number of iterations.
    tolerance : float
        Step size at which a point has converged, in units of the root mean square norm of the fixed points.

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
        raise ValueError(f"distances must have the shape (m, {len(fixed)}), one column per point, got {d.shape}")
    if not np.isfinite(d).all() or (d < 0).any():
        raise ValueError(f"distances must be finite and of 0 or more, got numbers from {d.min()} to {d.max()}")
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
    """Return the least-squares solution (m, D) of ``2 x·y_a = |y_a|^2 - d_a^2`` with the means over a removed."""
    right = (fixed**2).sum(axis=1) - d**2  # (m, n)
    return (right - right.mean(axis=1, keepdims=True)) @ np.linalg.pinv(2 * fixed, rcond=1e-10).T


def _step(d: np.ndarray, x: np.ndarray, fixed: np.ndarray, damping: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the result of a damped Gauss-Newton step, and whether it lowers the sum."""
    apart = _apart(x, fixed)
    inverse = np.where(apart > 0, 1 / np.where(apart > 0, apart, 1.0), 0.0)  # a fixed point at x contributes nothing
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
