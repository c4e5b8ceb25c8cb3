"""Pixel exchange: points of two phases are exchanged to lower the squared error of the statistics."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from ..statistics.target import TargetStatistics
from .compiled_increments import increments
from .described import Described, DescribedIncrements, with_descriptors
from .increments import Increments

Report: TypeAlias = Callable[[int, float], None]  # number of steps, relative error of the statistics

_POOL = 96  # candidates of each phase for the next exchanges
_CANDIDATES = 24  # candidates whose pairs are evaluated
_RENEW = 12  # steps after which the pools are chosen again
_REFRESH = 2000  # steps after which everything is computed again, because rounding errors accumulate
_TABU = 10  # minimum number of steps for which a moved point rests; up to as many random steps are added
_PATIENCE = 5000  # steps without a lower error after which the walk ends
_DONE = 1e-7  # relative error at which the walk ends, because its square is of the order of rounding


def exchange(
    labels: np.ndarray,
    statistics: TargetStatistics,
    *,
    most: int,
    rng: np.random.Generator,
    report: Report | None = None,
    descriptors: Sequence[Described] = (),
) -> np.ndarray:
    """Return labels with a lower squared error of the statistics and the same number of points of each phase.

    With descriptors the error is the root of the sum of the squares of all relative errors, of the statistics and of each descriptor.

    Each step makes the best exchange that is not tabu, even if the error rises, so that the walk leaves local minima; the best labels
    of the walk are returned. Under an open boundary, a mask or a crop only exchanges that lower the error are made. The walk ends early
    if no exchange is left, or after 5000 steps without a lower error.

    Parameters
    ----------
    labels : int array (*space)
        Labels 0..N-1.
    statistics : TargetStatistics of numpy arrays, without a batch
        The target, with statistics of all pairs.
    most : int
        Maximum number of steps.
    rng : numpy.random.Generator
        Source of the random number of steps for which a point rests.
    report : function (steps, error), optional
        Called after every step with the lowest relative error so far.
    descriptors : list of (descriptor, options), optional
        Descriptors that the statistics hold, with all their options.

    Returns
    -------
    int array (*space)

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> from twopoint.reconstruction.exchange import exchange
    >>> stripes = np.arange(64).reshape(8, 8) % 4 // 2
    >>> rough = stripes.copy()
    >>> rough[0, 1:3] = rough[0, 2:0:-1]
    >>> found = exchange(rough, tp.target_statistics(tp.two_phase(stripes)), most=20, rng=np.random.default_rng(0))
    >>> bool((found == stripes).all())
    True
    """
    if not most:
        return labels
    state = with_descriptors(increments(labels, statistics), statistics, descriptors)
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
    """The walk, whose steps make the best exchange among pools of promising points; points rest after an exchange."""

    def __init__(self, state: Increments | DescribedIncrements, rng: np.random.Generator) -> None:
        self.state, self.rng = state, rng
        self.made: list[tuple[int, int]] = []  # exchanges, in order
        self.steps = 0
        self.rests = np.zeros(state.labels.size, dtype=np.int64)  # the step until which each point rests
        self.pools: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def step(self) -> bool:
        """Make one exchange, or let its two points rest if it does not lower the error; return whether there was an exchange to try."""
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
        """Choose the most promising points of every two phases."""
        state = self.state
        free = state.point_mask & (self.rests <= self.steps)
        members = [np.flatnonzero(free & (state.labels == phase)) for phase in range(state.n_phases)]
        for p, ours in enumerate(members):
            for q, theirs in list(enumerate(members))[p + 1 :]:
                self.pools[p, q] = (self._promising(ours, p, q, -1, _POOL), self._promising(theirs, p, q, 1, _POOL))

    def _promising(self, points: np.ndarray, p: int, q: int, sign: int, most: int) -> np.ndarray:
        """Return the points that may move and whose own part of the change is lowest; those of p are subtracted, sign -1."""
        free = points[self.rests[points] <= self.steps]
        return self.state.promising(free, p, q, sign, most)

    def _best(self, p: int, q: int) -> tuple[float, int, int] | None:
        """Return the change of the best exchange between the pools of two phases, and its points."""
        ours, theirs = (self._promising(pool, p, q, sign, _CANDIDATES) for pool, sign in zip(self.pools[p, q], (-1, 1), strict=True))
        if not (len(ours) and len(theirs)):
            return None
        changes = self.state.changes(ours, theirs, p, q)
        at = int(changes.argmin())
        a, b = divmod(at, len(theirs))
        return float(changes[a, b]), int(ours[a]), int(theirs[b])
