"""Marble textures, which are plane waves on distorted coordinates, and the statistics of undistorted waves."""

import math
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float64

from ..arrays import checks
from .grid import along, lags
from .perlin import perlin_noise


def marble(
    shape: Iterable[int] = (256, 256),
    *,
    k: float,
    angle: float,
    noise: float,
    rng: np.random.Generator,
    octaves: int = 5,
    persistence: float = 0.5,
    base_frequency: float = 4.0,
    displacement: float = 0.1,
) -> Float64[np.ndarray, "rows columns"]:
    """Draw a marble texture: ``phi(r) = cos(2 pi k u·n)`` on the distorted points ``u = r + A displacement h(r)``.

    n is the unit vector of the angle, r the position in units of the longest side, and h a vector of two independent noises
    (:func:`perlin_noise`). The paper prints ``u = r + A h`` and does not give the parameters of the noise. With these defaults the power
    spectrum distinguishes angles best at A from 1.5 to 3.5, similar to its Fig. 6. The texture is not periodic, except for ``A = 0`` with
    whole waves along each side, such as an integer k along an axis.

    Parameters
    ----------
    shape : ints
        Size (rows, columns) in pixels.
    k : float
        Number of waves along the longest side.
    angle : float
        Angle of n in radians, from axis 0 (rows) towards axis 1.
    noise : float
        Amplitude A of the noise.
    rng : numpy.random.Generator
        Source of the noise; component 0 is drawn before component 1.
    octaves, persistence, base_frequency : int, float, float
        Parameters of the noise, see :func:`perlin_noise`.
    displacement : float
        Factor of the noise for A = 1, in units of the longest side.

    Returns
    -------
    float64 array (rows, columns)
        Gray values, -1 to 1.

    Raises
    ------
    TypeError
        If rng is not a Generator, if a size or octaves is not an integer, or if another argument is not a number.
    ValueError
        If shape does not have 2 sizes of at least 1, if octaves is below 1, if persistence or base_frequency is not above 0, or if a number
        is not finite.

    References
    ----------
    Lubbers, Lookman and Barros, *Inferring low-dimensional microstructure representations using convolutional neural networks*, Phys.
    Rev. E 96 (2017) 052111, eq. (9).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.synthetic import marble
    >>> marble((4, 4), k=1.0, angle=0.0, noise=0.0, rng=np.random.default_rng(0))[:, 0].round(12) + 0.0
    array([ 1.,  0., -1.,  0.])
    """
    space = checks.sizes(shape, (2,))
    checks.generator(rng)
    amplitude = checks.finite("noise", noise) * checks.finite("displacement", displacement)
    k = checks.finite("k", k)
    direction = _direction(angle)
    phase = np.zeros(space)  # u·n
    for axis, (size, n) in enumerate(zip(space, direction, strict=True)):
        h = perlin_noise(space, rng=rng, octaves=octaves, persistence=persistence, base_frequency=base_frequency)
        phase += n * (along(np.arange(size) / max(space), axis, 2) + amplitude * h)
    return np.cos(2 * math.pi * k * phase)


def plane_wave_statistics(
    shape: Iterable[int] = (256, 256), *, k: float, angle: float, boundary: str = "periodic"
) -> Float64[np.ndarray, "*lags"]:
    """Return the autocorrelation of :func:`marble` without noise, ``phi(x) = cos(2 pi q·x)`` with ``q = k n / longest side``.

    A product of cosines is half the cosine of the difference, ``cos(2 pi q·r) / 2``, plus half the cosine of the sum. The mean of
    the latter is a finite geometric sum along each axis, ``cos(2 pi q·(S - 1)) prod_i D_i / 2``, with
    ``D_i = sin(2 pi n_i q_i) / (n_i sin(2 pi q_i))`` over the ``n_i = S_i - |r_i|`` points of the lag. Under the periodic boundary, with
    whole waves, it vanishes unless 2q is an integer on every axis.

    Parameters
    ----------
    shape : ints
        Size (rows, columns) in pixels.
    k : float
        Number of waves along the longest side.
    angle : float
        Angle of the wave vector in radians, from axis 0 (rows) towards axis 1.
    boundary : "periodic" or "open"
        Whether lags wrap around; "periodic" requires whole waves along each side.

    Returns
    -------
    float64 array (*lags)
        S lags per axis (periodic) or 2S-1 (open), in FFT order.

    Raises
    ------
    TypeError
        If a size is not an integer, or if k or angle is not a number.
    ValueError
        If shape does not have 2 sizes of at least 1, if k or angle is not finite, if boundary is invalid, or if the number of waves along a
        side is not an integer under the periodic boundary.

    References
    ----------
    Lubbers et al., Phys. Rev. E 96 (2017) 052111, eqs (5) and (9) with A = 0.

    Examples
    --------
    >>> from twopoint.synthetic import plane_wave_statistics
    >>> plane_wave_statistics((4, 4), k=1.0, angle=0.0)[:, 0].round(12) + 0.0
    array([ 0.5,  0. , -0.5,  0. ])
    """
    space = checks.sizes(shape, (2,))
    checks.choice("boundary", boundary, checks.BOUNDARIES)
    waves = [checks.finite("k", k) * n * size / max(space) for n, size in zip(_direction(angle), space, strict=True)]
    if boundary == "periodic":
        if any(abs(w - round(w)) > 1e-9 for w in waves):
            raise ValueError(f"k and angle must give whole waves along each side for a periodic statistic, got {waves}")
        waves = [float(round(w)) for w in waves]
    r = [lags(size, boundary) for size in space]
    q = [w / size for w, size in zip(waves, space, strict=True)]
    wave = np.cos(2 * math.pi * (q[0] * r[0][:, None] + q[1] * r[1]))
    if boundary == "periodic":  # if 2q is an integer on every axis, both cosines are equal at all points
        return wave * (1.0 if all(2 * w % size == 0 for w, size in zip(waves, space, strict=True)) else 0.5)
    rows, columns = (_dirichlet(2 * p, size - np.abs(lag)) for p, size, lag in zip(q, space, r, strict=True))
    end = math.cos(2 * math.pi * (q[0] * (space[0] - 1) + q[1] * (space[1] - 1)))
    return (wave + end * rows[:, None] * columns) / 2


def _dirichlet(p: float, n: np.ndarray) -> np.ndarray:
    """Return sin(pi n p) / (n sin(pi p)), the length of the mean of n unit vectors, each rotated by p turns against the previous one."""
    whole = round(p)
    rest = p - whole  # near an integer p both sines vanish
    sign = np.where(whole * (n - 1) % 2 == 0, 1.0, -1.0)
    return sign * (np.sin(math.pi * n * rest) / (n * math.sin(math.pi * rest)) if rest else 1.0)


def _direction(angle: float) -> tuple[float, float]:
    """Return the unit vector of an angle, its component along axis 0 first."""
    angle = checks.finite("angle", angle)
    return math.cos(angle), math.sin(angle)
