"""What a framework must be told; reached lazily, after an array has been found to be that framework's."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ._namespace import Array, Namespace, is_jax

_registered: set[type] = set()


def is_concrete(x: Array, xp: Namespace) -> bool:
    """Whether the values of a torch or jax array can be looked at: not under jax.jit or vmap, torch.compile or torch.func."""
    if is_jax(xp):
        import jax

        return not isinstance(x, jax.core.Tracer)
    import torch

    return not torch.compiler.is_compiling() and not torch._C._functorch.is_functorch_wrapped_tensor(x)


def can_be_kept(x: Array, xp: Namespace) -> bool:
    """Whether a torch or jax array may be used in another call than that which made it."""
    if is_jax(xp):
        return is_concrete(x, xp)
    return is_concrete(x, xp) and not x.requires_grad and not x.is_inference()


def stop_gradient(x: Array, xp: Namespace) -> Array:
    """Return x as a constant for torch's or jax's differentiation."""
    if is_jax(xp):
        import jax

        return jax.lax.stop_gradient(x)
    return x.detach()


def while_loop(going: Callable[[Any], Array], step: Callable[[Any], Any], state: Any) -> Any:
    """Run jax's own loop, which can be traced."""
    import jax

    return jax.lax.while_loop(going, step, state)


def without_autocast(x: Array) -> AbstractContextManager[Any]:
    """Return a context in which torch does not lower the precision of matrix products."""
    import torch

    if not torch.amp.is_autocast_available(x.device.type):
        return nullcontext()
    return torch.autocast(device_type=x.device.type, enabled=False)


def register_pytree(cls: type) -> None:
    """Make a class with tree_flatten and tree_unflatten a pytree of jax, once."""
    if cls in _registered or "jax" not in sys.modules:
        return
    import jax

    jax.tree_util.register_pytree_node_class(cls)
    _registered.add(cls)
