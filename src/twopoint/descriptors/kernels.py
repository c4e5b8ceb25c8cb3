# mypy: ignore-errors
"""Loops over segments that numba compiles (the extra ``fast``), in the calling thread and without Python's lock.

Lines are (members, outer, size, inner), given as a flat array with its shape, so that one program serves each axis. Some neighbouring
lines are held together: side by side if there is an inner axis, so that a shift by a point is one by their number, else one after the
other. Products across the ends of lines are then computed too, and not used. A periodic line is continued by its first points. See
segments.Segments and its table of steps.
"""

import math

import numpy as np

from ..arrays.kernels import compiled

_TOGETHER, _CACHED = 32, 1 << 16  # lines held together at most, and numbers in all their products


@compiled
def _copy(a, found):
    """Write a to found."""
    for y in range(found.shape[0]):
        found[y] = a[y]


@compiled
def _add_scaled(scale, a, found):
    """Add scale a to found."""
    for y in range(found.shape[0]):
        found[y] += scale * a[y]


@compiled
def _fill(lines, size, inner, together, first):
    """Write lines, the first of which begins the flat array, to the first product, continued periodically."""
    length = first.shape[0] // together
    if inner == 1:
        for v in range(together):
            line, held = lines[v * size : (v + 1) * size], first[v * length : (v + 1) * length]
            _copy(line, held[:size])
            _copy(line, held[size:])
    else:
        for t in range(length):
            at = (t if t < size else t - size) * inner
            _copy(lines[at : at + together], first[t * together : (t + 1) * together])


@compiled
def _scatter(first, size, inner, together, scale, found):
    """Transpose _fill, times a scale: add to found."""
    length = first.shape[0] // together
    if inner == 1:
        for v in range(together):
            line, held = found[v * size : (v + 1) * size], first[v * length : (v + 1) * length]
            _add_scaled(scale, held[:size], line)
            _add_scaled(scale, held[size:], line[: length - size])
    else:
        for t in range(length):
            at = (t if t < size else t - size) * inner
            _add_scaled(scale, first[t * together : (t + 1) * together], found[at : at + together])


@compiled
def _multiply(a, b, found, tiny):
    """Write a b to found; return whether any product is not 0. Products below tiny are 0.

    tiny is the root of the smallest normal number, so that no product of what is kept is subnormal, which is slow.
    """
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
def _add_products(a, b, c, d, found):
    """Add a b + c d to found."""
    for y in range(found.shape[0]):
        found[y] += a[y] * b[y] + c[y] * d[y]


@compiled
def _add_square(of, a, shift, found):
    """Add to found what the cotangent of a product over a and a shifted hands on to both factors, in one pass where they overlap."""
    stop = of.shape[0]
    both = max(stop - shift, 0)
    first = min(shift, stop)
    _add_product(of[:first], a[shift : shift + first], found[:first])
    if both > 0:
        _add_products(of[shift:], a[2 * shift : shift + stop], of[:both], a[:both], found[shift:stop])
    _add_product(of[both:], a[both:stop], found[both + shift : stop + shift])


@compiled
def _advance(table, products, alive, unit, tiny):
    """Compute the products that are stored; alive tells which are not all 0. A shift by a point is one by unit."""
    for i in range(1, table.shape[0]):
        n, a, of_a, of_b, own = table[i]
        if own < 0:
            continue
        alive[own] = alive[of_a] and alive[of_b]
        if alive[own]:
            stop, shift = products.shape[1] - (n - 1) * unit, a * unit
            alive[own] = _multiply(products[of_a, :stop], products[of_b, shift : shift + stop], products[own, :stop], tiny)


