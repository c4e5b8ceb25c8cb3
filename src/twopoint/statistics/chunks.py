"""Chunks of a batch that fit into the cache of the CPU, where pointwise work on a fresh transform costs half as much."""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ..arrays.fft import WORTH_THREADS, one_thread, workers
from ..arrays.frameworks import alone, may_chunk, takes_threads, thread_count
from ..arrays.namespace import on_cpu
from ..arrays.threads import run
from ..arrays.types import Array, Namespace
from .lags import along
from .plan import Pairs, Plan

Part = TypeVar("Part")
Result = TypeVar("Result")

_CACHED = 800_000  # numbers in a chunk: sixteen 224x224 images of one phase; half or twice as many are slower, as measured
_IN_THREAD = 1_000_000  # the same where threads evaluate chunks beside each other
_HELD_IN_THREADS = 1 << 26  # numbers in all chunks that threads evaluate at a time
_WORTH_THREADS = 1 << 18  # numbers in a batch below which threads cost more than they save
_TILE = 1 << 18  # numbers of the statistics of a group of pairs that are assembled and compared at a time
_HELD_PAIRS = 1 << 27  # numbers in all pairs of one member that are held at a time
_HELD = 1 << 28  # the same on an accelerator, where a chunk only bounds the memory


def threads(m: Array, plan: Plan, xp: Namespace) -> int:
    """Return the number of threads in which the chunks of a batch are evaluated at once: at most the number that the library may use.

    There is one where a mode or a derivative would have to follow, and where the arrays of several members would take much memory.
    """
    members, numbers = _sizes(m, plan)
    if members * numbers < _WORTH_THREADS or not may_chunk(m, xp) or not takes_threads(m, xp):
        return 1
    return max(1, min(members, thread_count(xp) or workers(WORTH_THREADS), _HELD_IN_THREADS // numbers))


def ranges(m: Array, plan: Plan, xp: Namespace, number: int = 1) -> list[slice]:
    """Return the chunks of a flat batch, as many for each of a number of threads; one while traced or while a derivative is recorded."""
    members, numbers = _sizes(m, plan)
    if not may_chunk(m, xp):
        return [slice(0, members)]
    each = max(1, (_IN_THREAD if number > 1 else _CACHED if on_cpu(m) else _HELD) // numbers)
    if number > 1:
        each = -(-members // (number * -(-members // (number * each))))
    return _slices(members, each)


def _sizes(m: Array, plan: Plan) -> tuple[int, int]:
    """Return the members of a batch, and the numbers that are transformed for each."""
    return math.prod(m.shape[: -plan.ndim - 1]), math.prod(plan.lags.transform) * (plan.n_phases - plan.derived)


def evaluate(function: Callable[[Part], Result], parts: list[Part], number: int, xp: Namespace) -> list[Result]:
    """Return the results of chunks, evaluated in a number of threads, each of which is the only one at work on its chunk."""
    if number == 1 or len(parts) == 1:
        return [function(part) for part in parts]
    return run(function, parts, number, alone(xp, one_thread))


def pair_by_pair(m: Array, plan: Plan, xp: Namespace) -> bool:
    """Whether there are at least three phases, so large that their pairs are transformed one after the other."""
    if plan.n_phases < 3 or not may_chunk(m, xp):
        return False
    members = math.prod(m.shape[: -plan.ndim - 1])
    return members == 1 and math.prod(plan.lags.stored) * len(plan.pairs) > _HELD_PAIRS


class Tile(NamedTuple):
    """A part of a chunk, small enough that its lags are compared in the fastest cache: some members of its batch, or some rows of lags."""

    members: slice | None
    rows: slice | None
    number: int  # of all rows
    ndim: int

    def cut(self, x: Array, n_axes: int) -> Array:
        """Cut the tile out of an array; n_axes counts the axes that are not batch, and the rows precede the last ndim - 1."""
        if self.members is not None:
            return x[self.members, ...] if len(x.shape) > n_axes else x
        if self.rows is None or n_axes <= self.ndim or x.shape[-self.ndim] != self.number:
            return x
        return along(x, -self.ndim, self.rows.start, self.rows.stop)


def groups(m: Array, plan: Plan) -> list[Pairs]:
    """Return the groups of half_pairs that are compared one after the other: single pairs on a CPU, all together on an accelerator.

    On a CPU the statistics of a single pair stay in the cache. On an accelerator few operations matter.
    """
    if (plan.derived and not plan.shared) or not on_cpu(m):
        return [plan.half_pairs]
    return [(pair,) for pair in plan.half_pairs]


def tiles(m: Array, plan: Plan, pairs: int, xp: Namespace) -> list[Tile]:
    """Return the tiles of a chunk, in which so many pairs are compared at a time; a single one on an accelerator."""
    whole = [Tile(None, None, plan.lags.rows, plan.ndim)]
    if not may_chunk(m, xp) or not on_cpu(m):
        return whole
    batch, row = m.shape[: -plan.ndim - 1], math.prod(plan.lags.stored[1:]) * pairs
    each = max(1, _TILE // (row * plan.lags.rows))
    members = math.prod(batch)
    if members > 1:
        if len(batch) > 1 or each >= members:
            return whole
        return [Tile(part, None, plan.lags.rows, plan.ndim) for part in _slices(members, each)]
    some = max(1, _TILE // row)
    if some >= plan.lags.rows or plan.cumulative:  # a box of lags has many rows
        return whole
    return [Tile(None, part, plan.lags.rows, plan.ndim) for part in _slices(plan.lags.rows, some)]


def _slices(number: int, each: int) -> list[slice]:
    """Return slices of up to this many entries each."""
    return [slice(start, min(start + each, number)) for start in range(0, number, each)]


def cutter(batch: tuple[int, ...], part: slice, xp: Namespace) -> Callable[[Array | None, int], Array | None]:
    """Return a function that cuts a chunk out of an array, unless it has no batch; n_axes counts the axes that are not batch."""

    def cut(x: Array | None, n_axes: int) -> Array | None:
        return x if x is None or len(x.shape) == n_axes else xp.reshape(x, (-1, *x.shape[len(batch) :]))[part, ...]

    return cut


def join(chunks: list[Array], batch: tuple[int, ...], xp: Namespace) -> Array:
    """Join the results of chunks along the batch."""
    if len(chunks) == 1:
        return chunks[0]
    whole = xp.concat(chunks, axis=0)
    return xp.reshape(whole, (*batch, *whole.shape[1:]))
