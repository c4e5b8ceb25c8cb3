"""Pixel exchange: points of two phases change places while the squared error of the statistics, kept up to date, falls."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ._increments import Increments
from .statistics import TargetStatistics

Report: TypeAlias = Callable[[int, float], None]  # steps made, relative error of the statistics

_POOL = 96  # points of each phase that may be exchanged next
_CANDIDATES = 24  # of these, the ones whose pairs are looked at
_RENEW = 12  # steps after which the pools are chosen anew
_REFRESH = 2000  # steps after which all is computed anew: rounding adds up
_TABU = 10  # a point that was moved rests for so many steps, and up to as many more by chance
_PATIENCE = 5000  # steps without lower error after which the walk ends
_DONE = 1e-7  # relative error at which nothing is left to do: the square of it is rounding


def exchange(
    labels: np.ndarray, statistics: TargetStatistics, *, most: int, rng: np.random.Generator, report: Report | None = None
) -> np.ndarray:
    """Return labels of a lower squared error of the statistics, with as many points of every phase.

    Each step makes the best exchange that is not tabu, be it for the worse, so that the walk leaves local minima; the best labels of
    the walk are returned. Under an open boundary, a mask or a crop only exchanges that lower the error are made. The walk ends early
    where nothing is left to do, or where 5000 steps brought nothing.

    Parameters
    ----------
    labels : int array (*space)
        Labels 0..N-1.
    statistics : TargetStatistics of numpy arrays, without a batch
        The wanted statistics of all pairs.
    most : int
        The most steps.
    rng : numpy.random.Generator
        Of the time that a point rests.
    report : function (steps, error), optional
        Called after every step with the least relative error so far.

    Returns
    -------
    int array (*space)

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> from twopoint._exchange import exchange
    >>> stripes = np.arange(64).reshape(8, 8) % 4 // 2
    >>> rough = stripes.copy()
    >>> rough[0, 1:3] = rough[0, 2:0:-1]
    >>> found = exchange(rough, tp.target_statistics(tp.two_phase(stripes)), most=20, rng=np.random.default_rng(0))
    >>> bool((found == stripes).all())
    True
    """
    if not most:
        return labels
    state = Increments(labels, statistics)
    walk = _Walk(state, rng)
    best, length, since = state.error, 0, 0
    for done in range(1, most + 1):
        if best <= _DONE or done - since > _PATIENCE or not walk.step():
            break
        if state.error < best:
            best, length, since = state.error, len(walk.made), done
        if report is not None:
            report(done, best)
    if report is not None:
        report(most, best)
    for a, b in reversed(walk.made[length:]):
        state.labels[[a, b]] = state.labels[[b, a]]
    return state.labels.reshape(labels.shape)


class _Walk:
    """Steps of the walk: the best exchange among pools of promising points, which rest after they were moved."""

    def __init__(self, state: Increments, rng: np.random.Generator) -> None:
        self.state, self.rng = state, rng
        self.made: list[tuple[int, int]] = []  # exchanges, in order
        self.steps = 0
        self.rests = np.zeros(state.labels.size, dtype=np.int64)  # until which step a point rests
        self.pools: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def step(self) -> bool:
        """Make one exchange, or let two points rest that promised more than they held; return whether there was one to try."""
        if self.steps % _REFRESH == _REFRESH - 1:
            self.state.refresh()
        if self.steps % _RENEW == 0:
            self._renew()
        offers = [offer for couple in self.pools if (offer := self._best(*couple)) is not None]
        if not offers:
            self._renew()
            offers = [offer for couple in self.pools if (offer := self._best(*couple)) is not None]
        self.steps += 1
        if not offers:
            return False
        _, a, b = min(offers)
        if self.state.swap(a, b):
            self.made.append((a, b))
        self.rests[[a, b]] = self.steps + _TABU + self.rng.integers(_TABU + 1, size=2)
        return True

    def _renew(self) -> None:
        """Choose the points of every two phases that promise most."""
        state = self.state
        free = state.counting & (self.rests <= self.steps)
        members = [np.flatnonzero(free & (state.labels == phase)) for phase in range(state.basis.shape[1])]
        for p, ours in enumerate(members):
            for q, theirs in list(enumerate(members))[p + 1 :]:
                self.pools[p, q] = (self._promising(ours, p, q, -1, _POOL), self._promising(theirs, p, q, 1, _POOL))

    def _promising(self, points: np.ndarray, p: int, q: int, sign: int, n: int) -> np.ndarray:
        """Return the n points whose own part of the change is least."""
        if len(points) <= n:
            return points
        gains = self.state.gains(points, self.state.basis[:, p] - self.state.basis[:, q], sign)
        return points[np.argpartition(gains, n - 1)[:n]]

    def _best(self, p: int, q: int) -> tuple[float, int, int] | None:
        """Return the change of the best exchange between the pools of two phases, and its points."""
        state = self.state
        ours, theirs = (
            pool[(state.labels[pool] == phase) & (self.rests[pool] <= self.steps)]
            for pool, phase in zip(self.pools[p, q], (p, q), strict=True)
        )
        ours, theirs = self._promising(ours, p, q, -1, _CANDIDATES), self._promising(theirs, p, q, 1, _CANDIDATES)
        if not (len(ours) and len(theirs)):
            return None
        changes = state.changes(ours, theirs, p, q)
        a, b = np.unravel_index(np.argmin(changes), changes.shape)
        return float(changes[a, b]), int(ours[a]), int(theirs[b])
