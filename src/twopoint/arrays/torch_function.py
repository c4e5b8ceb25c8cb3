"""The autograd Functions by which losses supply their gradient to torch. Only frameworks imports this file, for arrays of torch."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import ThreadpoolController

from .types import Array

_KEPT = 256  # constants


def is_transformed() -> bool:
    """Whether torch.func maps or differentiates the current call."""
    return torch._C._functorch.maybe_current_level() is not None


torch.compiler.assume_constant_result(is_transformed)  # a traced program asks once


def without_autocast(x: Array) -> AbstractContextManager[Any]:
    """Return a context in which autocast does not lower the precision."""
    if not torch.amp.is_autocast_available(x.device.type):
        return nullcontext()
    return torch.autocast(device_type=x.device.type, enabled=False)


_constants: dict[tuple[Any, ...], Array] = {}


def constant(values: tuple[float, ...], dtype: Any, device: Any) -> Array:
    """Return a 1-D tensor, which is kept unless a mode sees its operations; it may be saved for a derivative, also in inference mode."""
    found = _constants.get((values, dtype, device))
    if found is None:
        with torch.inference_mode(False):
            found = torch.tensor(values, dtype=dtype, device=device)
        if not has_modes() and len(_constants) < _KEPT:
            _constants[values, dtype, device] = found
    return found


def has_modes() -> bool:
    """Whether a mode of torch sees or replaces the operations of this thread."""
    return torch._C._len_torch_dispatch_stack() > 0 or torch._C._len_torch_function_stack() > 0


@cache
def _openmp() -> Any:
    """Return threadpoolctl's controller of OpenMP, whose number of threads belongs to the calling thread."""
    return ThreadpoolController().select(user_api="openmp")


def can_run_alone() -> bool:
    """Whether the number of threads of torch can be limited in one thread alone."""
    return bool(_openmp().lib_controllers)


@cache
def _mkl() -> Callable[[int], int]:
    """Return the function of MKL inside torch that sets the number of threads of the calling thread, 0 for the general one.

    It returns the number before. threadpoolctl does not see this MKL, whose transforms of a single array would start threads of their
    own, that wait for each other in loops.
    """
    for library in sorted(Path(torch.__file__).parent.glob("lib/*torch_cpu.*")):
        try:
            function: Callable[[int], int] = ctypes.CDLL(str(library)).MKL_Set_Num_Threads_Local
        except (OSError, AttributeError):  # built without MKL
            continue
        return function
    return lambda number: number


def alone() -> Callable[[], AbstractContextManager[None]]:
    """Return a context for a thread in which torch starts no threads, with the modes for derivatives of the calling thread."""
    grad, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()

    @contextmanager
    def enter() -> Iterator[None]:
        torch.get_num_threads()  # a new thread takes the number of the process when it is asked first
        before = _mkl()(1)
        try:
            with _openmp().limit(limits=1), torch.inference_mode(inference), torch.set_grad_enabled(grad):
                yield
        finally:
            _mkl()(before)

    return enter


class Eager(torch.autograd.Function):
    """The values of with_gradient(x), with share times their gradient; derivatives of the gradient are those of plain(x)."""

    @staticmethod
    def forward(ctx: Any, x: Array, with_gradient: Any, plain: Any, share: float) -> Array:
        """Compute the values and the gradient together."""
        values, ctx.gradient = with_gradient(x.detach())
        ctx.save_for_backward(x)
        ctx.with_gradient, ctx.plain, ctx.share = with_gradient, plain, share
        return values

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Array, None, None, None]:
        """Multiply the gradient of each member of the batch by its cotangent, which for a reduced loss alone is its share."""
        (x,) = ctx.saved_tensors
        if torch.is_grad_enabled():  # the gradient itself will be differentiated
            with without_autocast(x):
                (found,) = torch.autograd.grad(ctx.plain(x), x, upstream, create_graph=True)
            return found, None, None, None
        gradient, ctx.gradient = ctx.gradient, None
        if gradient is None:  # a second backward of a graph that was retained; the first gave the gradient away
            gradient = ctx.with_gradient(x.detach())[1]
        factors = _by_member(upstream, gradient, ctx.share)
        if factors.device.type != "cpu" or not bool((factors == 1).all()):
            gradient.mul_(factors)
        return gradient, None, None, None


class Traced(torch.autograd.Function):
    """Values with share times their gradient by x, which was computed with them and has a history of its own."""

    @staticmethod
    def forward(ctx: Any, x: Array, values: Array, gradient: Array, share: float) -> Array:
        """Return a copy of the values."""
        ctx.save_for_backward(gradient)
        ctx.share = share
        return values.clone()

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Array, None, None, None]:
        """Multiply the gradient of each member of the batch by its cotangent."""
        (gradient,) = ctx.saved_tensors
        return gradient * _by_member(upstream, gradient, ctx.share), None, None, None


def _by_member(upstream: Array, gradient: Array, share: float) -> Array:
    """Return the cotangents of the members of a batch over the share, to multiply the gradient with."""
    factors = upstream.to(gradient.dtype).reshape(*upstream.shape, *(1,) * (gradient.ndim - upstream.ndim))
    return factors if share == 1 else factors / share
