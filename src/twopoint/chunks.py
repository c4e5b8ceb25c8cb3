"""A batch in chunks that stay in the processor's cache: pointwise work on what a transform has just written costs half."""

import math
from dataclasses import replace
from typing import Any

from ._namespace import Array, Namespace, is_jax, may_split
from .carried import Carried
from .plan import Plan

_CACHED = 400_000  # numbers of a chunk's spectra; measured: eight 224x224 images, and no worse from half to twice as many
_HELD = 1 << 28  # on an accelerator the cache is no matter, and a chunk bounds the memory


def sizes(batch: tuple[int, ...], prediction: Array, plan: Plan, xp: Namespace) -> list[int]:
    """Return how many members of a flat batch to take at a time: all at once while a program is traced or a derivative recorded."""
    total = math.prod(batch)
    if is_jax(xp) or not may_split(prediction, xp):
        return [total]
    numbers = math.prod(plan.lags.transform) * (plan.n_phases - plan.derived)
    held = _CACHED if getattr(getattr(prediction, "device", None), "type", "cpu") == "cpu" else _HELD
    each = max(1, held // numbers)
    return [min(each, total - start) for start in range(0, total, each)]


def pieces(problem: Any, xp: Namespace) -> list[Any]:
    """Return a problem's batch as problems of flat, smaller batches."""
    plan = problem.plan
    batch = tuple(problem.prediction.shape[: -plan.ndim - 1])
    taken = sizes(batch, problem.prediction, plan, xp)
    if len(taken) == 1:
        return [problem]
    starts = [sum(taken[:i]) for i in range(len(taken))]

    def cut(x: Array | float | None, axes: int, start: int, size: int) -> Array | float | None:
        if x is None or isinstance(x, float) or len(x.shape) == axes:
            return x
        return xp.reshape(x, (-1, *x.shape[len(x.shape) - axes :]))[start : start + size, ...]

    def piece(start: int, size: int) -> Any:
        odds = problem.target.odds
        target = Carried(
            [cut(f, plan.ndim, start, size) for f in problem.target.values],
            None if odds is None else [cut(f, plan.ndim, start, size) for f in odds],
        )
        return replace(
            problem,
            prediction=cut(problem.prediction, plan.ndim + 1, start, size),
            mask=cut(problem.mask, plan.ndim + 1, start, size),
            count=cut(problem.count, plan.ndim, start, size),
            shares=[cut(share, plan.ndim, start, size) for share in problem.shares],
            target=target,
        )

    return [piece(start, size) for start, size in zip(starts, taken, strict=True)]


def joined(chunks: list[Array], batch: tuple[int, ...], xp: Namespace) -> Array:
    """Put the results of pieces together again."""
    whole = chunks[0] if len(chunks) == 1 else xp.concat(chunks, axis=0)
    return xp.reshape(whole, (*batch, *whole.shape[1:])) if len(chunks) > 1 else whole

