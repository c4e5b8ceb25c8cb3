"""Power spectra and 2-point statistics as vectors, with which texture vectors are compared."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Shaped

import twopoint as tp
from twopoint.adapters.sklearn_transformer import TwoPointTransformer

from ..checks import positive
from .images import stack


def power_spectra(
    images: Shaped[np.ndarray, "n *image"] | Sequence[np.ndarray], *, batch: int = 16
) -> Float32[np.ndarray, "n frequencies"]:
    """Return the power spectrum ``S(q) = |fftn(phi)(q)|^2 / M`` of each image, rescaled to [-1, 1].

    The spectrum of a real image is even. So one of the frequencies q and -q along the columns is kept, times the square root of 2, and the
    squared Euclidean distance of two rows is ``sum_q [S_i(q) - S_j(q)]^2`` over all frequencies, eq. (7) as a sum. Eq. (6) omits the factor
    1 / M for M pixels, which is the same for all images. With the factor, S is the transform of eq. (5) as a mean, and its sum is ``sum_r
    phi(r)^2``.

    Parameters
    ----------
    images : array (n, H, W) or (n, 1, H, W), or list of arrays (H, W)
        Gray values of any range, of the same size; no image may be constant.
    batch : int
        Images at a time.

    Returns
    -------
    float32 array (n, H * (W // 2 + 1))
        Frequencies in the order of ``numpy.fft.rfft2``, zero frequency first.

    Raises
    ------
    TypeError
        If images are not real numbers.
    ValueError
        If images differ in size, or one is constant or not finite; the message names the image.

    References
    ----------
    Lubbers et al., section III.B, eqs. (5)-(7).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import power_spectra
    >>> stripes = np.tile([0.0, 1.0], (2, 4, 2))  # phi = -1, 1, -1, 1 along the rows
    >>> power_spectra(stripes)[0].reshape(4, 3)[0].tolist()
    [0.0, 0.0, 16.0]
    """
    found, batch = stack(images, unit=False), positive("batch", batch)
    height, width = found.shape[1:]
    kept = width // 2 + 1
    factors = np.full(kept, math.sqrt(2))
    factors[0] = 1.0  # this column holds both q and -q, and so does the last one of an even width
    if width % 2 == 0:
        factors[-1] = 1.0
    out = np.empty((len(found), height * kept), dtype=np.float32)
    for begin in range(0, len(found), batch):
        part = found[begin : begin + batch].astype(np.float64)
        low, high = part.min(axis=(1, 2), keepdims=True), part.max(axis=(1, 2), keepdims=True)
        spectra = tp.power_spectrum(2 * (part - low) / (high - low) - 1)[..., :kept]
        out[begin : begin + batch] = (spectra * factors).reshape(len(part), -1)
    return out


def two_point_vectors(
    images: Shaped[np.ndarray, "n *image"] | Sequence[np.ndarray], *, crop: int | None = None
) -> Float32[np.ndarray, "n lags"]:
    """Return the periodic autocorrelation ``f(r) = mean over x of m(x) m(x + r)`` of each image, m the membership of phase 1.

    One of the lags r and -r is kept, times the square root of 2, by :class:`twopoint.adapters.sklearn_transformer.TwoPointTransformer`, so
    that the Euclidean distance of two rows is that over all lags. Two phases have no other independent 2-point statistics.

    Parameters
    ----------
    images : array (n, H, W) or (n, 1, H, W), or list of arrays (H, W)
        Numbers in [0, 1], of the same size; no image may be constant.
    crop : int, optional
        Number of lags to keep along each axis around zero; by default all.

    Returns
    -------
    float32 array (n, lags)
        About half as many as there are lags.

    Raises
    ------
    TypeError
        If images are not real numbers.
    ValueError
        If images differ in size, leave [0, 1], or one is constant; the message names the image. If crop exceeds the image.

    References
    ----------
    Cai et al., eq. (1).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold import two_point_vectors
    >>> two_point_vectors(np.eye(4)[None], crop=3).astype(float).round(3).tolist()  # lags (0, 0), ..., (1, 1)
    [[0.25, 0.0, 0.0, 0.0, 0.354]]
    """
    found = stack(images, unit=True).astype(np.float32)  # integers would be labels
    return TwoPointTransformer(n_phases=2, crop=crop, half_lags=True).fit_transform(found)
