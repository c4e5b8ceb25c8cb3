"""All code that is specific to torch or jax; no other file of the core tests for the library of an array.

torch and jax are imported inside functions, and only for arrays of these libraries.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import array_api_compat
import numpy as np

from .types import Array, Namespace

_SLICED = 16  # entries up to which jax takes slices: a gather inside a loop over lags, as XLA fuses it, is not vectorised
_registered: set[type] = set()


def is_numpy(xp: Namespace) -> bool:
    """Whether the namespace is that of numpy."""
    return bool(array_api_compat.is_numpy_namespace(xp))


def is_jax(xp: Namespace) -> bool:
    """Whether the namespace is that of jax."""
    return bool(array_api_compat.is_jax_namespace(xp))


def is_torch(xp: Namespace) -> bool:
    """Whether the namespace is that of torch."""
    return bool(array_api_compat.is_torch_namespace(xp))


def is_concrete(x: Array, xp: Namespace) -> bool:
    """Whether the values of x can be inspected: not under jax.jit or vmap, torch.compile or torch.func."""
    if is_jax(xp):
        import jax

        return not isinstance(x, jax.core.Tracer)
    if is_torch(xp):
        import torch

        return not torch.compiler.is_compiling() and not torch._C._functorch.is_functorch_wrapped_tensor(x)
    return True


def may_inspect(x: Array, xp: Namespace) -> bool:
    """Whether the values of x are known and in the memory of this process's CPU, so that reading them does not stop an accelerator."""
    if not is_concrete(x, xp):
        return False
    if is_jax(xp):
        return x.is_fully_addressable and all(device.platform == "cpu" for device in x.devices())
    return getattr(array_api_compat.device(x), "type", "cpu") == "cpu"


def at_once(xp: Namespace) -> AbstractContextManager[Any]:
    """Return a context in which operations on concrete arrays are executed; jax would add them to a program that it traces."""
    if not is_jax(xp):
        return nullcontext()
    import jax

    return jax.ensure_compile_time_eval()


def comparable(x: Array, xp: Namespace) -> Array:
    """Return integers of a dtype that can be compared: torch does so for no unsigned integers above 8 bits, which become int64.

    Values from 2**63 on become negative, and so stay outside of all ranges of labels.
    """
    if is_torch(xp) and x.dtype in (xp.uint16, xp.uint32, xp.uint64):
        return xp.astype(x, xp.int64)
    return x


def is_eager(x: Array, xp: Namespace) -> bool:
    """Whether x is a plain tensor of torch and no program is traced: operations on it are executed at once, with known values."""
    if not is_torch(xp):
        return False
    import torch

    from . import torch_function

    return type(x) in (torch.Tensor, torch.nn.Parameter) and not torch.compiler.is_compiling() and not torch_function.is_transformed()


def constant(values: tuple[float, ...], like: Array, xp: Namespace, *, dtype: Any = None) -> Array:
    """Return a 1-D array of these values on the device of like. For torch it is kept, because copying it to an accelerator waits for it."""
    if not is_eager(like, xp):
        return xp.asarray(values, dtype=dtype, device=array_api_compat.device(like))
    from . import torch_function

    return torch_function.constant(values, dtype, like.device)


def take(x: Array, indices: tuple[int, ...], axis: int, xp: Namespace) -> Array:
    """Return the entries at these indices, which are not negative, of an axis, which is counted from the end."""
    if is_torch(xp):
        return x.index_select(axis, constant(indices, x, xp))
    if is_jax(xp) and x.shape[axis] <= _SLICED:
        rest = (slice(None),) * (-axis - 1)
        return xp.concat([x[(..., slice(i, i + 1), *rest)] for i in indices], axis=axis)
    return xp.take(x, constant(indices, x, xp), axis=axis)


def can_be_kept(x: Array, xp: Namespace) -> bool:
    """Whether x may be stored and used in later calls: it belongs neither to a traced program nor to a recorded derivative."""
    if is_torch(xp):
        return is_concrete(x, xp) and not x.requires_grad and not x.is_inference()
    return is_concrete(x, xp)


def is_constant(x: Array, xp: Namespace) -> bool:
    """Whether no derivative with respect to x is recorded, also in a traced program."""
    if is_torch(xp):
        import torch

        return not x.requires_grad if torch.compiler.is_compiling() else can_be_kept(x, xp)
    return is_concrete(x, xp)


