"""The losses on 2-point statistics as modules of torch: msess, cess and mse_cess."""

from collections.abc import Hashable, Iterable
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from twopoint import TargetStatistics, cess, mse_cess, msess

from ...arrays.namespace import namespace
from ...losses.measures import reduce_batch
from ...losses.spatial import mean_square, pixel_difference
from ...statistics.phases import point_mask
from .cache import TargetCache
from .module import LossModule

Pairs: TypeAlias = str | Iterable[tuple[int, int]]
Mask: TypeAlias = Tensor | np.ndarray | None
Index: TypeAlias = Tensor | Iterable[Hashable]
_STATISTICS = ("ndim", "boundary", "mask", "crop", "implied_phase", "pairs")


class _StatisticsLoss(LossModule):
    """A loss on statistics. With an index, those of the target are taken from the cache."""

    mask: Tensor | None
    cache: TargetCache | None

    def _statistics(self, prediction: Tensor, target: Tensor | TargetStatistics, index: Index | None) -> Tensor | TargetStatistics:
        """Return the target, or its statistics from the cache."""
        if index is None:
            return target
        if self.cache is None:
            raise ValueError(f"index given, but this {type(self).__name__} has no cache: create it with cache=TargetCache()")
        if isinstance(target, Tensor) and target.is_floating_point():
            target = target.to(_loss_dtype(prediction))  # the same rounding as without a cache
        options = {name: value for name in _STATISTICS if (value := getattr(self, name)) is not None}
        return self.cache(target, index, **options)


class MSESS(_StatisticsLoss):
    """Mean squared error on spatial statistics, :func:`twopoint.msess` as a module.

    Parameters
    ----------
    ndim, boundary, mask, crop, implied_phase, pairs, cumulative, weight, zero_weight, reduction, lag_reduction
        As in :func:`twopoint.msess`. They are attributes and may be changed. The mask is a buffer of booleans or
        confidences: it moves with ``.to(device)`` and keeps its dtype, but is not part of ``state_dict()``, because options come from
        the constructor and not from a checkpoint.
    cache : TargetCache, optional
        The cache in which ``forward(prediction, target, index=index)`` looks up the statistics of a dataset's targets.

    Notes
    -----
    ``forward(prediction, target, index=None)`` takes tensors (B, N, *space). The target may also be :class:`twopoint.TargetStatistics`, for
    instance those of one texture for all predictions. The index identifies each target of the batch in the dataset; with an index the
    target receives no gradient.

    Raises
    ------
    TypeError, ValueError
        When called, as in :func:`twopoint.msess` and :class:`TargetCache`; ValueError if an index is given without a cache.

    References
    ----------
    Cai et al., eq. (7).

    Examples
    --------
    >>> import torch
    >>> from twopoint.adapters.torch_losses import MSESS
    >>> loss = MSESS(implied_phase=True)
    >>> round(loss(torch.eye(4).reshape(1, 1, 4, 4), torch.full((1, 1, 4, 4), 0.25)).item(), 6)
    0.046875
    """

    def __init__(
        self,
        *,
        ndim: int | None = None,
        boundary: str | None = None,
        mask: Mask = None,
        crop: int | Iterable[int] | None = None,
        implied_phase: bool | None = None,
        pairs: Pairs | None = None,
        cumulative: bool = False,
        weight: str | None = None,
        zero_weight: float = 1.0,
        reduction: str = "mean",
        lag_reduction: str = "mean",
        cache: TargetCache | None = None,
    ) -> None:
        super().__init__(locals())

    def forward(self, prediction: Tensor, target: Tensor | TargetStatistics, *, index: Index | None = None) -> Tensor:
        """Return the loss, () or (B,) with reduction "none"."""
        return msess(prediction, self._statistics(prediction, target, index), **self._options())


