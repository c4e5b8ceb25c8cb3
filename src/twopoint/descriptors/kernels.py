# mypy: ignore-errors
"""Loops over segments that numba compiles (the extra ``fast``), in the calling thread and without Python's lock.

Lines are (members, outer, size, inner), given as a flat array with shape and strides, so that one program serves each axis. Some
neighbouring lines of the inner axis are held together, and a shift by a point is one by their number. A periodic line is continued by its
first points. See segments.Segments and its table of steps.
"""

import numpy as np

from ..arrays.kernels import compiled

_TOGETHER, _CACHED = 32, 1 << 16  # lines held together at most, and numbers in all their products


@compiled
def _fill(lines, begin, size, along, beside, products, together):
    """Write lines, which begin at an index and have two strides, to the first product, continued periodically."""
    for t in range(products.shape[1] // together):
        at = begin + (t if t < size else t - size) * along
        for v in range(together):
            products[0, t * together + v] = lines[at + v * beside]


@compiled
def _multiply(a, b, found, tiny):
    """Write a b to found; return whether any product is not 0. Products below tiny are 0: subnormal numbers are slow."""
    total = a.dtype.type(0)
    for y in range(found.shape[0]):
        p = a[y] * b[y]
        p = a.dtype.type(0) if abs(p) < tiny else p
        found[y] = p
        total += abs(p)
    return total != 0


@compiled
def _dot(a, b):
    """Return the sum of a b."""
    total = a.dtype.type(0)
    for y in range(a.shape[0]):
        total += a[y] * b[y]
    return total


@compiled
def _sum(a):
    """Return the sum of a."""
    total = a.dtype.type(0)
    for y in range(a.shape[0]):
        total += a[y]
    return total


@compiled
def _add_product(a, b, found):
    """Add a b to found."""
    for y in range(found.shape[0]):
        found[y] += a[y] * b[y]


@compiled
def _add_scaled(scale, a, found):
    """Add scale a to found."""
    for y in range(found.shape[0]):
        found[y] += scale * a[y]


@compiled
def _advance(table, products, alive, together, tiny):
    """Compute the products that are stored; alive tells which are not all 0."""
    length = products.shape[1] // together
    for i in range(1, table.shape[0]):
        n, a, of_a, of_b, own = table[i]
        if own < 0:
            continue
        alive[own] = alive[of_a] and alive[of_b]
        if alive[own]:
            stop, shift = (length - n + 1) * together, a * together
            alive[own] = _multiply(products[of_a, :stop], products[of_b, shift : shift + stop], products[own, :stop], tiny)


@compiled
def _length(size, periodic, table):
    """Return the length of a line, continued by the points that the longest segment needs."""
    longest = 1
    for i in range(table.shape[0]):
        longest = max(longest, table[i, 0])
    return size + longest - 1 if periodic else size


@compiled
def segment_sums(lines, shape, strides, periodic, table, rows, requested, starts, found):
    """Add the sums of the requested products over all lines of each member to found (members, lengths)."""
    members, outer, size, inner = shape
    length = _length(size, periodic, table)
    most = min(inner, max(1, min(_TOGETHER, _CACHED // (length * rows))))
    alive, tiny = np.ones(rows, np.bool_), np.finfo(lines.dtype).tiny
    for member in range(members):
        for o in range(outer):
            for first in range(0, inner, most):
                together = min(most, inner - first)
                products = np.empty((rows, length * together), lines.dtype)
                begin = member * strides[0] + o * strides[1] + first * strides[3]
                _fill(lines, begin, size, strides[2], strides[3], products, together)
                _advance(table, products, alive, together, tiny)
                for w in range(requested.shape[0]):
                    _, a, of_a, of_b, own = table[requested[w]]
                    stop, shift = starts[w] * together, a * together
                    if own >= 0:
                        if alive[own]:
                            found[member, w] += _sum(products[own, :stop])
                    elif alive[of_a] and alive[of_b]:
                        found[member, w] += _dot(products[of_a, :stop], products[of_b, shift : shift + stop])


@compiled
def _transpose(table, requested, starts, weights, products, alive, back, together):
    """Compute the cotangents of the stored products, of which the first is that of the lines."""
    length = products.shape[1] // together
    back[:] = 0
    for w in range(requested.shape[0]):
        _, a, of_a, of_b, own = table[requested[w]]
        stop, shift, weight = starts[w] * together, a * together, weights[w]
        if own >= 0:
            for y in range(stop):
                back[own, y] += weight
            continue
        if alive[of_b]:
            _add_scaled(weight, products[of_b, shift : shift + stop], back[of_a, :stop])
        if alive[of_a]:
            _add_scaled(weight, products[of_a, :stop], back[of_b, shift : shift + stop])
    for i in range(table.shape[0] - 1, 0, -1):
        n, a, of_a, of_b, own = table[i]
        if own < 0:
            continue
        stop, shift = (length - n + 1) * together, a * together
        if alive[of_b]:
            _add_product(back[own, :stop], products[of_b, shift : shift + stop], back[of_a, :stop])
        if alive[of_a]:
            _add_product(back[own, :stop], products[of_a, :stop], back[of_b, shift : shift + stop])


@compiled
def transpose_segment_sums(lines, shape, strides, periodic, table, rows, requested, starts, weights, found):
    """Transpose segment_sums, for weights (members, lengths); the result is added to found, flat as the lines."""
    members, outer, size, inner = shape
    length = _length(size, periodic, table)
    most = min(inner, max(1, min(_TOGETHER, _CACHED // (length * rows))))
    alive, tiny = np.ones(rows, np.bool_), np.finfo(lines.dtype).tiny
    for member in range(members):
        for o in range(outer):
            for first in range(0, inner, most):
                together = min(most, inner - first)
                products = np.empty((rows, length * together), lines.dtype)
                back = np.empty_like(products)
                begin = member * strides[0] + o * strides[1] + first * strides[3]
                _fill(lines, begin, size, strides[2], strides[3], products, together)
                _advance(table, products, alive, together, tiny)
                _transpose(table, requested, starts, weights[member], products, alive, back, together)
                for t in range(length):
                    at = begin + (t if t < size else t - size) * strides[2]
                    for v in range(together):
                        found[at + v * strides[3]] += back[0, t * together + v]