@compiled
def _plan(shape, periodic, table, rows):
    """Return the length of a line, continued by the points that the longest segment needs, and how many lines are held together."""
    _, outer, size, inner = shape
    longest = 1
    for i in range(table.shape[0]):
        longest = max(longest, table[i, 0])
    length = size + longest - 1 if periodic else size
    return length, min(outer if inner == 1 else inner, max(1, min(_TOGETHER, _CACHED // (length * rows))))


@compiled
def _sum_requested(table, requested, starts, products, alive, unit, block, found):
    """Add the sums of the requested products to found (lengths,); each block of places begins with those where a segment can begin."""
    for w in range(requested.shape[0]):
        _, a, of_a, of_b, own = table[requested[w]]
        stop, shift = starts[w] * unit, a * unit
        for begin in range(0, products.shape[1], block):
            end = begin + stop
            if own >= 0:
                if alive[own]:
                    found[w] += _sum(products[own, begin:end])
            elif alive[of_a] and alive[of_b]:
                found[w] += _dot(products[of_a, begin:end], products[of_b, begin + shift : end + shift])


@compiled
def segment_sums(lines, shape, periodic, table, rows, requested, starts, found):
    """Add the sums of the requested products over all lines of each member to found (members, lengths)."""
    members, outer, size, inner = shape
    length, most = _plan(shape, periodic, table, rows)
    alive, tiny = np.ones(rows, np.bool_), lines.dtype.type(math.sqrt(np.finfo(lines.dtype).tiny))
    products = np.empty((rows, 0), lines.dtype)
    groups, side = (1, outer) if inner == 1 else (outer, inner)  # lines of a group are neighbours, or one after the other
    for i in range(members * groups):
        for first in range(0, side, most):
            together = min(most, side - first)
            unit, block = (1, length) if inner == 1 else (together, length * together)
            if products.shape[1] != length * together:
                products = np.empty((rows, length * together), lines.dtype)
            begin = i * side * size + first * (size if inner == 1 else 1)
            _fill(lines[begin:], size, inner, together, products[0])
            _advance(table, products, alive, unit, tiny)
            _sum_requested(table, requested, starts, products, alive, unit, block, found[i // groups])


@compiled
def _transpose_requested(table, requested, starts, weights, products, alive, unit, block, cotangents):
    """Set the cotangents of the stored products to what the requested products hand on."""
    cotangents[:] = 0
    for w in range(requested.shape[0]):
        _, a, of_a, of_b, own = table[requested[w]]
        stop, shift, weight = starts[w] * unit, a * unit, weights[w]
        for begin in range(0, products.shape[1], block):
            end = begin + stop
            if own >= 0:
                for y in range(begin, end):
                    cotangents[own, y] += weight
                continue
            if alive[of_b]:
                _add_scaled(weight, products[of_b, begin + shift : end + shift], cotangents[of_a, begin:end])
            if alive[of_a]:
                _add_scaled(weight, products[of_a, begin:end], cotangents[of_b, begin + shift : end + shift])


@compiled
def _transpose_products(table, products, alive, unit, cotangents):
    """Hand the cotangents of the stored products on, to the first, which is that of the lines."""
    for i in range(table.shape[0] - 1, 0, -1):
        n, a, of_a, of_b, own = table[i]
        if own < 0:
            continue
        stop, shift = products.shape[1] - (n - 1) * unit, a * unit
        if of_a == of_b:
            if alive[of_a]:
                _add_square(cotangents[own, :stop], products[of_a], shift, cotangents[of_a])
            continue
        if alive[of_b]:
            _add_product(cotangents[own, :stop], products[of_b, shift : shift + stop], cotangents[of_a, :stop])
        if alive[of_a]:
            _add_product(cotangents[own, :stop], products[of_a, :stop], cotangents[of_b, shift : shift + stop])


@compiled
def transpose_segment_sums(lines, shape, periodic, table, rows, requested, starts, weights, scale, found):
    """Transpose segment_sums, for weights (members, lengths) of the order of 1; the result is added to found times scale, flat as lines."""
    members, outer, size, inner = shape
    length, most = _plan(shape, periodic, table, rows)
    alive, tiny = np.ones(rows, np.bool_), lines.dtype.type(math.sqrt(np.finfo(lines.dtype).tiny))
    products, cotangents = np.empty((rows, 0), lines.dtype), np.empty((rows, 0), lines.dtype)
    groups, side = (1, outer) if inner == 1 else (outer, inner)
    for i in range(members * groups):
        for first in range(0, side, most):
            together = min(most, side - first)
            unit, block = (1, length) if inner == 1 else (together, length * together)
            if products.shape[1] != length * together:
                products = np.empty((rows, length * together), lines.dtype)
                cotangents = np.empty_like(products)
            begin = i * side * size + first * (size if inner == 1 else 1)
            _fill(lines[begin:], size, inner, together, products[0])
            _advance(table, products, alive, unit, tiny)
            _transpose_requested(table, requested, starts, weights[i // groups], products, alive, unit, block, cotangents)
            _transpose_products(table, products, alive, unit, cotangents)
            _scatter(cotangents[0], size, inner, together, scale, found[begin:])
