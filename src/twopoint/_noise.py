"""Where a reconstruction begins: soft phases from noise."""

import numpy as np
import scipy.fft

from .statistics import TargetStatistics

_CONTRAST = 0.1  # of the start, in standard deviations of a phase: faint, so that the loss and not the noise decides where phases form
_LEAST = 0.01  # share of every phase at the start: at 0 the gradient by the phases' roots vanishes


def noise(statistics: TargetStatistics, fractions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return soft phases (N, *space): volume fractions plus noise that is filtered to have the target's autocorrelations."""
    space = statistics.shape
    axes = tuple(range(-len(space), 0))
    column = (slice(None),) + (None,) * len(space)
    power = np.clip(scipy.fft.rfftn(_covariances(statistics), axes=axes).real, 0.0, None)
    white = rng.standard_normal((len(fractions), *space))
    white -= white.mean(axis=0)  # phases compete: where one statistic rules, equal noise in all would cancel to gray, a saddle
    filtered = scipy.fft.irfftn(np.sqrt(power) * scipy.fft.rfftn(white, axes=axes), s=space, axes=axes)
    deviation = filtered.std(axis=axes)
    filtered = filtered / np.where(deviation > 0, deviation, 1.0)[column]
    return soften(fractions[column] + _CONTRAST * np.sqrt(np.clip(fractions * (1 - fractions), 0.0, None))[column] * filtered)


def soften(m: np.ndarray) -> np.ndarray:
    """Return phases (N, *space) that sum to one, none of them so near 0 that it could not come back."""
    m = np.clip(m, _LEAST, None)
    return m / m.sum(axis=0)


def _covariances(statistics: TargetStatistics) -> np.ndarray:
    """Return each phase's autocovariance (N, *space) in FFT order on a periodic grid; 0 at lags that are not known."""
    f, v = statistics.correlations, statistics.volume_fractions
    space, lags = statistics.shape, f.shape[2:]
    known, at = [], []
    for size, n in zip(space, lags, strict=True):
        r = np.arange(n) - n // 2 if statistics.crop is not None else (np.arange(n) + (n - 1) // 2) % n - (n - 1) // 2
        near = np.flatnonzero(2 * np.abs(r) <= size)
        known.append(near)
        at.append(r[near] % size)
    covariances = np.zeros((len(v), *space))
    for h, own in enumerate(covariances):
        own[np.ix_(*at)] = f[h, h][np.ix_(*known)] - v[h] ** 2
    return covariances