def may_split(x: Array, xp: Namespace) -> bool:
    """Whether work on x may be split: its values are known, and no derivative with respect to it is recorded."""
    if is_torch(xp):
        import torch

        return is_concrete(x, xp) and not (x.requires_grad and torch.is_grad_enabled())
    return is_concrete(x, xp)


def may_chunk(x: Array, xp: Namespace) -> bool:
    """Whether evaluating a batch in chunks that fit into the cache can save time; never for jax, which compiles a program per shape."""
    return not is_jax(xp) and may_split(x, xp)


def takes_threads(x: Array, xp: Namespace) -> bool:
    """Whether operations on x may run in other threads of this process: no mode, transform or subclass sees them here alone."""
    if is_torch(xp):
        from . import torch_function

        return is_eager(x, xp) and x.device.type == "cpu" and not torch_function.has_modes() and torch_function.can_run_alone()
    return is_numpy(xp) and type(x) is np.ndarray


def thread_count(xp: Namespace) -> int | None:
    """Return the number of threads that torch was told to use; None for other libraries."""
    if not is_torch(xp):
        return None
    import torch

    return torch.get_num_threads()


def alone(xp: Namespace, otherwise: Callable[[], AbstractContextManager[None]]) -> Callable[[], AbstractContextManager[None]]:
    """Return a context for a thread in which torch starts no threads, in the modes for derivatives of the caller; or another context."""
    if not is_torch(xp):
        return otherwise
    from . import torch_function

    return torch_function.alone()


def takes_gradient(x: Array, xp: Namespace) -> bool:
    """Whether torch, eager or compiled, records a first derivative by x in reverse mode, which give_gradient can supply."""
    if not is_torch(xp):
        return False
    import torch

    from . import torch_function

    if torch_function.is_transformed() or torch.autograd.forward_ad._current_level >= 0:
        return False
    return torch.is_grad_enabled() and x.requires_grad


def give_gradient(x: Array, with_gradient: Callable[[Array], tuple[Array, Array]], plain: Callable[[Array], Array], share: float) -> Array:
    """Return the values (...) of with_gradient, and supply their gradient to torch, which with_gradient returns times a share.

    Derivatives of the gradient are those of plain. Compared with torch's own differentiation (benchmarks) this takes a third of the
    time and a tenth of the memory, and half the time in a compiled program, where the gradient has a history of its own for further
    derivatives.
    """
    import torch

    from . import torch_function

    if torch.compiler.is_compiling():
        values, gradient = with_gradient(x)
        return torch_function.Traced.apply(x, values, gradient, share)
    return torch_function.Eager.apply(x, with_gradient, plain, share)


def compiled(function: Callable[..., Any], xp: Namespace, *, static: tuple[str, ...] = ("plan", "xp")) -> Callable[..., Any]:
    """Return a function that jax compiles once per set of static arguments; for other libraries the function itself."""
    return _program(function, static) if is_jax(xp) else function


@cache
def _program(function: Callable[..., Any], static: tuple[str, ...]) -> Callable[..., Any]:
    """Return a function compiled by jax with the named arguments fixed."""
    import jax

    return jax.jit(function, static_argnames=static)


def stop_gradient(x: Array, xp: Namespace) -> Array:
    """Return x as a constant for the differentiation of its library."""
    if is_jax(xp):
        import jax

        return jax.lax.stop_gradient(x)
    return x.detach() if is_torch(xp) else x


def while_loop(going: Callable[[Any], Array], step: Callable[[Any], Any], state: Any, xp: Namespace) -> Any:
    """Repeat ``state = step(state)`` while ``going(state)``; for jax by jax.lax.while_loop, which can be traced."""
    if is_jax(xp):
        import jax

        return jax.lax.while_loop(going, step, state)
    while bool(going(state)):
        state = step(state)
    return state


def full_precision(x: Array, xp: Namespace) -> AbstractContextManager[Any]:
    """Return a context without autocast, in which a matrix product has the dtype of its factors."""
    if not is_torch(xp):
        return nullcontext()
    from . import torch_function

    return torch_function.without_autocast(x)


def register_pytree(cls: type, xp: Namespace) -> None:
    """Register a class with tree_flatten and tree_unflatten as a pytree of jax, once, if jax is loaded.

    Nothing is done for arrays of torch, because torch.compile cannot trace into jax.
    """
    if cls in _registered or "jax" not in sys.modules or is_torch(xp):
        return
    import jax

    jax.tree_util.register_pytree_node_class(cls)
    _registered.add(cls)
