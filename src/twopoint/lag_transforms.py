"""Between the products of spectra and the lags: transforms that compute half of what is even, and no lags that a crop leaves out."""

from ._namespace import Array, Namespace, irfftn, rfftn, transform_axis
from .lags import Lags, along


def product(a: Array, b: Array, lags: Lags, xp: Namespace, *, even: bool) -> Array:
    """Return conj(a) b of spectra; of a phase with itself, whose correlation is even, as a real array where to_lags takes one."""
    if even and _halved(lags):
        return xp.real(a) ** 2 + xp.imag(a) ** 2
    return xp.conj(a) * b


def to_lags(spectrum: Array, lags: Lags, xp: Namespace, *, even: bool) -> list[Array]:
    """Transform a product of spectra back, undivided, to half the stored lags: f(r), and f(-r) unless the correlation is even.

    An even correlation has a real spectrum, and such an axis transforms at half the cost to half the lags: rfft, whose sign makes
    them 0, -1, -2, ... Axes that a crop prunes are transformed one after the other, each cut before the next.
    """
    ndim = len(lags.space)
    if even and _halved(lags):
        spectrum = transform_axis("rfft", spectrum, -ndim, xp, norm="backward")
        return [_remaining_to_lags(along(spectrum, -ndim, 0, lags.rows), lags, 1, xp)]
    f = _remaining_to_lags(spectrum, lags, 0, xp)
    return [lags.halve(f, xp)] if even else lags.split(f, xp)


def from_lags(slopes: list[Array], lags: Lags, xp: Namespace) -> Array:
    """Transform slopes given as to_lags gives lags, divided by the number of points; one alone stands at r and at -r."""
    ndim, even = len(lags.space), len(slopes) == 1
    if even and _halved(lags):
        spectrum = _remaining_from_lags(slopes[0], lags, 1, xp)
        return transform_axis("irfft", spectrum, -ndim, xp, n=lags.transform[0], norm="backward")
    return _remaining_from_lags(lags.unfold(slopes[0], slopes[-1], xp), lags, 0, xp)


def from_space(d: Array, lags: Lags, xp: Namespace) -> Array:
    """Transform an array over the space, padded, and divide by the number of points; an axis is padded when its turn comes."""
    ndim, sizes = len(lags.space), lags.transform
    if not _padded(lags):
        return rfftn(d, sizes, xp)
    spectrum = transform_axis("rfft", d, -1, xp, n=sizes[-1])
    for axis in reversed(range(ndim - 1)):
        spectrum = transform_axis("fft", spectrum, axis - ndim, xp, n=sizes[axis])
    return spectrum


def to_space(spectrum: Array, lags: Lags, xp: Namespace) -> Array:
    """Transform back, undivided, and cut to the space: an axis as soon as its turn has come."""
    ndim, sizes, space = len(lags.space), lags.transform, lags.space
    if not _padded(lags):
        whole = irfftn(spectrum, sizes, xp)
        return whole if sizes == space else whole[(..., *(slice(0, n) for n in space))]
    for axis in range(ndim - 1):
        spectrum = along(transform_axis("ifft", spectrum, axis - ndim, xp), axis - ndim, 0, space[axis])
    return along(transform_axis("irfft", spectrum, -1, xp, n=sizes[-1]), -1, 0, space[-1])


def _halved(lags: Lags) -> bool:
    """Whether even correlations are transformed at half the cost; along one axis alone it would need a cosine transform."""
    return len(lags.space) > 1


def _padded(lags: Lags) -> bool:
    """Whether leaving out the zeros of the axes but the last saves more than another pass over memory costs."""
    return any(4 * n <= 3 * size for n, size in zip(lags.space[:-1], lags.transform[:-1], strict=True))


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
