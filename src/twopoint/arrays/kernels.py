# mypy: ignore-errors
"""Loops that numba compiles (the extra ``fast``): each passes once over memory, in the calling thread and without Python's lock.

They serve chunks of a batch of two phases, one of them implied. Arrays are C-contiguous and of one floating dtype; sums over a row are
in this dtype, sums of rows in float64. Spectra are given as real numbers, with real and imaginary parts in turn.
"""

import math

import numpy as np
from numba import njit

# Sums within a row may be reordered, which is needed to vectorise them; NaN and infinity keep their meaning.
OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}
_SQRT_HALF, _LN2_HIGH, _LN2_LOW = np.float32(math.sqrt(0.5)), np.float32(0.693359375), np.float32(-2.12194440e-4)

_MANTISSA, _HALF, _SHIFT, _BIAS, _ONE = (np.int32(i) for i in (0x007FFFFF, 0x3F000000, 23, 126, 1))


def compiled(function):
    """Compile a loop, and keep the result in a file if the folder of the package or of the user can be written."""
    try:
        return njit(**OPTIONS, cache=True)(function)
    except RuntimeError:  # numba has no place for the file
        return njit(**OPTIONS)(function)


@njit(inline="always")
def log_float32(x):
    """Return log x for a normal float32, to 1 unit in the last place: the exponent, and Cephes' polynomial of the mantissa."""
    bits = np.float32(x).view(np.int32)
    half = np.int32((bits & _MANTISSA) | _HALF).view(np.float32)  # [0.5, 1)
    small = half < _SQRT_HALF
    e = np.float32(np.int32(bits >> _SHIFT) - (_BIAS + _ONE if small else _BIAS))
    z = (half + half if small else half) - np.float32(1)
    y = np.float32(7.0376836292e-2)
    y = y * z + np.float32(-1.1514610310e-1)
    y = y * z + np.float32(1.1676998740e-1)
    y = y * z + np.float32(-1.2420140846e-1)
    y = y * z + np.float32(1.4249322787e-1)
    y = y * z + np.float32(-1.6668057665e-1)
    y = y * z + np.float32(2.0000714765e-1)
    y = y * z + np.float32(-2.4999993993e-1)
    y = y * z + np.float32(3.3333331174e-1)
    square = z * z
    y = y * z * square + e * _LN2_LOW - np.float32(0.5) * square
    return z + y + e * _LN2_HIGH


@compiled
def center(m, d, means, zero):
    """Write m (B, rows, columns) without its means to d, the means of both phases (B, 2), and the mean of m (1 - m) (B,)."""
    batch, rows, columns = m.shape
    one = m.dtype.type(1)
    for b in range(batch):
        first = second = both = 0.0
        for r in range(rows):
            some = rest = overlap = m.dtype.type(0)
            for x in range(columns):
                value = m[b, r, x]
                some += value
                rest += one - value
                overlap += value * (one - value)
            second += some
            first += rest
            both += overlap
        points = rows * columns
        means[b, 0], means[b, 1], zero[b] = first / points, second / points, both / points
        mean = means[b, 1]
        for r in range(rows):
            for x in range(columns):
                d[b, r, x] = m[b, r, x] - mean


@compiled
def power(spectrum, found):
    """Write |spectrum|^2 of (n, 2) real numbers to found (n,)."""
    for i in range(found.shape[0]):
        found[i] = spectrum[i, 0] * spectrum[i, 0] + spectrum[i, 1] * spectrum[i, 1]


