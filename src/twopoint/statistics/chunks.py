"""Chunks of a batch that fit into the cache of the CPU, where pointwise work on a fresh transform costs half as much."""

import math
from collections.abc import Callable

from ..arrays.frameworks import may_chunk
from ..arrays.namespace import on_cpu
from ..arrays.types import Array, Namespace
from .lags import along
from .plan import Plan

_CACHED = 800_000  # numbers in a chunk: sixteen 224x224 images of one phase; half or twice as many are slower, as measured
_CACHED_ROWS = 1 << 17  # numbers of the statistics of one pair that are assembled and compared at a time
_HELD_PAIRS = 1 << 27  # numbers in all pairs of one member that are held at a time
_HELD = 1 << 28  # the same on an accelerator, where a chunk only bounds the memory


def ranges(prediction: Array, plan: Plan, xp: Namespace) -> list[slice]:
    """Return the chunks of a flat batch; a single one while a program is traced or a derivative is recorded."""
    members = math.prod(prediction.shape[: -plan.ndim - 1])
    if not may_chunk(prediction, xp):
        return [slice(0, members)]
    numbers = math.prod(plan.lags.transform) * (plan.n_phases - plan.derived)
    each = max(1, (_CACHED if on_cpu(prediction) else _HELD) // numbers)
    return [slice(start, min(start + each, members)) for start in range(0, members, each)]


def pair_by_pair(m: Array, plan: Plan, xp: Namespace) -> bool:
    """Whether there are at least three phases, so large that their pairs are transformed one after the other."""
    if plan.n_phases < 3 or not may_chunk(m, xp):
        return False
    members = math.prod(m.shape[: -plan.ndim - 1])
    return members == 1 and math.prod(plan.lags.stored) * len(plan.pairs) > _HELD_PAIRS


def rows(m: Array, plan: Plan, xp: Namespace) -> list[tuple[int, Callable[[Array], Array]]]:
    """Return the chunks of the rows of lags, if there are several: the first row, and a function that cuts the rows out of an array."""
    first, number = -plan.ndim, plan.lags.rows
    alone = math.prod(m.shape[: first - 1]) == 1  # a batch is a chunk already, and its rows are not contiguous
    each = max(1, _CACHED_ROWS // math.prod(plan.lags.stored[1:]))
    if not may_chunk(m, xp) or not on_cpu(m) or not alone or each >= number:
        return []

    def cut(start: int) -> Callable[[Array], Array]:
        return lambda x: along(x, first, start, start + each) if x.shape[first] == number else x

    return [(start, cut(start)) for start in range(0, number, each)]


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
