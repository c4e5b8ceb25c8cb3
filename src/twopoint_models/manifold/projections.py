"""Views of an embedding along the directions that parameters grow in."""

import numpy as np
from jaxtyping import Float64, Shaped

from .measures import linear_fit


def project(points: Shaped[np.ndarray, "n dimensions"], *parameters: Shaped[np.ndarray, " n"]) -> Float64[np.ndarray, "n parameters"]:
    """Return coordinates along orthonormal directions that span the regression vectors of parameters, about the points' mean.

    The first direction is that of the first parameter's vector, each further one what its parameter's vector adds. With k and A this is
    the plane of the paper's Fig. 12; with ``cos 2 theta``, ``sin 2 theta`` and A it has the cylindrical coordinates of its Fig. 11.

    Parameters
    ----------
    points : array (n, D)
        Embedded points.
    *parameters : arrays (n,)
        What images were made with; from one to D.

    Returns
    -------
    float64 array (n, number of parameters)
        Each coordinate grows with its parameter.

    Raises
    ------
    ValueError
        As :func:`linear_fit`; if parameters are none or more than D, or the vector of one lies in the span of those before.

    References
    ----------
    Lubbers et al., section IV.C, eqs. (11), (12) and (14), Figs 11 and 12.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import project
    >>> points = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    >>> project(points, points[:, 1], points.sum(axis=1)).round(6).tolist()
    [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]
    """
    if not 1 <= len(parameters) <= np.shape(points)[-1]:
        raise ValueError(f"parameters must be from 1 to the {np.shape(points)[-1]} dimensions of points, got {len(parameters)}")
    directions: list[np.ndarray] = []
    for i, parameter in enumerate(parameters):
        vector = linear_fit(points, parameter).vector
        left = vector - sum((vector @ each) * each for each in directions)
        if (size := np.linalg.norm(left)) <= 1e-9 * np.linalg.norm(vector) or size == 0:
            raise ValueError(f"parameters[{i}] must grow in a direction of its own, got one that those before span")
        directions.append(left / size)
    found = np.asarray(points, dtype=np.float64)
    return (found - found.mean(axis=0)) @ np.stack(directions, axis=1)
