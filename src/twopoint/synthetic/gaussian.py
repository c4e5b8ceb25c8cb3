"""Periodic Gaussian random fields with a given correlation."""

import math
from collections.abc import Callable, Iterable

import numpy as np
import scipy
from jaxtyping import Float64, Num

from ..arrays import checks
from .grid import squared_distance

Correlation = Num[np.ndarray, "*space"] | Callable[[np.ndarray], np.ndarray]


def lag_distance(shape: Iterable[int]) -> Float64[np.ndarray, "*space"]:
    """Return the length ``|r|`` of the shortest image of every lag of a periodic grid, for correlations that are functions of it.

    Parameters
    ----------
    shape : ints
        Size (*space) in pixels, with 1 to 3 axes.

    Returns
    -------
    float64 array (*space)
        In pixels, lags in FFT order.

    Raises
    ------
    TypeError
        If a size is not an integer.
    ValueError
        If shape does not have 1, 2 or 3 sizes of at least 1.

    References
    ----------
    Cai et al., section 1.1: periodic statistics.

    Examples
    --------
    >>> from twopoint.synthetic import lag_distance
    >>> lag_distance((5,))
    array([0., 1., 2., 2., 1.])
    """
    space = checks.sizes(shape)
    return np.sqrt(squared_distance(space, (0.0,) * len(space), periodic=True))


def gaussian_field(
    shape: Iterable[int], correlation: Correlation, *, rng: np.random.Generator, exact: bool = False
) -> Float64[np.ndarray, "*space"]:
    """Draw a periodic Gaussian field of mean 0 and variance 1 whose values at x and x + r have the correlation rho(r).

    White noise is filtered by the root of the spectrum of rho, which by FFT is exact on the torus: the mean autocorrelation over fields is
    rho. With ``exact=True`` the noise determines only the phases of the waves, and the amplitudes are the root itself. The
    autocorrelation of each single field is then rho, up to rounding, but a sum of few waves is no longer Gaussian.

    Parameters
    ----------
    shape : ints
        Size (*space) in pixels, with 1 to 3 axes.
    correlation : array (*space) or callable
        rho at all lags of the periodic grid in FFT order, or a function that returns it for an array of lag lengths in pixels
        (see :func:`lag_distance`), with rho(0) = 1, rho(r) = rho(-r), and no negative coefficient in its spectrum.
    rng : numpy.random.Generator
        Source of the noise; one number per pixel is drawn.
    exact : bool
        Whether to fix the amplitudes, so that each field has the correlation exactly.

    Returns
    -------
    float64 array (*space)
        The field.

    Raises
    ------
    TypeError
        If rng is not a Generator, if a size is not an integer, or if correlation is not real.
    ValueError
        If shape does not have 1, 2 or 3 sizes of at least 1, or if correlation has another shape, is not finite, not 1 at lag 0, not even,
        or not positive semi-definite. A function of the distance may not be positive semi-definite on a small torus: use a larger shape.

    References
    ----------
    Dietrich and Newsam, *Fast and exact simulation of stationary Gaussian processes through circulant embedding of the covariance
    matrix*, SIAM J. Sci. Comput. 18 (1997) 1088.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.synthetic import gaussian_field
    >>> field = gaussian_field((64, 64), lambda r: np.exp(-((r / 5) ** 2)), rng=np.random.default_rng(0), exact=True)
    >>> round(float(np.mean(field**2)), 12)
    1.0
    """
    space = checks.sizes(shape)
    checks.generator(rng)
    spectrum = _spectrum(space, correlation)
    noise = scipy.fft.rfftn(rng.standard_normal(space))  # has the symmetry of a real field, including self-conjugate frequencies
    if exact:
        size = np.abs(noise)
        noise = np.where(size > 0, noise / np.where(size > 0, size, 1), 1) * math.sqrt(math.prod(space))
    return np.asarray(scipy.fft.irfftn(np.sqrt(spectrum) * noise, s=space), dtype=np.float64)


def _spectrum(space: tuple[int, ...], correlation: Correlation) -> np.ndarray:
    """Return the spectrum of a correlation at the frequencies of a real FFT; raise if it is not a correlation."""
    rho = np.asarray(correlation(lag_distance(space)) if callable(correlation) else correlation)
    if np.iscomplexobj(rho) or rho.dtype.kind not in "fiu":
        raise TypeError(f"correlation must be real, got {rho.dtype}")
    if rho.shape != space:
        raise ValueError(f"correlation must have the shape {space}, got {rho.shape}")
    if not np.isfinite(rho).all():
        raise ValueError(f"correlation must be finite, got {np.count_nonzero(~np.isfinite(rho))} values that are not")
    rho = rho.astype(np.float64)
    start = rho[(0,) * len(space)]
    if abs(start - 1) > 1e-9:
        raise ValueError(f"correlation must be 1 at lag 0, got {start}")
    transformed = scipy.fft.rfftn(rho)
    # bound on rounding: the values of rho have independent errors of about 1e-15, and the FFT adds as much of their sum
    rounding = 1e-13 * (math.sqrt(rho.size) + np.abs(rho).sum())
    if np.abs(transformed.imag).max() > rounding:
        raise ValueError("correlation must be even, rho(r) = rho(-r), got one that is not")
    spectrum = transformed.real
    if spectrum.min() < -rounding:
        span = f"{spectrum.min():.3g} to {spectrum.max():.3g}"
        raise ValueError(
            f"correlation must be positive semi-definite on this grid, got a spectrum from {span}; use a shorter length or a larger shape"
        )
    return np.maximum(spectrum, 0.0)
