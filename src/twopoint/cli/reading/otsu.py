"""Otsu's method, exact: thresholds that maximise the variance between phases over all gray levels, without bins."""

import numpy as np

from .gray import GrayLevels, threshold_after

_CHUNK = 1 << 16  # levels that are searched at a time
_GROUPS = 1 << 15  # groups of levels for several thresholds, if there are more levels than twice as many
_STEPS = 10  # of the refinement of several thresholds; three suffice for 25 million levels


def otsu(levels: GrayLevels, phases: int) -> tuple[float, ...]:
    """Return the thresholds between phases that maximise the variance between them.

    The variance is that of the phases' mean gray values, weighted by their volume fractions. One threshold is exact for any number of
    levels, and so are several for up to 65536 levels. More levels are grouped first, and the groups beside each threshold are then divided.

    Parameters
    ----------
    levels : GrayLevels
        At least as many distinct levels as phases.
    phases : int
        Number of phases, 2 or more.

    Returns
    -------
    tuple of float
        In ascending order; a value above a threshold belongs to the next phase. A threshold is the brightest level of the darker phase
        for integers, and in the middle between this and the next level for floats.

    References
    ----------
    N. Otsu, A threshold selection method from gray-level histograms, IEEE Trans. Syst. Man Cybern. 9 (1979) 62.
    """
    if phases == 2:
        return (threshold_after(levels.values, _best_cut(levels)),)
    if len(levels.values) <= 2 * _GROUPS:
        return tuple(threshold_after(levels.values, cut) for cut in _best_cuts(_centred(levels), levels.counts, phases))
    return tuple(threshold_after(levels.values, cut) for cut in _refined_cuts(levels, phases))


def _centred(levels: GrayLevels) -> np.ndarray:
    """Return the levels as float64 without their mean, so that sums keep their precision."""
    values = levels.values.astype(np.float64) - float(levels.values[0])
    return values - np.average(values, weights=levels.counts)


def _best_cut(levels: GrayLevels) -> int:
    """Return the index of the last level of the darker of two phases, from sums over chunks of levels."""
    values, counts = levels.values, levels.counts
    single = levels.n_points == len(counts)  # one point at each level
    chunks = [slice(begin, min(begin + _CHUNK, len(values))) for begin in range(0, len(values), _CHUNK)]

    def weighted(chunk: slice, centre: float) -> np.ndarray:
        deviations = values[chunk].astype(np.float64) - centre
        return deviations if single else deviations * counts[chunk]

    first = float(values[0])
    mean = first + sum(float(weighted(chunk, first).sum()) for chunk in chunks) / levels.n_points
    best, cut, below, moment = -1.0, 0, 0, 0.0
    for chunk in chunks:
        n, s = below + np.cumsum(counts[chunk]), moment + np.cumsum(weighted(chunk, mean))
        below, moment = int(n[-1]), float(s[-1])
        following = values[chunk.start + 1 : chunk.stop + 1]
        k = len(following)  # the last level of all cannot be a cut
        n, s = n[:k].astype(np.float64), s[:k]
        variance = np.where(values[chunk][:k] < following, s * s / (n * (levels.n_points - n)), -1.0)
        if k and variance.max() > best:
            best, cut = float(variance.max()), chunk.start + int(variance.argmax())
    return cut


def _best_cuts(values: np.ndarray, counts: np.ndarray, phases: int) -> list[int]:
    """Return the index of the last level of each phase but the brightest, by dynamic programming over phases.

    With sums n and s of counts and of values up to a level, the best k phases up to level i maximise the best k - 1 phases up to level m
    plus (s_i - s_m)^2 / (n_i - n_m). The best m ascends with i, so that a search for every second i bounds the search for the others.
    """
    n = np.append(0.0, np.cumsum(counts, dtype=np.float64))
    s = np.append(0.0, np.cumsum(values * counts))
    best = np.full(len(n), -np.inf)
    best[0] = 0.0
    splits = []
    for phase in range(1, phases + 1):
        ends = np.arange(phase, len(n)) if phase < phases else np.array([len(n) - 1])
        split = np.zeros(len(n), dtype=np.int64)
        split[ends] = _best_splits(best, n, s, ends, phase - 1)
        following = np.full(len(n), -np.inf)
        m = split[ends]
        following[ends] = best[m] + (s[ends] - s[m]) ** 2 / (n[ends] - n[m])
        best = following
        splits.append(split)
    cuts, end = [], len(n) - 1
    for split in reversed(splits[1:]):
        end = int(split[end])
        cuts.append(end - 1)
    return cuts[::-1]


def _best_splits(best: np.ndarray, n: np.ndarray, s: np.ndarray, ends: np.ndarray, least: int) -> np.ndarray:
    """Return for each end the last level of the phases before it; ends are consecutive, and the splits lie at ``least`` or above."""
    found = np.full(len(ends), -1)
    step = 1 << max(len(ends) - 1, 1).bit_length()
    while step:
        at = np.arange(step - 1, len(ends), 2 * step)
        if len(at):
            before, after = at - step, at + step
            low = np.where(before >= 0, found[np.maximum(before, 0)], least)
            high = np.where(after < len(ends), found[np.minimum(after, len(ends) - 1)], len(n))
            high = np.minimum(np.where(high < 0, len(n), high), ends[at] - 1)
            found[at] = _best_in_ranges(best, n, s, ends[at], np.maximum(low, least), high)
        step //= 2
    return found


def _best_in_ranges(best: np.ndarray, n: np.ndarray, s: np.ndarray, ends: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return for each end the best split between low and high, both included."""
    sizes = high - low + 1
    begins = np.cumsum(sizes) - sizes
    m = np.arange(int(sizes.sum())) + np.repeat(low - begins, sizes)
    i = np.repeat(ends, sizes)
    variance = best[m] + (s[i] - s[m]) ** 2 / (n[i] - n[m])
    top = np.repeat(np.maximum.reduceat(variance, begins), sizes)
    hits = np.flatnonzero(variance == top)
    return m[hits[np.searchsorted(hits, begins)]]


def _refined_cuts(levels: GrayLevels, phases: int) -> list[int]:
    """Return cuts between groups of equal width, refined by smaller groups beside each cut until these are single levels."""
    values = _centred(levels)
    edges = np.linspace(values[0], values[-1], _GROUPS + 1)[1:-1]
    coarse = np.unique(np.append(0, np.searchsorted(values, edges)))
    first = coarse = coarse[coarse < len(values)]
    cuts: list[int] = []
    for _ in range(_STEPS):
        counts = np.add.reduceat(levels.counts, first)
        means = np.add.reduceat(values * levels.counts, first) / counts
        groups = np.array(_best_cuts(means, counts, phases)) + 1
        begins = first[groups].tolist()  # of the brighter phase at each cut
        if begins == cuts:
            break
        cuts = begins
        around = [(int(first[max(at - 2, 0)]), int(first[min(at + 2, len(first) - 1)])) for at in groups.tolist()]
        finer = [np.linspace(low, high, min(high - low, _GROUPS // phases) + 1).astype(np.int64) for low, high in around]
        first = np.unique(np.concatenate([coarse, *finer]))
    return [begin - 1 for begin in cuts]
