"""Losses as modules of torch: what they have in common, and those that need no statistics."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from twopoint import clamp, style_loss


class Loss(nn.Module):
    """A loss whose options are attributes, and tensors among them buffers."""

    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        parameters = inspect.signature(cls.__init__).parameters
        cls._defaults = {name: p.default for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        for name in self._defaults:
            value = options[name]
            if name == "mask" and value is not None:
                value = torch.as_tensor(value) != 0  # booleans, which half() and double() leave alone
            if name == "mask" or (isinstance(value, Tensor) and not isinstance(value, nn.Parameter)):
                self.register_buffer(name, value, persistent=False)
            else:
                setattr(self, name, tuple(value) if isinstance(value, Iterator) else value)

    def _options(self) -> dict[str, Any]:
        """Return the options of the function."""
        return {name: getattr(self, name) for name in self._defaults if name != "cache"}

    def extra_repr(self) -> str:
        """Name the options that are not the default."""
        shown = []
        for name, default in self._defaults.items():
            value = getattr(self, name)
            if isinstance(value, Tensor) and value.ndim:
                shown.append(f"{name}={tuple(value.shape)}")
            elif value is not None and value != default:
                shown.append(f"{name}={value!r}")
        return ", ".join(shown)


class Clamp(Loss):
    """Loss that pushes every point towards one phase, :func:`twopoint.clamp` as a module.

    Parameters
    ----------
    sigma : float, or a tensor of no axes
        As in :func:`twopoint.clamp`. A schedule sets ``loss.sigma``; under ``torch.compile`` fill a tensor in place, for each new number
        is compiled anew. A tensor is a buffer, a parameter one of the module's.
    ndim, mask, implied_phase, reduction
        As in :func:`twopoint.clamp`; kept as in :class:`MSESS`.

    Notes
    -----
    ``forward(m)`` takes a microstructure (B, N, *space). The loss is a sum over points: see :func:`twopoint.clamp` for its weight.

    Raises
    ------
    TypeError, ValueError
        When called, as :func:`twopoint.clamp`.

    References
    ----------
    Cai et al., eq. (9).

    Examples
    --------
    >>> import torch
    >>> from twopoint.adapters.torch_losses import Clamp
    >>> round(Clamp(sigma=0.05, implied_phase=True)(torch.full((1, 1, 2, 2), 0.5)).item(), 4)
    7.2274
    """

    def __init__(
        self,
        *,
        sigma: float | Tensor,
        ndim: int | None = None,
        mask: Tensor | np.ndarray | None = None,
        implied_phase: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(locals())

    def forward(self, m: Tensor) -> Tensor:
        """Return the loss, () or (B,) with reduction "none", in nats."""
        return clamp(m, **self._options())


class StyleLoss(Loss):
    """Squared differences of Gram matrices of feature maps, :func:`twopoint.style_loss` as a module.

    Parameters
    ----------
    weights, ndim, reduction
        As in :func:`twopoint.style_loss`.

    Notes
    -----
    ``forward(features_prediction, features_target)`` takes lists of feature maps (B, C, *space), one a layer.

    Raises
    ------
    TypeError, ValueError
        When called, as :func:`twopoint.style_loss`.

    References
    ----------
    Sardeshmukh et al., eq. (2); Cai et al., eq. (3).

    Examples
    --------
    >>> import torch
    >>> from twopoint.adapters.torch_losses import StyleLoss
    >>> StyleLoss(ndim=1)([torch.tensor([[2.0, 0.0]])], [torch.tensor([[1.0, 1.0]])])
    tensor(0.2500)
    """

    def __init__(self, *, weights: Sequence[float] | None = None, ndim: int = 2, reduction: str = "mean") -> None:
        super().__init__(locals())

    def forward(self, features_prediction: Sequence[Tensor], features_target: Sequence[Tensor]) -> Tensor:
        """Return the loss, () or (B,) with reduction "none"."""
        return style_loss(features_prediction, features_target, **self._options())
