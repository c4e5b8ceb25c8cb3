# mypy: ignore-errors
"""Loops of the exchange that numba compiles (the extra ``fast``). They do what the methods of Increments of the same names do.

Grids have three axes here, of which the first ones may have length 1. Fields are (F, *grid), correlations (F, F, *grid), all of float64.
"""

import numpy as np

from ..arrays.kernels import OPTIONS, compiled, njit

_BLOCK = 2048  # points that are treated at a time: their rows stay in the fastest cache


@njit(**OPTIONS)
def _shifted_row(r0, r1, shift, d0, d1):
    """Return the two indices of a row that is shifted on the periodic grid."""
    r0 += shift[0]
    r1 += shift[1]
    return r0 - d0 if r0 >= d0 else r0, r1 - d1 if r1 >= d1 else r1


@njit(**OPTIONS)
def _difference(field, start, rows, forth, back, out):
    """Write field(r + forth) - field(r + back) at some rows of r to out; each row of the field is stored twice, one behind the other."""
    d0, d1, twice = field.shape
    size = twice // 2
    r0, r1 = start // d1, start % d1
    for n in range(rows):
        first = _shifted_row(r0, r1, forth, d0, d1)
        second = _shifted_row(r0, r1, back, d0, d1)
        _subtract(field[first][forth[2] :], field[second][back[2] :], out[n * size : (n + 1) * size])
        r1 += 1
        if r1 == d1:
            r0, r1 = r0 + 1, 0


@njit(**OPTIONS)
def _subtract(first, second, out):
    """Write first - second, which may be longer, to out."""
    for x in range(out.shape[0]):
        out[x] = first[x] - second[x]


@njit(**OPTIONS)
def _change_row(v_i, v_j, first, second, e, out):
    """Write first_i v_j + v_i second_j to out; return the sums of its product with e, and of its square."""
    linear = square = 0.0
    for x in range(out.shape[0]):
        change = first[x] * v_j + v_i * second[x]
        out[x] = change
        linear += e[x] * change
        square += change * change
    return linear, square


@njit(**OPTIONS)
def _fold_row(v_i, v_j, first, second, S, doubled):
    """Add v_i first_j + v_j second_i to S, and v_j times its halfway state to doubled."""
    for x in range(S.shape[0]):
        half = 0.5 * (first[x] * v_j + v_i * second[x])
        doubled[x] += v_j * (S[x] + half)
        S[x] += 2.0 * half


@njit(**OPTIONS)
def _add_half(factor, e, change, out):
    """Add factor times the halfway state of e to out."""
    for x in range(out.shape[0]):
        out[x] += factor * (e[x] + 0.5 * change[x])


@njit(**OPTIONS)
def _add_both(factor, first, second, out):
    """Add factor times the sum of two rows to out."""
    for x in range(out.shape[0]):
        out[x] += factor * (first[x] + second[x])


@njit(**OPTIONS)
def _add(factor, row, out):
    """Add factor times a row to out."""
    for x in range(out.shape[0]):
        out[x] += factor * row[x]


