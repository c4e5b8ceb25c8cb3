"""The leading principal components of many rows, such as of 2-point statistics, with which networks are compared."""

import numpy as np
from jaxtyping import Float
from scipy.sparse.linalg import svds


def principal_axes(rows: Float[np.ndarray, "n d"], count: int) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, "count d"]]:
    """Return the mean of rows and their principal axes, in order of decreasing variance.

    Parameters
    ----------
    rows : array (n, d)
    count : int
        Number of axes, from 1 to n - 1.

    Returns
    -------
    array (d,), array (count, d)
        The mean and orthonormal axes, in the dtype of rows.

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
