"""The loss on Gram matrices of feature maps, as a module of torch."""

from collections.abc import Sequence

from torch import Tensor

from twopoint import style_loss

from .module import LossModule


class StyleLoss(LossModule):
    """Squared differences of Gram matrices of feature maps, :func:`twopoint.style_loss` as a module.

    Parameters
    ----------
    weights, ndim, reduction
        As in :func:`twopoint.style_loss`.

    Notes
    -----
    ``forward(features_prediction, features_target)`` takes lists of feature maps (B, C, *space), one for each layer.

    Raises
    ------
    TypeError, ValueError
        When called, as in :func:`twopoint.style_loss`.

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
