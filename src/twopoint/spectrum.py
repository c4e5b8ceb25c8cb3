"""The power spectrum."""

import math

from jaxtyping import Bool, Float

from . import _check
from ._namespace import Array, namespace, rfftn
from .phases import as_floating


def power_spectrum(x: Float[Array, "*batch_space"] | Bool[Array, "*batch_space"], *, ndim: int = 2) -> Float[Array, "*batch_space"]:
    """Return ``|fftn(x)|^2 / |space|``, the transform of the periodic autocorrelation.

    Parameters
    ----------
    x : array (..., *space)
        Any real field.
    ndim : int
        Number of spatial axes, 1, 2 or 3.

    Returns
    -------
    array (..., *space)
        Power at every frequency, full FFT order (as of fftn, zero frequency first).

    Raises
    ------
    TypeError, ValueError
        If x has a wrong type or shape.

    References
    ----------
    Wiener-Khinchin theorem; Lubbers et al. (2017), eq. (6).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> tp.power_spectrum(np.array([1.0, 0.0, 1.0, 0.0]), ndim=1)
    array([1., 0., 1., 0.])
    """
    xp = namespace(x=x)
    _check.dimensions(ndim)
    _check.real("x", x, xp, booleans=True)
    space = _check.field("x", x, ndim)
    spectrum = rfftn(as_floating(x, xp), space, xp)
    half = (xp.real(spectrum) ** 2 + xp.imag(spectrum) ** 2) * float(math.prod(space))  # (..., *space[:-1], S//2+1)
    mirrored = half[..., 1 : (space[-1] + 1) // 2]  # a real field: power(-k) = power(k)
    axes = tuple(range(-ndim, 0))
    mirrored = xp.flip(mirrored, axis=axes)
    if ndim > 1:
        mirrored = xp.roll(mirrored, (1,) * (ndim - 1), axis=axes[:-1])
    return xp.concat([half, mirrored], axis=-1)