class CESS(_StatisticsLoss):
    """Cross-entropy on spatial statistics, :func:`twopoint.cess` as a module.

    Parameters
    ----------
    ndim, boundary, mask, crop, implied_phase, pairs, cumulative, floor, excess, reduction, lag_reduction
        As in :func:`twopoint.cess`; stored as in :class:`MSESS`.
    cache : TargetCache, optional
        As in :class:`MSESS`.

    Notes
    -----
    ``forward(prediction, target, index=None)`` as in :class:`MSESS`.

    Raises
    ------
    TypeError, ValueError
        When called, as in :func:`twopoint.cess` and :class:`MSESS`.

    References
    ----------
    Cai et al., eqs. (8) and (11).

    Examples
    --------
    >>> import torch
    >>> from twopoint.adapters.torch_losses import CESS
    >>> loss = CESS(crop=50, implied_phase=True)
    >>> loss
    CESS(crop=50, implied_phase=True)
    >>> loss(torch.rand(8, 1, 64, 64), torch.rand(8, 1, 64, 64).round()).shape
    torch.Size([])
    """

    def __init__(
        self,
        *,
        ndim: int | None = None,
        boundary: str | None = None,
        mask: Mask = None,
        crop: int | Iterable[int] | None = None,
        implied_phase: bool | None = None,
        pairs: Pairs | None = None,
        cumulative: bool = False,
        floor: float = 1e-6,
        excess: bool = False,
        reduction: str = "mean",
        lag_reduction: str = "mean",
        cache: TargetCache | None = None,
    ) -> None:
        super().__init__(locals())

    def forward(self, prediction: Tensor, target: Tensor | TargetStatistics, *, index: Index | None = None) -> Tensor:
        """Return the loss, () or (B,) with reduction "none", in nats."""
        return cess(prediction, self._statistics(prediction, target, index), **self._options())


class MSECESS(_StatisticsLoss):
    """Squared error of the pixels and cross-entropy on spatial statistics, :func:`twopoint.mse_cess` as a module.

    Parameters
    ----------
    alpha : float
        Weight of the squared error of the pixels.
    ndim, boundary, mask, crop, implied_phase, pairs, cumulative, floor, excess, reduction, lag_reduction
        As in :func:`twopoint.mse_cess`; stored as in :class:`MSESS`.
    cache : TargetCache, optional
        As in :class:`MSESS`; the pixels are always those of the target in the call.

    Notes
    -----
    ``forward(prediction, target, index=None)`` as in :class:`MSESS`, but the target must be a tensor: statistics have no pixels.

    Raises
    ------
    TypeError, ValueError
        When called, as in :func:`twopoint.mse_cess` and :class:`MSESS`.

    References
    ----------
    Cai et al., eq. (10).

    Examples
    --------
    >>> import torch
    >>> from twopoint.adapters.torch_losses import MSECESS
    >>> MSECESS(alpha=2.0, implied_phase=True)(torch.rand(8, 1, 64, 64), torch.rand(8, 1, 64, 64).round()).shape
    torch.Size([])
    """

    def __init__(
        self,
        *,
        alpha: float,
        ndim: int | None = None,
        boundary: str | None = None,
        mask: Mask = None,
        crop: int | Iterable[int] | None = None,
        implied_phase: bool | None = None,
        pairs: Pairs | None = None,
        cumulative: bool = False,
        floor: float = 1e-6,
        excess: bool = False,
        reduction: str = "mean",
        lag_reduction: str = "mean",
        cache: TargetCache | None = None,
    ) -> None:
        super().__init__(locals())

    def forward(self, prediction: Tensor, target: Tensor, *, index: Index | None = None) -> Tensor:
        """Return the loss, () or (B,) with reduction "none"."""
        options = self._options()
        if index is None:
            return mse_cess(prediction, target, **options)
        statistics, alpha = self._statistics(prediction, target, index), options.pop("alpha")
        value: Tensor = cess(prediction, statistics, **options)
        return value + alpha * self._pixels(prediction, target).to(value.dtype)

    def _pixels(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean squared difference over points and all phases, reduced over the batch."""
        ndim, xp = self.ndim or 2, namespace(prediction=prediction)
        mask = None if self.mask is None else point_mask(self.mask, ndim, xp)
        difference = pixel_difference(prediction, target.detach(), mask, ndim, bool(self.implied_phase), xp)
        value: Tensor = reduce_batch(mean_square(difference, mask, ndim, xp), self.reduction, xp)
        return value


def _loss_dtype(prediction: Tensor) -> torch.dtype:
    """Return the dtype of the loss: that of the prediction, or float32 if that is wider."""
    return torch.promote_types(prediction.dtype, torch.float32)
