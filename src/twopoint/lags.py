"""Lags: how they lie in an array, how they are centred, cropped and reversed."""

import math
from dataclasses import dataclass, field

from ._namespace import Array, Namespace, device_of


@dataclass(frozen=True)
class Lags:
    """The lags of a space, and the layout in which the core stores them, an axis at a time.

    All lags lie in FFT order. A crop to n lags is stored centred and odd, from -(n//2) to n//2, so that every lag has its
    partner; where n is even the last one is stored, weighs nothing, and is cut off when the lags are presented.
    """

    space: tuple[int, ...]
    boundary: str
    crop: tuple[int, ...] | None = None
    # What follows from these, worked out once: pieces of a batch ask for it thousands of times.
    totals: tuple[int, ...] = field(init=False, repr=False, compare=False)  # all lags along each axis
    shape: tuple[int, ...] = field(init=False, repr=False, compare=False)  # in which a user sees the lags
    whole: tuple[bool, ...] = field(init=False, repr=False, compare=False)  # along which axes all lags are kept, in FFT order
    stored: tuple[int, ...] = field(init=False, repr=False, compare=False)  # the shape in which the core stores the lags
    transform: tuple[int, ...] = field(init=False, repr=False, compare=False)  # sizes of the Fourier transforms

    def __post_init__(self) -> None:
        totals = all_lags(self.space, self.boundary)
        shape = self.crop or totals
        whole = tuple(n == total for n, total in zip(shape, totals, strict=True))
        stored = tuple(n if all_kept else n | 1 for n, all_kept in zip(shape, whole, strict=True))
        transform = self.space
        if self.boundary == "open":  # padded by the furthest lag, to a fast length
            transform = tuple(fast_length(s + n // 2) for s, n in zip(self.space, stored, strict=True))
        for name, value in (("totals", totals), ("shape", shape), ("whole", whole), ("stored", stored), ("transform", transform)):
            object.__setattr__(self, name, value)

    @property
    def number(self) -> int:
        """How many lags a user sees."""
        return math.prod(self.shape)

    @property
    def zero(self) -> tuple[int, ...]:
        """The index of the zero lag among the stored ones."""
        return tuple(0 if whole else n // 2 for n, whole in zip(self.stored, self.whole, strict=True))

    def _halves(self, axis: int) -> tuple[int, int]:
        """Return how many stored lags along an axis are >= 0 and how many < 0."""
        negative = self.stored[axis] // 2 if self.boundary == "open" or not self.whole[axis] else 0
        return self.stored[axis] - negative, negative

    def cut(self, f: Array, xp: Namespace) -> Array:
        """Take the stored lags out of an array over all lags in FFT order, be it longer by padding."""
        for axis in range(len(self.space)):
            f = self.cut_axis(f, axis, xp)
        return f  # (..., *stored)

    def cut_axis(self, f: Array, axis: int, xp: Namespace) -> Array:
        """Take the stored lags out of one axis."""
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
        """Return f(-r), stored as f(r) is."""
        axes = tuple(range(-len(self.space), 0))
        f = xp.flip(f, axis=axes)
        turned = tuple(axis for axis, whole in zip(axes, self.whole, strict=True) if whole)
        return xp.roll(f, (1,) * len(turned), axis=turned) if turned else f

    @property
    def rows(self) -> int:
        """How many lags of the first axis half of all are: 0, -1, -2, ... in this order."""
        return self.stored[0] // 2 + 1

    def split(self, f: Array, xp: Namespace) -> list[Array]:
        """Return f(r) and f(-r) at the rows of lags r that halve() keeps: between them they hold every lag."""
        return [self.halve(f, xp), self.halve_reversed(f, xp)]

    def halve(self, f: Array, xp: Namespace) -> Array:
        """Return half of the stored lags, those at 0, -1, ... along the first axis, (..., rows, *others)."""
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

    def unfold(self, half: Array, opposite: Array, xp: Namespace) -> Array:
        """Return all stored lags of f from its halves f(r) and f(-r), which are one where f is even: the inverse of split."""
        positive = self.stored[0] - self.rows
        ahead = self._reverse_others(self._take(opposite, 0, 1, positive + 1), xp)
        if self.whole[0]:
            parts = [self._take(half, 0, 0, 1), ahead, self._turn(self._take(half, 0, 1, self.rows), (0,), xp)]
        else:
            parts = [self._turn(half, (0,), xp), ahead]
        return xp.concat(parts, axis=self._first)  # (..., *stored)

    @property
    def _single(self) -> tuple[int, ...]:
        """The rows that hold their own opposites: two of an axis with a furthest lag of its own."""
        return (0, self.rows - 1) if 2 * (self.rows - 1) == self.stored[0] else (0,)

    def total(self, half: Array, xp: Namespace, start: int = 0) -> Array:
        """Sum half the lags, given from a row on, (...); rows that hold their own opposites count half."""
        axes, others = tuple(range(-len(self.space), 0)), tuple(range(1 - len(self.space), 0))
        total = xp.sum(half, axis=axes)
        for row in self._single:
            if start <= row < start + half.shape[self._first]:
                values = half[(..., row - start, *(slice(None),) * len(others))]
                total = total - (xp.sum(values, axis=others) if others else values) / 2
        return total

    def row_weights(self, like: Array, xp: Namespace) -> Array:
        """Return what rows of half the lags count in a total, 1 or 1/2, shaped to broadcast against them."""
        weights = [0.5 if row in self._single else 1.0 for row in range(self.rows)]
        return xp.reshape(xp.asarray(weights, dtype=like.dtype, device=device_of(like)), (-1,) + (1,) * (len(self.space) - 1))

    @property
    def _first(self) -> int:
        """The first space axis, counted from the end."""
        return -len(self.space)

    def _turn(self, f: Array, axes: tuple[int, ...], xp: Namespace) -> Array:
        """Flip space axes."""
        return xp.flip(f, axis=tuple(axis - len(self.space) for axis in axes))

    def _reverse_others(self, f: Array, xp: Namespace) -> Array:
        """Turn all axes but the first from r to -r."""
        others = tuple(range(1, len(self.space)))
        if not others:
            return f
        f = self._turn(f, others, xp)
        turned = tuple(axis - len(self.space) for axis in others if self.whole[axis])
        return xp.roll(f, (1,) * len(turned), axis=turned) if turned else f

    def inside(self, like: Array, xp: Namespace, *, opposite: bool = False) -> Array | None:
        """Return 1 at stored lags r that (or whose opposites -r) a user sees, else 0; None where all are seen."""
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
        """Return how many pairs of points each stored lag spans without a mask: the product of S, or of S - |r|."""
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

    def present(self, f: Array, xp: Namespace, *, centered: bool) -> Array:
        """Return stored lags as the user sees them: cropped ones always centred, others if wanted."""
        for axis, (n, stored) in enumerate(zip(self.shape, self.stored, strict=True)):
            if n < stored:
                f = self._take(f, axis, 0, n)
            elif self.whole[axis] and (centered or self.crop):
                f = xp.roll(f, n // 2, axis=axis - len(self.space))
        return f  # (..., *shape)

    def adopt(self, f: Array, xp: Namespace, *, centered: bool) -> Array:
        """Return lags as a user sees them in the stored layout, 0 where none was given: the inverse of present."""
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
    """Return the number of all lags along each axis: S, or 2S-1 under an open boundary."""
    return tuple(2 * n - 1 if boundary == "open" else n for n in space)


def fast_length(n: int) -> int:
    """Return the least number >= n without prime factors above 5, as scipy's next_fast_len, in Python that torch.compile can trace."""
    best, fives = 2 * n, 1
    while fives < best:
        threes = fives
        while threes < best:
            length = threes
            while length < n:
                length *= 2
            best, threes = min(best, length), 3 * threes
        fives *= 5
    return best
