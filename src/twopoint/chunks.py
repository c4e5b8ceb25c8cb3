"""A batch in chunks that stay in the processor's cache: pointwise work on what a transform has just written costs half."""

import math

from ._namespace import Array, Namespace, device_of, is_jax, may_split
from .plan import Plan

_CACHED = 400_000  # numbers of a chunk's microstructures: eight 224x224 images of one phase; half or twice as many are no faster
_HELD = 1 << 28  # on an accelerator, where a chunk bounds the memory alone


def ranges(prediction: Array, plan: Plan, xp: Namespace) -> list[slice]:
    """Return the chunks of a flat batch: one alone while a program is traced or a derivative recorded."""
    members = math.prod(prediction.shape[: -plan.ndim - 1])
    if is_jax(xp) or not may_split(prediction, xp):
        return [slice(0, members)]
    numbers = math.prod(plan.lags.transform) * (plan.n_phases - plan.derived)
    on_cpu = getattr(device_of(prediction), "type", "cpu") == "cpu"
    each = max(1, (_CACHED if on_cpu else _HELD) // numbers)
    return [slice(start, min(start + each, members)) for start in range(0, members, each)]


def joined(chunks: list[Array], batch: tuple[int, ...], xp: Namespace) -> Array:
    """Put the results of chunks together again."""
    if len(chunks) == 1:
        return chunks[0]
    whole = xp.concat(chunks, axis=0)
    return xp.reshape(whole, (*batch, *whole.shape[1:]))
