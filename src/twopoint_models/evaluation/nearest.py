"""Nearest rows among many, which come in parts, such as statistics of all images of a training."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, Float64, Int


def nearest_rows(
    given: Float[np.ndarray, "n d"], parts: Iterable[Float[np.ndarray, "_ d"]]
) -> tuple[Int[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Return for each given row the number of the nearest row among all parts, and the mean squared error of its entries.

    Parameters
    ----------
    given : array (n, d)
    parts : iterable of arrays (m_i, d)
        Rows, numbered from 0 through all parts.

    Returns
    -------
    int array (n,), float64 array (n,)

    Raises
    ------
    ValueError
        If there is no row.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.nearest import nearest_rows
    >>> at, error = nearest_rows(np.array([[0.0, 0.0]]), [np.array([[3.0, 0.0]]), np.array([[0.0, 1.0]])])
    >>> at.tolist(), error.tolist()
    ([1], [0.5])
    """
    given = given.astype(np.float64)  # the difference below cancels most digits
    best, at, first = np.full(len(given), np.inf), np.zeros(len(given), dtype=int), 0
    for part in parts:
        part = part.astype(np.float64)
        nearest = ((part**2).sum(axis=1) - 2 * given @ part.T).argmin(axis=1)  # |a - b|^2 without |a|^2, which is the same for all
        lower = ((given - part[nearest]) ** 2).mean(axis=1)
        at, best = np.where(lower < best, first + nearest, at), np.minimum(lower, best)
        first += len(part)
    if not first:
        raise ValueError("parts must hold one row or more, got none")
    return at, best
