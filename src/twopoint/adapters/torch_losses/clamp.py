"""The loss that pushes every point towards one phase, as a module of torch."""

import numpy as np
from torch import Tensor

from twopoint import clamp

from .module import LossModule


class Clamp(LossModule):
    """Loss that pushes every point towards one phase, :func:`twopoint.clamp` as a module.

    Parameters
    ----------
    sigma : float or 0-D tensor
        As in :func:`twopoint.clamp`. A schedule may set ``loss.sigma``. Under ``torch.compile`` give a tensor and fill it in place,
        because each new float is compiled again. A tensor becomes a buffer of the module, an ``nn.Parameter`` one of its parameters.
    ndim, mask, implied_phase, reduction
        As in :func:`twopoint.clamp`; stored as in :class:`MSESS`.

    Notes
    -----
    ``forward(m)`` takes a microstructure (B, N, *space). The loss is a sum over points; :func:`twopoint.clamp` describes
    how to choose its weight.

    Raises
    ------
    TypeError, ValueError
        When called, as in :func:`twopoint.clamp`.

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
