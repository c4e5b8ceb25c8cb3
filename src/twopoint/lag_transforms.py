"""Between the products of spectra and the lags: transforms that compute half of what is even, and no lags that a crop leaves out."""

from ._namespace import Array, Namespace, irfftn, rfftn, transform_axis
from .lags import Lags


def product(a: Array, b: Array, lags: Lags, xp: Namespace, *, even: bool) -> Array:
    """Return conj(a) b of spectra; of a phase with itself, whose correlation is even, as a real array where to_lags takes one."""
    if even and _halved(lags):
        return xp.real(a) ** 2 + xp.imag(a) ** 2
    return xp.conj(a) * b


def to_lags(spectrum: Array, lags: Lags, xp: Namespace, *, even: bool) -> Array:
    """Transform a product of spectra back, undivided, to the stored lags, or for an even correlation to half of them.

    An even correlation has a real spectrum, and such an axis transforms at half the cost to half the lags: rfft, whose sign makes
    them 0, -1, -2, ... Axes that a crop prunes are transformed one after the other, each cut before the next.
    """
    ndim = len(lags.space)
    if even and _halved(lags):
        spectrum = transform_axis("rfft", spectrum, -ndim, xp, norm="backward")
        return _remaining_to_lags(_rows(spectrum, lags.rows, ndim), lags, 1, xp)
    f = _remaining_to_lags(spectrum, lags, 0, xp)
    return lags.halve(f, xp) if even else f


def from_lags(slope: Array, lags: Lags, xp: Namespace, *, even: bool) -> Array:
    """Transform slopes by the lags, divided by the number of points: the transpose of to_lags.

    Half the lags of an even slope give a real spectrum; the slope is by each of all the lags.
    """
    ndim = len(lags.space)
    if even and _halved(lags):
        spectrum = _remaining_from_lags(slope, lags, 1, xp)
        return transform_axis("irfft", spectrum, -ndim, xp, n=lags.transform[0], norm="backward")
    return _remaining_from_lags(lags.unfold(slope, xp) if even else slope, lags, 0, xp)


def _halved(lags: Lags) -> bool:
    """Whether even correlations are transformed at half the cost; along one axis alone it would need a cosine transform."""
    return len(lags.space) > 1


def _rows(spectrum: Array, rows: int, ndim: int) -> Array:
    """Take the first rows of the first space axis."""
    return spectrum[(..., slice(0, rows), *(slice(None),) * (ndim - 1))]


def _pruned(lags: Lags, start: int) -> bool:
    """Whether cutting the axes between the first transformed one and the last saves more than another pass over memory costs."""
    return any(4 * n <= 3 * size for n, size in zip(lags.stored[start:-1], lags.transform[start:-1], strict=True))


def _remaining_to_lags(spectrum: Array, lags: Lags, start: int, xp: Namespace) -> Array:
    """Transform back the space axes from the start on, and cut them."""
    ndim = len(lags.space)
    if not _pruned(lags, start):
        f = irfftn(spectrum, lags.transform[start:], xp)
        for axis in range(start, ndim):
            f = lags.cut_axis(f, axis, xp)
        return f
    for axis in range(start, ndim - 1):
        spectrum = lags.cut_axis(transform_axis("ifft", spectrum, axis - ndim, xp), axis, xp)
    f = transform_axis("irfft", spectrum, -1, xp, n=lags.transform[-1])
    return lags.cut_axis(f, ndim - 1, xp)


def _remaining_from_lags(slope: Array, lags: Lags, start: int, xp: Namespace) -> Array:
    """Embed the space axes from the start on among all lags, and transform them."""
    ndim, sizes = len(lags.space), lags.transform
    if not _pruned(lags, start):
        for axis in range(start, ndim):
            slope = lags.embed_axis(slope, axis, sizes[axis], xp)
        return rfftn(slope, sizes[start:], xp)
    spectrum = transform_axis("rfft", lags.embed_axis(slope, ndim - 1, sizes[-1], xp), -1, xp)
    for axis in reversed(range(start, ndim - 1)):
        spectrum = transform_axis("fft", lags.embed_axis(spectrum, axis, sizes[axis], xp), axis - ndim, xp)
    return spectrum
