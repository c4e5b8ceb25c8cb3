"""Samples, which are labels, the probability of phase 1 or phase probabilities: their microstructures, and the statistics of these."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from twopoint import correlations, one_hot, pair_counts, radial_average, two_phase

from ...arrays.checks import field, integer, phases_first


def in_shape(X: np.ndarray, shape: Iterable[int] | None, ndim: int) -> np.ndarray:
    """Return samples as (n_samples, *space) or (n_samples, phases, *space); raise for other shapes."""
    if shape is not None:
        shape = _sizes(shape, ndim)
        if X.shape[1:] not in (shape, (math.prod(shape),)):
            raise ValueError(f"X must hold samples of shape={shape}, or flat, {math.prod(shape)} values each, got {X.shape[1:]}")
        X = X.reshape(len(X), *shape)
    if X.ndim not in (ndim + 1, ndim + 2):
        hint = "; pass shape= for flat samples" if X.ndim == 2 else ""
        hint += "; X[None] is one sample" if X.ndim == ndim else ""
        forms = "(n_samples, *space) or (n_samples, phases, *space)"
        raise ValueError(f"X must be {forms} with ndim={ndim} axes of space, got shape {X.shape}{hint}")
    field("X", X, ndim)
    if X.ndim == ndim + 2:
        phases_first("X", X, ndim)
        if X.dtype.kind in "iu":
            volumes = "; ndim=3 takes volumes" if ndim == 2 else ""
            raise TypeError(
                f"X of {X.dtype} and shape {X.shape} would hold phases, (n_samples, phases, *space) with ndim={ndim} axes of space, which "
                f"must be floats or booleans; labels have no axis of phases, and one_hot(labels, n_phases) converts them{volumes}"
            )
    return X


def _sizes(shape: Any, ndim: int) -> tuple[int, ...]:
    """Return the shape of a sample; raise unless it is (*space) or (N, *space)."""
    if not isinstance(shape, Iterable) or len(found := tuple(shape)) not in (ndim, ndim + 1):
        raise ValueError(f"shape must be (*space) or (phases, *space) with ndim={ndim} axes of space, got {shape!r}")
    return tuple(integer("shape", n, 1) for n in found)


_GRAY = 64  # labels from here on are taken for gray values: no material has as many phases


def count_phases(X: np.ndarray, n_phases: int | None, *, ndim: int, implied_phase: bool) -> int:
    """Return the number of phases of samples; raise if n_phases differs from it."""
    if X.ndim == ndim + 2:
        n = X.shape[1] + implied_phase
        if n_phases not in (None, n):
            raise ValueError(f"X of shape {X.shape} holds {n} phases, one implied: {implied_phase}; got n_phases={n_phases!r}")
        return n
    if X.dtype.kind == "f":
        if n_phases not in (None, 2):
            raise ValueError(
                f"X of floats and shape {X.shape} is the probability of phase 1 of two, got n_phases={n_phases!r}; labels are integers, "
                "X.astype(int)"
            )
        return 2
    if implied_phase:
        raise ValueError("implied_phase=True is for probabilities without phase 0, but X of integers holds labels")
    if n_phases is None and X.max() >= _GRAY:
        raise ValueError(f"X of integers holds labels 0 to N-1, got {X.max()}: gray values? Divide by 255, or pass n_phases")
    return max(2, int(X.max()) + 1) if n_phases is None else integer("n_phases", n_phases, 1)


def as_microstructure(X: np.ndarray, n_phases: int, *, ndim: int, implied_phase: bool, dtype: Any) -> np.ndarray:
    """Return the microstructure function of samples, (n_samples, N, *space)."""
    if X.ndim == ndim + 2:
        m = X.astype(dtype, copy=False)
        return m if not implied_phase else np.concatenate([1 - m.sum(axis=1, keepdims=True), m], axis=1)
    if X.dtype.kind == "f":
        return np.asarray(two_phase(X.astype(dtype, copy=False), ndim=ndim))
    return np.asarray(one_hot(X, n_phases, ndim=ndim, dtype=dtype))


def statistics(m: np.ndarray, pairs: Any, mask: np.ndarray | None, **options: Any) -> np.ndarray:
    """Return the centred statistics of microstructures, (n_samples, pairs, *lags)."""
    if isinstance(pairs, str) and pairs == "independent":
        m, pairs = m[:, min(1, m.shape[1] - 1) :], "unique"
    f = correlations(m, mask=mask, pairs=pairs, centered=True, **options)
    return np.reshape(f, (len(m), -1, *f.shape[-options["ndim"] :]))


def in_shells(
    f: np.ndarray, space: tuple[int, ...], mask: np.ndarray | None, spacing: Any, **options: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the radii and the centred statistics averaged over directions, (n_samples, pairs, shells)."""
    uneven = options["boundary"] == "open" or mask is not None  # the lags span different numbers of pairs
    count = pair_counts(np.ones(space) if mask is None else mask, centered=True, **options) if uneven else None
    r, values = radial_average(f, ndim=options["ndim"], centered=True, spacing=spacing, count=count)
    return r, values


def complete(f: np.ndarray, ndim: int) -> np.ndarray:
    """Return the centred statistics of pairs (0, 0), (0, 1), (1, 1) of two periodic phases from those of phase 1, (..., 1, *lags)."""
    middle: tuple[Any, ...] = (..., *(slice(n // 2, n // 2 + 1) for n in f.shape[-ndim:]))
    v = f[middle]
    return np.concatenate([1 - 2 * v + f, v - f, f], axis=-ndim - 1)
