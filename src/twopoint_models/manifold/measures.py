"""Measures of an embedding against the parameters of its images: angles, linear regression, projections."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Shaped


class Angles(NamedTuple):
    """Angles read from an embedding.

    Attributes
    ----------
    rmse : float
        The error of eq. (10), in radians.
    recovered : float64 array (n,)
        ``(phi + c) / 2`` in radians, each within pi / 2 of the true angle.
    reflected : bool
        Whether the embedding is reflected.
    """

    rmse: float
    recovered: np.ndarray
    reflected: bool


class Regression(NamedTuple):
    """A linear model of a parameter on embedded points.

    Attributes
    ----------
    vector : float64 array (D,)
        Regression vector beta, in the unit of the parameter over that of the points.
    constant : float
        Constant gamma.
    r2 : float
        Coefficient of determination, eq. (13).
    """

    vector: np.ndarray
    constant: float
    r2: float


def angle_error(points: Shaped[np.ndarray, "n 2"], angles: Shaped[np.ndarray, " n"]) -> Angles:
    """Compare angles about the centre of mass with true ones modulo pi: ``RMSE^2 = mean [theta - (phi + c) / 2]^2``.

    Differences are taken the short way round. The constant c and the sense of rotation, which an embedding leaves undetermined, are those
    of the least error. The RMSE of random angles is about 0.9, that of a uniform distribution ``pi / sqrt 12``.

    Parameters
    ----------
    points : array (n, 2)
        Embedded points.
    angles : array (n,)
        True angles theta in radians, modulo pi.

    Returns
    -------
    Angles

    Raises
    ------
    ValueError
        If points are not (n, 2), angles not (n,), or a number is not finite.

    References
    ----------
    Lubbers et al., section IV.B, eq. (10).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import angle_error
    >>> theta = np.arange(8) * np.pi / 8
    >>> ring = np.stack([np.cos(2 * theta + 1), -np.sin(2 * theta + 1)], axis=1)
    >>> found = angle_error(ring, theta)
    >>> round(found.rmse, 6), found.reflected
    (0.0, True)
    """
    points, angles = _fitting(points, angles, "angles")
    if points.shape[1] != 2:
        raise ValueError(f"points must have the shape (n, 2), got {points.shape}")
    x, y = (points - points.mean(axis=0)).T
    phi = np.arctan2(y, x)
    fits = []
    for sign in (1, -1):
        c = _circular_mean(2 * angles - sign * phi)
        off = _wrapped(2 * angles - sign * phi - c) / 2  # of theta, from -pi/2 to pi/2
        fits.append(Angles(float(np.sqrt((off**2).mean())), angles - off, sign < 0))
    return min(fits, key=lambda fit: fit.rmse)


def linear_fit(points: Shaped[np.ndarray, "n dimensions"], parameter: Shaped[np.ndarray, " n"]) -> Regression:
    """Return the least-squares fit ``p^ = beta·x + gamma`` and its coefficient of determination.

    Parameters
    ----------
    points : array (n, D)
        Embedded points.
    parameter : array (n,)
        Values of the parameter.

    Returns
    -------
    Regression

    Raises
    ------
    ValueError
        If points are not (n, D), the parameter is not (n,) or is constant, a number is not finite, or n is below D + 2, where every fit is
        exact.

    References
    ----------
    Lubbers et al., section IV.C, eqs. (11)-(13).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import linear_fit
    >>> found = linear_fit(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]))
    >>> found.vector.round(6).tolist(), round(found.constant, 6), round(found.r2, 6)
    ([2.0], 1.0, 1.0)
    """
    points, parameter = _fitting(points, parameter, "parameter")
    n, dimensions = points.shape
    if n < dimensions + 2:
        raise ValueError(f"points must be {dimensions + 2} or more for a fit in {dimensions} dimensions, got {n}")
    if np.ptp(parameter) == 0:
        raise ValueError(f"parameter must not be constant, got {parameter[0]:g} everywhere")
    centre, mean = points.mean(axis=0), parameter.mean()
    vector = np.linalg.lstsq(points - centre, parameter - mean, rcond=None)[0]
    left = parameter - mean - (points - centre) @ vector
    return Regression(vector, float(mean - centre @ vector), float(1 - (left**2).sum() / ((parameter - mean) ** 2).sum()))


def linear_r2(points: Shaped[np.ndarray, "n dimensions"], parameter: Shaped[np.ndarray, " n"]) -> float:
    """Return the coefficient of determination of :func:`linear_fit`, eq. (13), an entry of Table I.

    Parameters
    ----------
    points : array (n, D)
        Embedded points.
    parameter : array (n,)
        Values of the parameter.

    Returns
    -------
    float
        1 if the parameter is linear in the points, 0 if the points contain no information.

    Raises
    ------
    ValueError
        As :func:`linear_fit`.

    References
    ----------
    Lubbers et al., section IV.C, eqs. (11)-(13) and Table I.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import linear_r2
    >>> linear_r2(np.array([[-1.0], [0.0], [1.0]]), np.array([1.0, 0.0, 1.0]))
    0.0
    """
    return linear_fit(points, parameter).r2


def regression_angle(points: Shaped[np.ndarray, "n dimensions"], a: Shaped[np.ndarray, " n"], b: Shaped[np.ndarray, " n"]) -> float:
    """Return the angle between the regression vectors of two parameters, ``arccos(beta_a·beta_b / (|beta_a| |beta_b|))``.

    Parameters
    ----------
    points : array (n, D)
        Embedded points.
    a, b : arrays (n,)
        The parameters.

    Returns
    -------
    float
        Angle in degrees, 0 to 180.

    Raises
    ------
    ValueError
        As :func:`linear_fit`, and if a regression vector is 0.

    References
    ----------
    Lubbers et al., section IV.C, eq. (14).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import regression_angle
    >>> points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> round(regression_angle(points, points[:, 0], points.sum(axis=1)), 6)
    45.0
    """
    directions = []
    for name, parameter in (("a", a), ("b", b)):
        vector = linear_fit(points, parameter).vector
        if np.ptp(np.asarray(points) @ vector) <= 1e-12 * np.ptp(parameter):  # zero up to rounding
            raise ValueError(f"{name} must have a slope on the points, got a regression vector of 0")
        directions.append(vector / np.linalg.norm(vector))
    return math.degrees(math.acos(float(np.clip(directions[0] @ directions[1], -1, 1))))


def _wrapped(angles: np.ndarray) -> np.ndarray:
    """Return angles from -pi to pi."""
    return (angles + np.pi) % (2 * np.pi) - np.pi


def _circular_mean(angles: np.ndarray) -> float:
    """Return the angle with the least sum of squared circular distances to all others.

    At the minimum the k smallest angles, counted from some cut, are taken the other way round, so it is one of n numbers, which are all
    tried.
    """
    candidates = angles.mean() + 2 * np.pi * np.arange(len(angles)) / len(angles)
    return float(min(candidates, key=lambda c: (_wrapped(angles - c) ** 2).sum()))


def _fitting(points: np.ndarray, values: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return points (n, D) and one value for each point as float64."""
    points, values = np.asarray(points, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if points.ndim != 2 or not points.size or not np.isfinite(points).all():
        raise ValueError(f"points must be finite, of the shape (n, D), got the shape {points.shape}")
    if values.shape != points.shape[:1] or not np.isfinite(values).all():
        raise ValueError(f"{name} must be {len(points)} finite numbers, one per point, got the shape {values.shape}")
    return points, values


def project(points: Shaped[np.ndarray, "n dimensions"], *parameters: Shaped[np.ndarray, " n"]) -> Float64[np.ndarray, "n parameters"]:
    """Return coordinates about the mean along orthonormal directions that span the regression vectors of parameters.

    The directions come from Gram-Schmidt orthogonalisation of the regression vectors in order. With k and A they span the plane of the
    paper's Fig. 12; with ``cos 2 theta``, ``sin 2 theta`` and A they give the cylindrical coordinates of its Fig. 11.

    Parameters
    ----------
    points : array (n, D)
        Embedded points.
    *parameters : arrays (n,)
        Values of the parameters, from one to D of them.

    Returns
    -------
    float64 array (n, number of parameters)
        Coordinates, each increasing with its parameter.

    Raises
    ------
    ValueError
        As :func:`linear_fit`; if there is no parameter or more than D, or a regression vector lies in the span of those before.

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
            raise ValueError(f"parameters[{i}] must increase in a new direction, got one that the parameters before it span")
        directions.append(left / size)
    found = np.asarray(points, dtype=np.float64)
    return (found - found.mean(axis=0)) @ np.stack(directions, axis=1)
