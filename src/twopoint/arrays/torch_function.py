"""The autograd Functions by which losses supply their gradient to torch. Only frameworks imports this file, for arrays of torch."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from .types import Array


def is_transformed() -> bool:
    """Whether torch.func maps or differentiates the current call."""
    return torch._C._functorch.maybe_current_level() is not None


torch.compiler.assume_constant_result(is_transformed)  # a traced program asks once


def without_autocast(x: Array) -> AbstractContextManager[Any]:
    """Return a context in which autocast does not lower the precision."""
    if not torch.amp.is_autocast_available(x.device.type):
        return nullcontext()
    return torch.autocast(device_type=x.device.type, enabled=False)


class Eager(torch.autograd.Function):
    """The values of with_gradient(x), with its gradient; derivatives of the gradient are those of plain(x)."""

    @staticmethod
    def forward(ctx: Any, x: Array, with_gradient: Any, plain: Any) -> Array:
        """Compute the values and the gradient together."""
        values, gradients = with_gradient(x.detach())
        ctx.save_for_backward(x, *gradients)
        ctx.plain = plain
        return values

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Array, None, None]:
        """Multiply the gradient of each member of the batch by its cotangent."""
        x, *gradients = ctx.saved_tensors
        if torch.is_grad_enabled():  # the gradient itself will be differentiated
            with without_autocast(x):
                (found,) = torch.autograd.grad(ctx.plain(x), x, upstream, create_graph=True)
            return found, None, None
        whole = torch.empty(x.shape, dtype=gradients[0].dtype, device=x.device)
        members = whole.reshape(-1, *whole.shape[upstream.ndim :])
        by_member = upstream.to(whole.dtype).reshape(-1, *(1,) * (members.ndim - 1))
        start = 0
        for gradient in gradients:
            flat = gradient.reshape(-1, *members.shape[1:])
            stop = start + flat.shape[0]
            torch.mul(flat, by_member[start:stop], out=members[start:stop])
            start = stop
        return whole, None, None


class Traced(torch.autograd.Function):
    """Values with their gradient by x, which was computed with them and has a history of its own."""

    @staticmethod
    def forward(ctx: Any, x: Array, values: Array, gradient: Array) -> Array:
        """Return a copy of the values."""
        ctx.save_for_backward(gradient)
        return values.clone()

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Array, None, None]:
        """Multiply the gradient of each member of the batch by its cotangent."""
        (gradient,) = ctx.saved_tensors
        by_member = upstream.to(gradient.dtype).reshape(*upstream.shape, *(1,) * (gradient.ndim - upstream.ndim))
        return gradient * by_member, None, None
