"""Runs of a phase along the last axis, found by where it begins and ends."""

import numpy as np


def run_lengths(x: np.ndarray, *, periodic: bool) -> np.ndarray:
    """Return the lengths of the runs along the last axis of booleans (..., S), but of those that an open border cuts."""
    size = x.shape[-1]
    changes = np.empty(x.shape, dtype=bool)  # whether a point differs from the one before it
    np.not_equal(x[..., 1:], x[..., :-1], out=changes[..., 1:])
    changes[..., 0] = x[..., 0] != x[..., -1] if periodic else False
    at = np.flatnonzero(changes)
    if not len(at):
        return at
    line = at // size
    last = np.append(line[1:] != line[:-1], True)  # of its line
    lengths = np.append(at[1:], 0) - at
    inside = np.take(x, at)  # whether a run of the phase begins here
    if not periodic:
        return lengths[inside & ~last]
    first = at[np.append(0, np.flatnonzero(last[:-1]) + 1)]
    lengths[last] = first + size - at[last]
    return lengths[inside]


def lineal_path_of_runs(x: np.ndarray, lengths: tuple[int, ...], *, periodic: bool) -> np.ndarray:
    """Return the share of the segments of r + 1 points along the last axis of booleans (..., S) that lie in runs, for each length r.

    A run of n points holds n - r of these segments; a full line of a torus holds S of them.
    """
    size = x.shape[-1]
    n_lines = x.size // size
    full = int(x.all(axis=-1).sum()) if periodic else 0
    if not periodic:  # a run ends at an open border
        x = np.concatenate([x, np.zeros((*x.shape[:-1], 1), dtype=bool)], axis=-1)
    runs = np.bincount(run_lengths(x, periodic=True), minlength=size + 1)
    longer = np.cumsum(runs[::-1])[::-1]  # runs of n points or more
    segments = np.cumsum(longer[::-1])[::-1]  # of n points, in all runs
    r = np.array(lengths)
    return (segments[r + 1] + full * size) / (n_lines * (size if periodic else size - r))
