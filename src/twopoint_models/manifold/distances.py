"""Euclidean distances between rows by matrix products, in float64 and in blocks of columns."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Float64

_COLUMNS = 8192  # of a block: 64 MiB of float64 for a thousand rows
_ROWS = 1024


def distance_matrix(vectors: Float[np.ndarray, "n entries"]) -> Float64[np.ndarray, "n n"]:
    """Return ``d[i, j] = |v_i - v_j|`` by one matrix product, ``d^2 = |x_i|^2 + |x_j|^2 - 2 x_i·x_j`` with ``x = v - mean v``.

    Products are summed in float64 after subtracting the mean, which does not change distances but reduces rounding. So the error of a
    distance is at most 1e-7 of the largest ``|x|``, the rounding error of float32 vectors.

    Parameters
    ----------
    vectors : array (n, P)
        Finite vectors, read in blocks of columns, such as a ``numpy.memmap``.

    Returns
    -------
    float64 array (n, n)
        Symmetric distances, zero on the diagonal. The computation needs 64 KiB of memory per row besides.

    Raises
    ------
    TypeError
        If vectors are not floating-point.
    ValueError
        If vectors are not (n, P), or one is not finite; the message names it.

    References
    ----------
    Lubbers et al., eqs. (4) and (7).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import distance_matrix
    >>> distance_matrix(np.array([[0.0, 0.0], [3.0, 4.0]]))
    array([[0., 5.],
           [5., 0.]])
    """
    _rows("vectors", vectors)
    product = np.zeros((len(vectors),) * 2)
    for columns in _blocks(vectors.shape[1], _COLUMNS):
        x = np.asarray(vectors[:, columns], dtype=np.float64)
        x = x - x.mean(axis=0)
        product += x @ x.T
    squares = product.diagonal().copy()
    if not np.isfinite(squares).all():  # the mean has spread it to all rows
        _finite("vectors", np.array([np.abs(row).max() for row in vectors]))
    squared = squares[:, None] + squares - (product + product.T)
    np.fill_diagonal(squared, 0.0)
    return np.sqrt(np.maximum(squared, 0.0))


def distances_to(vectors: Float[np.ndarray, "n entries"], landmarks: Float[np.ndarray, "m entries"]) -> Float64[np.ndarray, "n m"]:
    """Return ``d[i, a] = |v_i - l_a|``, with the accuracy of :func:`distance_matrix`.

    Parameters
    ----------
    vectors : array (n, P)
        Finite vectors, read in blocks, such as a ``numpy.memmap``.
    landmarks : array (m, P)
        Vectors from which distances are measured.

    Returns
    -------
    float64 array (n, m)

    Raises
    ------
    TypeError
        If an array is not floating-point.
    ValueError
        If shapes do not fit, or a vector is not finite; the message names it.

    References
    ----------
    Lubbers et al., eqs. (4) and (7).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import distances_to
    >>> distances_to(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[3.0, 0.0]])).tolist()
    [[3.0], [4.0]]
    """
    _rows("vectors", vectors)
    _rows("landmarks", landmarks)
    if vectors.shape[1] != landmarks.shape[1]:
        raise ValueError(f"vectors and landmarks must have equally many columns, got shapes {vectors.shape} and {landmarks.shape}")
    squared = np.zeros((len(vectors), len(landmarks)))
    own, theirs = np.zeros(len(vectors)), np.zeros(len(landmarks))
    for columns in _blocks(vectors.shape[1], _COLUMNS):
        y = np.asarray(landmarks[:, columns], dtype=np.float64)
        mean = y.mean(axis=0)
        y = y - mean
        theirs += np.einsum("ij,ij->i", y, y)
        for rows in _blocks(len(vectors), _ROWS):
            x = vectors[rows, columns] - mean
            own[rows] += np.einsum("ij,ij->i", x, x)
            squared[rows] -= 2 * (x @ y.T)
    _finite("landmarks", theirs)
    _finite("vectors", own)
    squared += own[:, None]
    squared += theirs
    return np.sqrt(np.maximum(squared, 0.0))


def _blocks(length: int, size: int) -> Iterator[slice]:
    """Split a length into slices."""
    return (slice(i, i + size) for i in range(0, length, size))


def _rows(name: str, vectors: np.ndarray) -> None:
    """Refuse anything except a floating-point array (n, P)."""
    if getattr(vectors, "ndim", None) != 2 or not vectors.size:
        raise ValueError(f"{name} must be an array (n, P), got {getattr(vectors, 'shape', type(vectors).__name__)}")
    if vectors.dtype.kind != "f":
        raise TypeError(f"{name} must be floating-point, got {vectors.dtype}")


def _finite(name: str, sizes: np.ndarray) -> None:
    """Refuse vectors with a norm that is not finite."""
    if not np.isfinite(sizes).all():
        raise ValueError(f"{name} must be finite, vector {int(np.argmin(np.isfinite(sizes)))} is not")