@njit(**OPTIONS)
def _store_twice(row, field, r, d1):
    """Write rows to a field whose rows are stored twice."""
    size = field.shape[2] // 2
    for n in range(row.shape[0] // size):
        r0, r1 = (r + n) // d1, (r + n) % d1
        for x in range(size):
            field[r0, r1, x] = row[n * size + x]
        for x in range(size):
            field[r0, r1, size + x] = row[n * size + x]


@njit(**OPTIONS)
def _add_at(field, c0, c1, c2, value):
    """Add a value to a field, whose rows are stored twice, at a point of the periodic grid."""
    d0, d1, size = field.shape[0], field.shape[1], field.shape[2] // 2
    field[c0 % d0, c1 % d1, c2 % size] += value
    field[c0 % d0, c1 % d1, size + c2 % size] += value


@njit(**OPTIONS)
def _move(m, reverse, v, at, sign):
    """Add sign times v to the fields at a point, and to the fields at -x."""
    for i in range(v.shape[0]):
        _add_at(m[i], at[0], at[1], at[2], sign * v[i])
        _add_at(reverse[i], -at[0], -at[1], -at[2], sign * v[i])


@njit(**OPTIONS)
def _correct(opposite, doubled, v, a, b):
    """Correct the sums of the halfway state, which is not the mean of the states before and after, at single lags."""
    for i in range(v.shape[0]):
        _add_at(doubled[i], 2 * a[0], 2 * a[1], 2 * a[2], -0.5 * v[i])
        _add_at(doubled[i], 2 * b[0], 2 * b[1], 2 * b[2], -0.5 * v[i])
        _add_at(doubled[i], a[0] + b[0], a[1] + b[1], a[2] + b[2], v[i])
        _add_at(opposite[i], 0, 0, 0, -v[i])
        _add_at(opposite[i], b[0] - a[0], b[1] - a[1], b[2] - a[2], 0.5 * v[i])
        _add_at(opposite[i], a[0] - b[0], a[1] - b[1], a[2] - b[2], 0.5 * v[i])


@njit(**OPTIONS)
def _grow(part, e, S, v, change, around, shared, opposite, doubled):
    """Add changes to a part of e and S; from their halfway states write v_i shared + v_j e_ji to opposite and v_j S_ji to doubled."""
    fields = v.shape[0]
    opposite[:] = 0.0
    doubled[:] = 0.0
    for i in range(fields):
        _add_half(1.0, e[i, i, part], change[i, i], shared)
    for i in range(fields):
        _add(v[i], shared, opposite[i])
        for j in range(fields):
            _add_half(v[j], e[j, i, part], change[j, i], opposite[i])
            _fold_row(v[i], v[j], around[i], around[j], S[i, j, part], doubled[i])  # S_ij = S_ji
    for i in range(fields):
        for j in range(fields):
            _add(1.0, change[i, j], e[i, j, part])


@compiled
def swap(m, reverse, e, S, G, target_shared, v, a, b, grid, weight, opposite, doubled):
    """Exchange the points a and b; return the change of the squared error.

    e, S (F, F, points), G (F, points) and target_shared (points,) have one axis of space. m, reverse, which is m at -x, and the memory
    opposite and doubled are (F, *grid) with each row stored twice.
    """
    fields, d0, d1, twice = m.shape
    size = twice // 2
    block = max(1, min(d0 * d1, _BLOCK // size))
    first, second, around = np.empty((fields, block * size)), np.empty((fields, block * size)), np.empty((fields, block * size))
    change, shared = np.empty((fields, fields, block * size)), np.empty(block * size)
    linear = square = 0.0
    _move(m, reverse, v, b, 0.5)
    _move(m, reverse, v, a, -0.5)
    back_a, back_b = (-a) % grid, (-b) % grid
    for r in range(0, d0 * d1, block):
        rows = min(block, d0 * d1 - r)
        n, part = rows * size, slice(r * size, (r + rows) * size)
        for i in range(fields):
            _difference(reverse[i], r, rows, back_b, back_a, first[i])  # m(b - r) - m(a - r)
            _difference(m[i], r, rows, b, a, second[i])
            _difference(m[i], r, rows, back_b, back_a, around[i])
        for i in range(fields):
            for j in range(fields):
                more, squares = _change_row(v[i], v[j], first[i, :n], second[j, :n], e[i, j, part], change[i, j, :n])
                linear += more
                square += squares
        shared[:n] = target_shared[part]
        _grow(part, e, S, v, change[:, :, :n], around, shared[:n], first[:, :n], second[:, :n])
        for i in range(fields):
            _store_twice(first[i, :n], opposite[i], r, d1)
            _store_twice(second[i, :n], doubled[i], r, d1)
    _correct(opposite, doubled, v, a, b)
    _move(m, reverse, v, b, 0.5)
    _move(m, reverse, v, a, -0.5)
    for r in range(0, d0 * d1, block):
        rows = min(block, d0 * d1 - r)
        n, part = rows * size, slice(r * size, (r + rows) * size)
        for i in range(fields):
            _difference(opposite[i], r, rows, back_b, back_a, shared)
            _difference(doubled[i], r, rows, b, a, around[i])
            _add_both(weight, shared[:n], around[i, :n], G[i, part])
    return weight * (2.0 * linear + square)


@njit(**OPTIONS)
def _quadratic(v, held, at):
    """Return the sum over i and j of v_i v_j held_ij at a flat index."""
    total = 0.0
    for i in range(v.shape[0]):
        for j in range(v.shape[0]):
            total += v[i] * v[j] * held[i, j, at]
    return total


@njit(**OPTIONS)
def _gain(at, v, sign, G, S, at_twice, typical):
    """Return the part of a point in the change."""
    slope = 0.0
    for i in range(v.shape[0]):
        slope += v[i] * G[i, at]
    return sign * 4.0 * slope + 2.0 * typical * _quadratic(v, S, at_twice[at])


@compiled
def gains(points, v, sign, G, S, at_twice, typical):
    """Return the parts of points in the change; G (F, points) and S (F, F, points) at flat indices."""
    found = np.empty(points.shape[0])
    for n in range(points.shape[0]):
        found[n] = _gain(points[n], v, sign, G, S, at_twice, typical)
    return found


@compiled
def lowest(points, most, labels, phase, v, sign, G, S, at_twice, typical):
    """Return up to so many of the points that belong to a phase, those whose own parts are lowest, in order."""
    found, values, number = np.empty(most, np.int64), np.empty(most), 0
    for n in range(points.shape[0]):
        at = points[n]
        if labels[at] != phase:
            continue
        value = _gain(at, v, sign, G, S, at_twice, typical)
        if number == most and value >= values[number - 1]:
            continue
        place = number if number < most else most - 1  # the highest one makes room
        number = min(number + 1, most)
        while place > 0 and values[place - 1] > value:
            values[place], found[place] = values[place - 1], found[place - 1]
            place -= 1
        values[place], found[place] = value, at
    return found[:number]


@compiled
def changes(a, b, of_a, of_b, v, e, S, target_shared, coordinates, grid, weight, typical):
    """Return the changes (a, b) by exchanges of pairs of points, whose own parts are of_a and of_b."""
    found = np.empty((a.shape[0], b.shape[0]))
    fields = v.shape[0]
    shared_zero, zero = target_shared[0], 4.0 * weight * _quadratic(v, e, 0)
    for i in range(fields):
        shared_zero += e[i, i, 0]
    for x in range(a.shape[0]):
        for y in range(b.shape[0]):
            between = both = 0
            for axis in range(grid.shape[0]):
                from_a, from_b = coordinates[a[x], axis], coordinates[b[y], axis]
                between = between * grid[axis] + (from_b - from_a) % grid[axis]
                both = both * grid[axis] + (from_a + from_b) % grid[axis]
            shared = shared_zero - target_shared[between]
            for i in range(fields):
                shared -= e[i, i, between]
            pair = zero - 4.0 * weight * _quadratic(v, e, between) + typical * (8.0 * shared - 4.0 * _quadratic(v, S, both))
            found[x, y] = pair + of_a[x] + of_b[y]
    return found