@compiled
def scale(spectrum, factor, opposite, real):
    """Multiply spectra (B, R, C, 2) by real factors (B, R, C), and unfold them to real (B, R, W); see losses.fused.Unfolded."""
    columns, width = spectrum.shape[2], real.shape[2]
    for b in range(spectrum.shape[0]):
        for r in range(spectrum.shape[1]):
            other = real[b, opposite[r]]
            for x in range(columns):
                real[b, r, x] = factor[b, r, x] * (spectrum[b, r, x, 0] + spectrum[b, r, x, 1])
            for x in range(1, (width + 1) // 2):  # zero and, if the size is even, the last column are their own opposites
                other[np.uint64(width - x)] = factor[b, r, x] * (spectrum[b, r, x, 0] - spectrum[b, r, x, 1])


@compiled
def fold(spectrum, opposite, offsets, factor, found):
    """Write factor times the sum of an offset for each member and of re + im of spectra (B, R, C, 2) at r, re - im at -r, to (B, R, W)."""
    width = found.shape[2]
    for b in range(spectrum.shape[0]):
        offset = factor * offsets[b]
        for r in range(spectrum.shape[1]):
            row, other = spectrum[b, r], found[b, opposite[r]]
            for x in range(spectrum.shape[2]):
                found[b, r, x] = factor * (row[x, 0] + row[x, 1]) + offset
            for x in range(1, (width + 1) // 2):
                other[np.uint64(width - x)] = factor * (row[x, 0] - row[x, 1]) + offset


@compiled
def _compare_row(c, offset, sign, target, own, floor, slope):
    """Write target / max(f, floor) to slope, for f = offset + sign c; return the sums of target (log f - own) and of slope."""
    value = total = c.dtype.type(0)
    for x in range(c.shape[0]):
        f = offset + sign * c[x]
        above = floor if f < floor else f  # NaN stays NaN
        s = target[x] / above
        slope[x] = s
        total += s
        value += target[x] * (log_float32(above) - own[x]) + s * (f - above)
    return value, total


@compiled
def cross_entropy(c, offsets, signs, weights, target, own, floor, value, totals, slope):
    """Compare f_p = offset_p + sign_p c with a target: value (B,), the sums of the slopes (B, P), and their sum with signs (B, R, C).

    c is (B, R, C); target (B or 1, P, R, C) is -weight times the target; own, of the same shape or of size 0, is the logarithm of the
    target's own statistics; weights (R,) are those of the rows in a sum. See losses.measures.CrossEntropy.
    """
    batch, rows, columns = c.shape
    some, none = np.empty(columns, c.dtype), np.zeros(columns, c.dtype)
    for b in range(batch):
        at = b if target.shape[0] > 1 else 0
        value[b] = 0
        totals[b, :] = 0
        for r in range(rows):
            slope[b, r, :] = 0
            for p in range(signs.shape[0]):
                beside = own[at, p, r] if own.size else none
                sum_value, sum_slope = _compare_row(c[b, r], offsets[b, p], signs[p], target[at, p, r], beside, floor, some)
                value[b] += weights[r] * sum_value
                totals[b, p] += weights[r] * sum_slope
                sign = signs[p]
                for x in range(columns):
                    slope[b, r, x] += sign * some[x]


@compiled
def squared_error(spectrum, target, weights, factor, value, opposite, real):
    """Sum weights (C,) times (|s|^2 - target)^2 of spectra s (B, R, C, 2) to value (B,), and unfold factor (|s|^2 - target) s to real."""
    batch, rows, columns, _ = spectrum.shape
    zero, width = spectrum.dtype.type(0), real.shape[2]
    difference = np.empty(columns, spectrum.dtype)
    for b in range(batch):
        at = b if target.shape[0] > 1 else 0
        value[b] = 0
        for r in range(rows):
            total = zero
            for x in range(columns):
                re, im = spectrum[b, r, x, 0], spectrum[b, r, x, 1]
                by = re * re + im * im - target[at, r, x]
                total += weights[x] * by * by
                difference[x] = factor * by
                real[b, r, x] = factor * by * (re + im)
            value[b] += total
            other = real[b, opposite[r]]
            for x in range(1, (width + 1) // 2):
                other[np.uint64(width - x)] = difference[x] * (spectrum[b, r, x, 0] - spectrum[b, r, x, 1])


@compiled
def box_means(c, zero, inverse, found):
    """Write the means of c (B, R, C) over boxes of lags to found (B, R, E), E = C or C + 1; lag zero has the index zero along C.

    inverse (R, E) is one over the number of lags in a box. See statistics.cumulative.
    """
    batch, rows, columns = c.shape
    reach = found.shape[2] // 2
    running = np.empty(columns)
    for b in range(batch):
        running[:] = 0
        for r in range(rows):
            for x in range(columns):
                running[x] += c[b, r, x]
            ahead = behind = running[zero]
            found[b, r, reach] = ahead * inverse[r, reach]
            for i in range(1, reach + 1):
                ahead += running[zero + i]
                behind += running[zero - i]  # in FFT order lag -i has the index -i
                found[b, r, reach + i] = ahead * inverse[r, reach + i]
                found[b, r, reach - i] = behind * inverse[r, reach - i]


@compiled
def transpose_box_means(u, zero, inverse, weights, own, found):
    """Transpose box_means, from u (B, R, E) to found (B, R, C); weights (R,) are those of the rows in a sum.

    Rows that contain their own opposites (own, R) become even, and are divided by their weight of 1/2.
    """
    batch, rows, boxes = u.shape
    reach, columns = boxes // 2, found.shape[2]
    below = np.empty(boxes)
    for b in range(batch):
        below[:] = 0
        for r in range(rows - 1, -1, -1):
            for x in range(boxes):
                below[x] += weights[r] * inverse[r, x] * u[b, r, x]
            ahead = behind = 0.0
            for i in range(reach, 0, -1):
                ahead += below[reach + i]
                behind += below[reach - i]
                if own[r] or 2 * i == columns:  # both ends of an even axis are one lag
                    found[b, r, zero + i] = found[b, r, zero - i] = ahead + behind
                else:
                    found[b, r, zero + i] = ahead
                    found[b, r, zero - i] = behind
            if own[r] and 2 * reach == columns:
                found[b, r, zero + reach] *= 2
            found[b, r, zero] = (below[reach] + ahead + behind) * (2 if own[r] else 1)
