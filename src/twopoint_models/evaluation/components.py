"""Principal components of many rows, a few of them: those of 2-point statistics, beside which networks are judged."""

import numpy as np
from jaxtyping import Float
from scipy.sparse.linalg import svds


def principal_axes(rows: Float[np.ndarray, "n d"], count: int) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, "count d"]]:
    """Return the mean of rows and their principal axes, the one of the largest variance first.

    Parameters
    ----------
    rows : array (n, d)
    count : int
        How many axes, from 1 to n - 1.

    Returns
    -------
    array (d,), array (count, d)
        Axes are orthonormal; in the dtype of rows.

    Raises
    ------
    ValueError
        If there are not more rows than axes.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.components import principal_axes
    >>> mean, axes = principal_axes(np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]), 1)
    >>> mean.tolist(), np.abs(axes).round(6).tolist()
    ([2.0, 1.0], [[1.0, 0.0]])
    """
    if not 1 <= count < len(rows):
        raise ValueError(f"count must be from 1 to one less than the {len(rows)} known images, got {count}")
    mean = rows.mean(axis=0)
    return mean, svds(rows - mean, k=count, rng=0)[2][::-1]
