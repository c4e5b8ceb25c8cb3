"""Lags: their storage, centring, cropping and reversal, and the transforms between space, spectra and lags.

An even correlation is computed on half the lags, and transforms skip the lags that a crop removes.
"""

import math
from dataclasses import dataclass, field

from ..arrays.fft import fast_length, irfftn, rfftn, transform_axis
from ..arrays.frameworks import constant
from ..arrays.namespace import device_of, on_cpu
from ..arrays.types import Array, Namespace


@dataclass(frozen=True)
class Lags:
    """The lags of a space, and the layout in which the core stores them along each axis.

    Uncropped lags are stored in FFT order. A crop to n lags is stored centred, from -(n//2) to n//2, so that every lag has its
    partner. If n is even, the last of these lags is stored with weight 0 and removed from the result. With both_ends, uncropped lags
    are stored in this way too: an even axis has both lags -S/2 and S/2, whose boxes differ, so cumulative statistics differ there.
    """

    space: tuple[int, ...]
    boundary: str
    crop: tuple[int, ...] | None = None
    both_ends: bool = False
    # Computed once, because chunks of a batch need these thousands of times.
    totals: tuple[int, ...] = field(init=False, repr=False, compare=False)  # number of all lags along each axis
    shape: tuple[int, ...] = field(init=False, repr=False, compare=False)  # shape of the lags that the user sees
    whole: tuple[bool, ...] = field(init=False, repr=False, compare=False)  # whether each axis keeps all lags, in FFT order
    stored: tuple[int, ...] = field(init=False, repr=False, compare=False)  # shape of the lags that the core stores
    zero: tuple[int, ...] = field(init=False, repr=False, compare=False)  # the index of the zero lag among the stored ones
    zero_half: tuple[int, ...] = field(init=False, repr=False, compare=False)  # the index of the zero lag among half the stored ones
    transform: tuple[int, ...] = field(init=False, repr=False, compare=False)  # sizes of the Fourier transforms

    def __post_init__(self) -> None:
        totals = all_lags(self.space, self.boundary)
        shape = self.crop or totals
        whole = tuple(n == total and not self.both_ends for n, total in zip(shape, totals, strict=True))
        stored = tuple(n if all_kept else n | 1 for n, all_kept in zip(shape, whole, strict=True))
        transform = self.space
        if self.boundary == "open":  # padded by the longest lag, to a fast length
            transform = tuple(fast_length(s + n // 2) for s, n in zip(self.space, stored, strict=True))
        zero = tuple(0 if all_kept else n // 2 for n, all_kept in zip(stored, whole, strict=True))
        for name, value in {
            "totals": totals,
            "shape": shape,
            "whole": whole,
            "stored": stored,
            "zero": zero,
            "zero_half": (0, *zero[1:]),
            "transform": transform,
        }.items():
            object.__setattr__(self, name, value)

    @property
    def number(self) -> int:
        """The number of lags that the user sees."""
        return math.prod(self.shape)

    def _halves(self, axis: int) -> tuple[int, int]:
        """Return the numbers of stored lags >= 0 and < 0 along an axis."""
        negative = self.stored[axis] // 2 if self.boundary == "open" or not self.whole[axis] else 0
        return self.stored[axis] - negative, negative

    def cut(self, f: Array, xp: Namespace) -> Array:
        """Cut the stored lags out of an array over all lags in FFT order, padded or not."""
        for axis in range(len(self.space)):
            f = self.cut_axis(f, axis, xp)
        return f  # (..., *stored)

    def cut_axis(self, f: Array, axis: int, xp: Namespace) -> Array:
        """Cut the stored lags of one axis."""
        positive, negative = self._halves(axis)
        length = f.shape[axis - len(self.space)]
        if positive + negative == length and self.whole[axis]:
            return f
        head, tail = self._take(f, axis, 0, positive), self._take(f, axis, length - negative, length)
        return xp.concat([head, tail] if self.whole[axis] else [tail, head], axis=axis - len(self.space))

    def embed(self, f: Array, sizes: tuple[int, ...], xp: Namespace) -> Array:
        """Put stored lags into an array of zeros over all lags in FFT order: the transpose of cut."""
        for axis, size in enumerate(sizes):
            f = self.embed_axis(f, axis, size, xp)
        return f  # (..., *sizes)

    def embed_axis(self, f: Array, axis: int, size: int, xp: Namespace) -> Array:
        """Put the stored lags of one axis into zeros."""
        positive, negative = self._halves(axis)
        length = self.stored[axis]
        if length == size and self.whole[axis]:
            return f
        split = positive if self.whole[axis] else negative
        head, tail = self._take(f, axis, 0, split), self._take(f, axis, split, length)
        shape = list(f.shape)
        shape[axis - len(self.space)] = size - length
        gap = xp.zeros(tuple(shape), dtype=f.dtype, device=device_of(f))
        return xp.concat([head, gap, tail] if self.whole[axis] else [tail, gap, head], axis=axis - len(self.space))

    def _take(self, f: Array, axis: int, start: int, stop: int) -> Array:
        """Slice one lag axis."""
        return along(f, axis - len(self.space), start, stop)

    def reverse(self, f: Array, xp: Namespace) -> Array:
        """Return f(-r) in the layout of f(r)."""
        axes = tuple(range(-len(self.space), 0))
        f = xp.flip(f, axis=axes)
        turned = tuple(axis for axis, whole in zip(axes, self.whole, strict=True) if whole)
        return xp.roll(f, (1,) * len(turned), axis=turned) if turned else f

    @property
    def rows(self) -> int:
        """The number of lags 0, -1, -2, ... of the first axis that make up half of all lags."""
        return self.stored[0] // 2 + 1

    def split(self, f: Array, xp: Namespace) -> list[Array]:
        """Return f(r) and f(-r) at the rows of lags r that halve() keeps; together they contain every lag."""
        return [self.halve(f, xp), self.halve_reversed(f, xp)]

    def halve(self, f: Array, xp: Namespace) -> Array:
        """Return the half of the stored lags at 0, -1, ... along the first axis, (..., rows, *others)."""
        if self.whole[0]:
            length = self.stored[0]
            return xp.concat(
                [self._take(f, 0, 0, 1), self._turn(self._take(f, 0, length - self.rows + 1, length), (0,), xp)], axis=self._first
            )
        return self._turn(self._take(f, 0, 0, self.rows), (0,), xp)

    def halve_reversed(self, f: Array, xp: Namespace) -> Array:
        """Return halve(f(-r))."""
        start = 0 if self.whole[0] else self.zero[0]
        return self._reverse_others(self._take(f, 0, start, start + self.rows), xp)

    def merge_opposites(self, half: Array, opposite: Array, xp: Namespace) -> Array:
        """Return half of f(r), with the mean of f(r) and f(-r) in the rows that contain their own opposites."""
        last = self.rows - (self.rows > 1 and self.row_weights[-1] < 1)

        def mean(start: int, stop: int) -> Array:
            return (self._take(half, 0, start, stop) + self._reverse_others(self._take(opposite, 0, start, stop), xp)) / 2

        parts = [mean(0, 1), self._take(half, 0, 1, last), *([mean(last, self.rows)] if last < self.rows else [])]
        return xp.concat(parts, axis=self._first)

    def unfold(self, half: Array, opposite: Array, xp: Namespace) -> Array:
        """Return all stored lags of f from its halves f(r) and f(-r), which are equal if f is even; the inverse of split."""
        positive = self.stored[0] - self.rows
        ahead = self._reverse_others(self._take(opposite, 0, 1, positive + 1), xp)
        if self.whole[0]:
            parts = [self._take(half, 0, 0, 1), ahead, self._turn(self._take(half, 0, 1, self.rows), (0,), xp)]
        else:
            parts = [self._turn(half, (0,), xp), ahead]
        return xp.concat(parts, axis=self._first)  # (..., *stored)

    @property
    def row_weights(self) -> tuple[float, ...]:
        """The weight of each row in a total: 1/2 if it contains its own opposites, as the first, and the last if it has no partner."""
        last = 0.5 if 2 * (self.rows - 1) == self.stored[0] else 1.0
        return (0.5, *(1.0,) * (self.rows - 2), last)[: self.rows]

    def total(self, half: Array, xp: Namespace, start: int = 0, *, pairs: bool = False, scale: float = 1.0) -> Array:
        """Sum half the lags from row start on, (...), and the axis of pairs before, times a scale; rows of opposites have weight 1/2."""
        ndim = len(self.space)
        weights, others, extra = self.row_weights[start : start + half.shape[-ndim]], tuple(range(1 - ndim, 0)), (-2,) if pairs else ()
        if not on_cpu(half):  # few operations
            rows = xp.sum(half, axis=others) if others else half
            weights = tuple(scale * weight for weight in weights)
            return xp.sum(rows * constant(weights, half, xp, dtype=half.dtype), axis=(*extra, -1))
        total = xp.sum(half, axis=tuple(range(-ndim - pairs, 0)))
        for row in [i for i, weight in enumerate(weights) if weight < 1]:
            values, axes = half[(..., row, *(slice(None),) * len(others))], tuple(range(1 - ndim - pairs, 0))
            total = total - (xp.sum(values, axis=axes) if axes else values) / 2
        return total if scale == 1 else total * scale

    @property
    def _first(self) -> int:
        """The first space axis, counted from the end."""
        return -len(self.space)

    def _turn(self, f: Array, axes: tuple[int, ...], xp: Namespace) -> Array:
        """Flip space axes."""
        return xp.flip(f, axis=tuple(axis - len(self.space) for axis in axes))

    def _reverse_others(self, f: Array, xp: Namespace) -> Array:
        """Reverse all axes except the first, from r to -r."""
        others = tuple(range(1, len(self.space)))
        if not others:
            return f
        f = self._turn(f, others, xp)
        turned = tuple(axis - len(self.space) for axis in others if self.whole[axis])
        return xp.roll(f, (1,) * len(turned), axis=turned) if turned else f

    def inside(self, like: Array, xp: Namespace, *, opposite: bool = False) -> Array | None:
        """Return 1 at stored lags r that the user sees (or whose opposites -r the user sees), else 0; None if the user sees all."""
        weight = None
        for axis, (n, stored) in enumerate(zip(self.shape, self.stored, strict=True)):
            if n == stored:
                continue
            index = xp.arange(stored, dtype=like.dtype, device=device_of(like))
            seen = xp.astype(index != (0 if opposite else stored - 1), like.dtype)
            seen = xp.reshape(seen, (-1,) + (1,) * (len(self.space) - axis - 1))
            weight = seen if weight is None else weight * seen
        return weight  # broadcasts against (*stored)

    def spans(self, like: Array, xp: Namespace) -> Array | float:
        """Return the number of pairs of points at each stored lag without a mask: the product of S (periodic) or S - |r| (open)."""
        if self.boundary == "periodic":
            return float(math.prod(self.space))
        count: Array = 1.0
        for axis, (size, stored) in enumerate(zip(self.space, self.stored, strict=True)):
            index = xp.arange(stored, dtype=like.dtype, device=device_of(like))
            lag = xp.abs(index - stored // 2)
            if self.whole[axis]:  # FFT order: 0..S-1, -(S-1)..-1
                lag = xp.where(index < size, index, stored - index)
            count = count * xp.reshape(size - lag, (-1,) + (1,) * (len(self.space) - axis - 1))
        return count  # (*stored)

    def to_user(self, f: Array, xp: Namespace, *, centered: bool) -> Array:
        """Return the stored lags in the layout that the user sees: cropped ones centred, others if requested."""
        for axis, (n, stored) in enumerate(zip(self.shape, self.stored, strict=True)):
            if n < stored:
                f = self._take(f, axis, 0, n)
            if self.whole[axis] and (centered or self.crop):
                f = xp.roll(f, n // 2, axis=axis - len(self.space))
            if self.both_ends and not (centered or self.crop):
                f = xp.roll(f, -(n // 2), axis=axis - len(self.space))
        return f  # (..., *shape)

    def from_user(self, f: Array, xp: Namespace, *, centered: bool) -> Array:
        """Return lags of the user in the stored layout, with 0 at missing lags; the inverse of to_user."""
        for axis, (n, stored) in enumerate(zip(self.shape, self.stored, strict=True)):
            last = axis - len(self.space)
            if n < stored:
                f = xp.concat([f, xp.zeros_like(self._take(f, axis, 0, 1))], axis=last)
            elif self.whole[axis] and (centered or self.crop):
                f = xp.roll(f, -(n // 2), axis=last)
        return f  # (..., *stored)


def along(f: Array, axis: int, start: int, stop: int) -> Array:
    """Slice one of the last axes, counted from the end."""
    return f[(..., slice(start, stop), *(slice(None),) * (-axis - 1))]


def all_lags(space: tuple[int, ...], boundary: str) -> tuple[int, ...]:
    """Return the number of all lags along each axis, S or, under an open boundary, 2S-1."""
    return tuple(2 * n - 1 if boundary == "open" else n for n in space)


def product(a: Array, b: Array, lags: Lags, xp: Namespace, *, even: bool) -> Array:
    """Return conj(a) b of two spectra; a real array for an even correlation, if to_lags takes one."""
    if even and _halved(lags):
        return xp.real(a) ** 2 + xp.imag(a) ** 2
    return xp.conj(a) * b


def to_lags(spectrum: Array, lags: Lags, xp: Namespace, *, even: bool) -> list[Array]:
    """Transform a product of spectra back, without division, to half the stored lags: f(r), and f(-r) unless it is even.

    An even correlation has a real spectrum. Its first axis is transformed by rfft at half the cost, to the lags 0, -1, -2, ... Under a
    crop the axes are transformed one after the other, and each is cut before the next.
    """
    ndim = len(lags.space)
    if even and _halved(lags):
        spectrum = transform_axis("rfft", spectrum, -ndim, xp, norm="backward")
        return [_remaining_to_lags(along(spectrum, -ndim, 0, lags.rows), lags, 1, xp)]
    f = _remaining_to_lags(spectrum, lags, 0, xp)
    return [lags.halve(f, xp)] if even else lags.split(f, xp)


def from_lags(halves: list[Array], lags: Lags, xp: Namespace) -> Array:
    """Transform half the lags, as to_lags returns them, and divide by the number of points; a single array is used at r and at -r."""
    ndim, even = len(lags.space), len(halves) == 1
    if even and _halved(lags):
        spectrum = _remaining_from_lags(halves[0], lags, 1, xp)
        return transform_axis("irfft", spectrum, -ndim, xp, n=lags.transform[0], norm="backward")
    return _remaining_from_lags(lags.unfold(halves[0], halves[-1], xp), lags, 0, xp)


def from_space(d: Array, lags: Lags, xp: Namespace) -> Array:
    """Pad and transform an array over the space, and divide by the number of points; each axis is padded just before its transform."""
    ndim, sizes = len(lags.space), lags.transform
    if not _padded(lags):
        return rfftn(d, sizes, xp)
    spectrum = transform_axis("rfft", d, -1, xp, n=sizes[-1])
    for axis in reversed(range(ndim - 1)):
        spectrum = transform_axis("fft", spectrum, axis - ndim, xp, n=sizes[axis])
    return spectrum


def to_space(spectrum: Array, lags: Lags, xp: Namespace) -> Array:
    """Transform back, without division, and cut to the space; each axis is cut right after its transform."""
    ndim, sizes, space = len(lags.space), lags.transform, lags.space
    if not _padded(lags):
        whole = irfftn(spectrum, sizes, xp)
        return whole if sizes == space else whole[(..., *(slice(0, n) for n in space))]
    for axis in range(ndim - 1):
        spectrum = along(transform_axis("ifft", spectrum, axis - ndim, xp), axis - ndim, 0, space[axis])
    return along(transform_axis("irfft", spectrum, -1, xp, n=sizes[-1]), -1, 0, space[-1])


def _halved(lags: Lags) -> bool:
    """Whether even correlations are transformed at half the cost, which in one dimension would require a cosine transform."""
    return len(lags.space) > 1


def _padded(lags: Lags) -> bool:
    """Whether skipping the zeros of all axes except the last saves more than another pass over memory costs."""
    return any(4 * n <= 3 * size for n, size in zip(lags.space[:-1], lags.transform[:-1], strict=True))


def _pruned(lags: Lags, start: int) -> bool:
    """Whether cutting the axes between the first transformed one and the last saves more than another pass over memory costs."""
    return any(4 * n <= 3 * size for n, size in zip(lags.stored[start:-1], lags.transform[start:-1], strict=True))


def _remaining_to_lags(spectrum: Array, lags: Lags, start: int, xp: Namespace) -> Array:
    """Transform the space axes from the start on back, and cut them."""
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


def _remaining_from_lags(f: Array, lags: Lags, start: int, xp: Namespace) -> Array:
    """Embed the space axes from the start on among all lags, and transform them."""
    ndim, sizes = len(lags.space), lags.transform
    if not _pruned(lags, start):
        for axis in range(start, ndim):
            f = lags.embed_axis(f, axis, sizes[axis], xp)
        return rfftn(f, sizes[start:], xp)
    spectrum = transform_axis("rfft", lags.embed_axis(f, ndim - 1, sizes[-1], xp), -1, xp)
    for axis in reversed(range(start, ndim - 1)):
        spectrum = transform_axis("fft", lags.embed_axis(spectrum, axis, sizes[axis], xp), axis - ndim, xp)
    return spectrum
