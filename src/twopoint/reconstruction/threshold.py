"""Threshold of soft phases to labels with the target volume fractions."""

import numpy as np
from jaxtyping import Bool, Float, Int


def threshold(
    field: Float[np.ndarray, "phases *space"], fractions: Float[np.ndarray, " phases"], mask: Bool[np.ndarray, "*space"] | None = None
) -> Int[np.ndarray, "*space"]:
    """Give every point its most probable phase, then relabel points with the least loss of probability to meet the volume fractions.

    Parameters
    ----------
    field : array (N, *space)
        Soft phases.
    fractions : array (N,)
        Target volume fractions.
    mask : bool array (*space), optional
        The points to which the volume fractions apply.

    Returns
    -------
    int64 array (*space)
        Labels 0..N-1.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> from twopoint.reconstruction.threshold import threshold
    >>> threshold(tp.two_phase(np.array([0.1, 0.2, 0.4, 0.3]), ndim=1), np.array([0.75, 0.25]))
    array([0, 0, 1, 0])
    """
    flat = np.reshape(field, (field.shape[0], -1))
    labels = np.argmax(flat, axis=0)
    point_mask = np.ones(labels.shape, dtype=bool) if mask is None else np.reshape(mask, -1)
    counts = _counts(fractions, int(point_mask.sum()))
    surplus = np.bincount(labels[point_mask], minlength=len(counts)) - counts
    moves = [(h, k) for h in np.flatnonzero(surplus > 0) for k in np.flatnonzero(surplus < 0)]
    points = [np.flatnonzero(point_mask & (labels == h)) for h, _ in moves]
    order = np.argsort(np.concatenate([flat[h, p] - flat[k, p] for (h, k), p in zip(moves, points, strict=True)] or [[]]), kind="stable")
    where = np.concatenate(points or [np.empty(0, dtype=int)])[order]
    which = np.repeat(np.arange(len(moves)), [len(p) for p in points])[order]
    for point, move in zip(where, which, strict=True):
        h, k = moves[move]
        if labels[point] == h and surplus[h] > 0 and surplus[k] < 0:
            labels[point] = k
            surplus[h] -= 1
            surplus[k] += 1
    return np.reshape(labels, field.shape[1:])


def _counts(fractions: np.ndarray, points: int) -> np.ndarray:
    """Return whole numbers of points that sum to the total, each within one of its share, by largest remainders."""
    shares = np.clip(fractions, 0.0, None)
    shares = shares / max(float(shares.sum()), np.finfo(float).tiny) * points
    counts = np.floor(shares + 1e-9).astype(np.int64)  # a share of 3 - 1e-13 counts as 3
    counts[np.argsort(counts - shares, kind="stable")[: points - int(counts.sum())]] += 1
    return counts
