"""The definitions by direct summation in float64: no FFT, no array API, nothing of the package."""

from functools import lru_cache
from itertools import product

import numpy as np

MODES = {
    "periodic": {},
    "open": {"boundary": "open"},
    "masked": {"mask": True},
    "masked_open": {"mask": True, "boundary": "open"},
}


def close(got, want, tolerance: float, what: str = "") -> None:
    """Assert max |difference| / max |reference| <= tolerance, with equal shapes and finite numbers."""
    got, want = np.asarray(got, float), np.asarray(want, float)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, wanted {want.shape}"
    assert np.isfinite(got).all(), f"{what}: not finite"
    scale = max(np.abs(want).max(initial=0), 1e-300)
    error = np.abs(got - want).max(initial=0) / scale
    assert error <= tolerance, f"{what}: relative error {error:.1e} > {tolerance:.0e}"


def lag_vectors(space, boundary, crop=None):
    """Return for each axis the lags a user sees, in FFT order, or centred if cropped."""
    axes = []
    for i, s in enumerate(space):
        total = 2 * s - 1 if boundary == "open" else s
        if crop is None:
            axes.append([r if r <= (total - 1) // 2 else r - total for r in range(total)])
        else:
            n = crop if isinstance(crop, int) else crop[i]
            axes.append([r - n // 2 for r in range(n)])
    return axes


def pair_sum(a, b, r, boundary):
    """Return the sum over x of a(x) b(x+r)."""
    if boundary == "periodic":
        return np.sum(a * np.roll(b, [-i for i in r], axis=tuple(range(a.ndim))))
    here = tuple(slice(max(0, -i), max(0, min(s, s - i))) for i, s in zip(r, a.shape, strict=True))
    there = tuple(slice(max(0, i), max(0, min(s, s + i))) for i, s in zip(r, a.shape, strict=True))
    return np.sum(a[here] * b[there])


def box_means(f, count, axes):
    """Return the means of f (..., *lags) over the box of lags from 0 to each lag, weighed by the number of pairs, and the pairs in it."""
    means, pairs, over = np.zeros_like(f), np.zeros_like(count), tuple(range(-count.ndim, 0))
    for at in product(*(range(n) for n in count.shape)):
        sides = [[axis.index(x) for x in range(min(0, axis[i]), max(0, axis[i]) + 1)] for axis, i in zip(axes, at, strict=True)]
        box = np.ix_(*sides)
        pairs[at] = count[box].sum()
        means[(..., *at)] = (count[box] * f[(..., *box)]).sum(over) / (pairs[at] or 1.0)
    return means, pairs


@lru_cache(maxsize=32)
def partners(space, lags, boundary):
    """Return the flat index of x + r for each lag r and point x (lags, points): that after the last point where x + r lies outside."""
    y = np.indices(space).reshape(len(space), 1, -1) + np.transpose(lags)[:, :, None]
    sizes = np.reshape(space, (-1, 1, 1))
    flat = np.ravel_multi_index(tuple(y % sizes), space)
    return flat if boundary == "periodic" else np.where(((y >= 0) & (y < sizes)).all(axis=0), flat, np.prod(space))


def pair_sums(fields, lags, boundary):
    """Return the sums over x of a(x) b(x+r), (fields a, fields b, lags), of fields (N, *space): pair_sum of all pairs and lags."""
    n, space = len(fields), fields.shape[1:]
    a = fields.reshape(n, -1)
    b, sums = np.concatenate([a, np.zeros((n, 1))], axis=1), np.zeros((n, n, len(lags)))
    some = max(1, 2**18 // a.size)  # lags at a time
    for begin in range(0, len(lags), some):
        at = partners(space, tuple(lags[begin : begin + some]), boundary)
        sums[:, :, begin : begin + some] = np.swapaxes(b[:, at] @ a.T, 1, 2).swapaxes(0, 1)
    return sums


_KNOWN = {}  # the statistics of a target are those of all its predictions, and of all libraries


def statistics(m, *, boundary="periodic", mask=None, crop=None, implied_phase=False, cumulative=False):
    """Return f (N, N, *lags) and the number of pairs (*lags) of one microstructure (N, *space), eq. (1), weighed by confidences."""
    m = np.asarray(m, float)
    if implied_phase:
        m = np.concatenate([1 - m.sum(0, keepdims=True), m])
    c = np.ones(m.shape[1:]) if mask is None else np.asarray(mask, float)
    m = c * np.where(c > 0, m, 0.0)
    axes = lag_vectors(m.shape[1:], boundary, crop)
    key = m.shape, m.tobytes(), c.tobytes(), boundary, str(axes), cumulative
    if key not in _KNOWN:
        if len(_KNOWN) == 256:
            _KNOWN.clear()
        shape = tuple(len(axis) for axis in axes)
        sums = pair_sums(np.concatenate([m, c[None]]), list(product(*axes)), boundary)
        count = sums[-1, -1].reshape(shape)
        f = sums[:-1, :-1].reshape(len(m), len(m), *shape) / np.where(count == 0, 1.0, count)
        _KNOWN[key] = box_means(f, count, axes) if cumulative else (f, count)
    return tuple(x.copy() for x in _KNOWN[key])


def floored_log(f, floor):
    """Return log f, below the floor its tangent."""
    return np.where(f > floor, np.log(np.maximum(f, floor)), np.log(floor) + f / floor - 1)


def loss(name, p, t, *, pairs="all", lag_reduction="mean", floor=1e-6, excess=False, alpha=None, **options):
    """Return msess, cess or mse_cess of one prediction and target (N, *space), eqs. (7), (8), (10)."""
    f, count = statistics(p, **options)
    g, _ = statistics(t, **options)
    n = len(f)
    if pairs == "all":
        pairs = list(product(range(n), repeat=2))
    elif pairs == "unique":
        pairs = [(h, k) for h in range(n) for k in range(h, n)]
    rows, seen = tuple(np.transpose(pairs)), count != 0
    a, b = f[rows][:, seen], g[rows][:, seen]
    each = (a - b) ** 2 if name == "msess" else -b * (floored_log(a, floor) - (floored_log(b, floor) if excess else 0))
    total = np.sum(each)
    lags = np.count_nonzero(seen)
    value = total / max(lags, 1) if lag_reduction == "mean" else total
    return value + (alpha * pixel_error(p, t, options) if name == "mse_cess" else 0.0)


def pixel_error(p, t, options):
    """Return the mean over the points inside the mask, weighed by confidences, and all phases of squared differences."""
    d = np.asarray(p, float) - np.asarray(t, float)
    if options.get("implied_phase"):
        d = np.concatenate([-d.sum(0, keepdims=True), d])
    mask = options.get("mask")
    c = np.ones(d.shape[1:]) if mask is None else np.asarray(mask, float)
    points = c[c > 0] * d[:, c > 0] ** 2
    return np.sum(points) / (len(d) * np.sum(c)) if points.size else 0.0


def clamp(m, sigma, *, mask=None, implied_phase=False):
    """Return clamp of one microstructure (N, *space), eq. (9) for N phases, point by point, times the confidence of each point."""
    m = np.asarray(m, float)
    if implied_phase:
        m = np.concatenate([1 - m.sum(0, keepdims=True), m])
    total = 0.0
    for at in product(*(range(s) for s in m.shape[1:])):
        if mask is not None and not mask[at]:
            continue
        point = m[(slice(None), *at)]
        squares = np.array([np.sum((point - e) ** 2) for e in np.eye(len(point))]) / (4 * sigma)
        value = squares.min() - np.log(np.sum(np.exp(squares.min() - squares)))
        total += value if mask is None else mask[at] * value
    return total


def gram(features):
    """Return the Gram matrix of features (C, *space)."""
    return np.array([[np.sum(a * b) for b in features] for a in features])


def style_loss(p, t, weights=None):
    """Return style_loss of lists of features (C, *space), eq. (2) of Sardeshmukh et al."""
    total = 0.0
    for a, b, w in zip(p, t, weights or [1.0] * len(p), strict=True):
        c, n = len(a), a[0].size
        total += w / (4 * c**2 * n**2) * np.sum((gram(a) - gram(b)) ** 2)
    return total


def slope(function, x, d, step=1e-3):
    """Return the derivative of a scalar function along d by five-point central differences."""
    a, b, c, e = (float(function(x + offset * step * d)) for offset in (-2, -1, 1, 2))
    return (a - 8 * b + 8 * c - e) / (12 * step)


def gradient(function, x, step=1e-3):
    """Return the gradient of a scalar function by five-point central differences."""
    x = np.array(x, float)
    out = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        d = np.zeros_like(x)
        d[at] = 1.0
        out[at] = slope(function, x, d, step)
    return out


def radial_average(f, *, centered=False, spacing=1.0, count=None):
    """Return radii and shell means of f (*lags), lag by lag."""
    steps = [spacing] * f.ndim if np.isscalar(spacing) else list(spacing)
    width = min(steps)
    weight = np.ones(f.shape) if count is None else count
    last = int(min(n // 2 * s for n, s in zip(f.shape, steps, strict=True)) / width + 1e-9)
    sums, weights = np.zeros(last + 1), np.zeros(last + 1)
    for at in np.ndindex(f.shape):
        r = [i - n // 2 if centered else ((i + n // 2) % n) - n // 2 for i, n in zip(at, f.shape, strict=True)]
        shell = int(np.floor(np.sqrt(sum((a * s / width) ** 2 for a, s in zip(r, steps, strict=True))) + 0.5))
        if shell <= last:
            sums[shell] += weight[at] * f[at]
            weights[shell] += weight[at]
    return width * np.arange(last + 1), np.where(weights > 0, sums / np.maximum(weights, 1e-300), 0.0)


def power_spectrum(x):
    """Return |sum over y of x(y) exp(-2 pi i q y / S)|^2 / |space| of one field, frequency by frequency."""
    grid = np.stack(np.indices(x.shape), -1).reshape(-1, x.ndim)
    out = np.zeros(x.shape)
    for q in np.ndindex(x.shape):
        phase = np.exp(-2j * np.pi * (grid / x.shape @ np.array(q)))
        out[q] = np.abs(np.sum(x.ravel() * phase)) ** 2 / x.size
    return out
