"""A cache of target statistics by index in the dataset, so that they are computed only once in a training."""

import math
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from twopoint import TargetStatistics, target_statistics

from ...arrays.checks import real
from ...arrays.namespace import namespace

_GOLDEN = (math.sqrt(5) - 1) / 2


class TargetCache:
    """Keep the statistics of a dataset's targets by their index, within a stated number of bytes.

    The first call with an index computes the :class:`twopoint.TargetStatistics` of that target, later calls return them. Statistics that
    do not fit are computed at each call, and none are evicted for them: over shuffled epochs the hit rate is the fraction of the dataset
    that fits, and evicting the oldest entries would lower it. One target takes ``N (N + 1) / 2`` times the number of lags times 4 bytes in
    float32 (8 with a mask or an open boundary): 31 kB for two phases and ``crop=50``, 602 kB for all lags of 224 x 224.

    An index must always refer to the same pixels: use one cache for each dataset, and none for augmented targets. With ``verify`` a
    checksum detects pixels that have changed. Copies, by deepcopy or pickle, start empty.

    Parameters
    ----------
    max_bytes : number
        Upper bound on the size of the stored statistics, in bytes; 1 GiB by default.
    device : optional
        Where to store them; by default on the device of the targets. "cpu" saves memory on the accelerator and costs a transfer in each
        call.
    verify : bool
        Compare a checksum of each target with that of the target whose statistics are stored. It costs one pass over the pixels and, on
        an accelerator, a synchronisation. False also permits changes that do not change the statistics, such as shifts under a periodic
        boundary.

    Attributes
    ----------
    hits, misses : int
        Number of targets that were found in the cache, and number that had to be computed.
    nbytes : int
        Size of the stored statistics in bytes.

    References
    ----------
    Cai et al., eq. (1).

    Examples
    --------
    >>> import torch, twopoint as tp
    >>> from twopoint.adapters.torch_losses import CESS, TargetCache
    >>> loss = CESS(crop=3, cache=TargetCache(max_bytes=10**6))
    >>> target = tp.two_phase(torch.eye(4).expand(8, 4, 4))
    >>> for epoch in range(3):
    ...     value = loss(target, target, index=torch.randperm(8))
    >>> loss.cache
    TargetCache(8 targets, 0.0 of 1.0 MB, hits=16, misses=8)
    """

    def __init__(self, max_bytes: float = 2**30, *, device: torch.device | str | None = None, verify: bool = True) -> None:
        if not max_bytes >= 0:
            raise ValueError(f"max_bytes must be 0 or more, got {max_bytes!r}")
        self.max_bytes, self.device, self.verify = max_bytes, device, verify
        self._lock = Lock()  # the replicas of DataParallel are threads and share the cache
        self.clear()

    def clear(self) -> None:
        """Remove all statistics and reset the counts."""
        self._entries: dict[Hashable, tuple[list[Tensor], float]] = {}
        self._shared: tuple[Any, ...] = ()  # mask, count and plan, which all targets share
        self._options: dict[str, Any] = {}
        self.hits = self.misses = self.nbytes = 0

    def __call__(self, target: Tensor, index: Tensor | Iterable[Hashable], **options: Any) -> TargetStatistics:
        """Return the statistics of a batch of targets, stored or computed.

        Parameters
        ----------
        target : tensor (B, N, *space)
            Microstructures. They receive no gradient.
        index : tensor (B,) of integers, or B hashable keys
            The key of each target in the dataset.
        **options
            Those of :func:`twopoint.target_statistics`, the same in each call. A mask is (*space), the same for all targets.

        Returns
        -------
        TargetStatistics
            The statistics of the batch, on the device of the targets.

        Raises
        ------
        TypeError
            If target is not a tensor of a real floating dtype.
        ValueError
            If the length of index is not that of the batch, if the options or the shape of the targets differ from those of the stored
            statistics, or if a target is not the one whose statistics are stored.
        """
        keys = _keys(index, target, options)
        with self._lock, torch.inference_mode(False), torch.no_grad():  # the stored statistics must also serve training
            self._check_options(target, options)
            return self._statistics(target.detach(), keys, options)

    def _statistics(self, target: Tensor, keys: list[Hashable], options: dict[str, Any]) -> TargetStatistics:
        """Look the statistics up, compute those that are missing, and stack them."""
        marks = _checksums(target, options.get("mask")) if self.verify else [0.0] * len(keys)
        found = [self._stored(key, mark) for key, mark in zip(keys, marks, strict=True)]
        missing = [i for i, values in enumerate(found) if values is None]
        self.hits += len(keys) - len(missing)
        self.misses += len(missing)
        if missing:
            (values, mask, count, _), fixed = target_statistics(target[missing], **options).tree_flatten()
            self._shared = (None if mask is None else mask[0], None if count is None else count[0], fixed)
            for i, *own in zip(missing, *values, strict=True):
                found[i] = self._keep(keys[i], own, marks[i])
        return self._join([values for values in found if values is not None], target.device)

    def _stored(self, key: Hashable, mark: float) -> list[Tensor] | None:
        """Return the stored statistics of one target; raise if its pixels have changed."""
        if key not in self._entries:
            return None
        values, stored = self._entries[key]
        if not math.isclose(mark, stored, rel_tol=1e-5, abs_tol=1e-7):  # the rounding of float32 sums depends on the batch size
            raise ValueError(
                f"target of index {key!r} has other pixels than the one whose statistics are stored; do not cache augmented targets, and "
                "use one cache for each dataset"
            )
        return values

    def _keep(self, key: Hashable, values: list[Tensor], mark: float) -> list[Tensor]:
        """Store the statistics of one target if they fit, as copies that do not keep the batch alive."""
        nbytes = sum(f.nbytes for f in values)
        if key not in self._entries and self.nbytes + nbytes <= self.max_bytes:
            self._entries[key] = ([f.to(self.device or f.device, copy=True) for f in values], mark)
            self.nbytes += nbytes
        return values

    def _join(self, found: list[list[Tensor]], device: torch.device) -> TargetStatistics:
        """Stack the statistics of targets into those of a batch, pair by pair."""
        joined = []
        for rows in zip(*found, strict=True):
            if len({row.device for row in rows}) > 1:  # some are stored on another device, some were just computed
                rows = tuple(row.to(device) for row in rows)
            joined.append(torch.stack(rows).to(device))  # (batch, *stored)
        mask, count, fixed = self._shared
        mask, count = (None if x is None else x.to(device).expand(len(found), *x.shape) for x in (mask, count))
        return TargetStatistics.tree_unflatten(fixed, (tuple(joined), mask, count, ()))

    def _check_options(self, target: Tensor, options: dict[str, Any]) -> None:
        """Raise if options or shape differ from those of the stored statistics."""
        mask = options.get("mask")
        used = {"shape": tuple(target.shape[1:]), "mask": None if mask is None else tuple(mask.shape)}
        used |= {name: _comparable(value) for name, value in options.items() if name != "mask"}
        stored = self._options or used
        for name in sorted({*used, *stored}):
            if used.get(name) != stored.get(name):
                raise ValueError(
                    f"{name} was {stored.get(name)} when the cache was filled, got {used.get(name)}; use another cache, or clear() this one"
                )
        self._options = stored

    def __len__(self) -> int:
        return len(self._entries)

    def __bool__(self) -> bool:
        return True  # an empty cache is a cache

    def __repr__(self) -> str:
        sizes = f"{len(self)} targets, {self.nbytes / 1e6:.1f} of {self.max_bytes / 1e6:.1f} MB"
        return f"TargetCache({sizes}, hits={self.hits}, misses={self.misses})"

    def __reduce__(self) -> tuple[Callable[[], "TargetCache"], tuple[()]]:
        return partial(TargetCache, self.max_bytes, device=self.device, verify=self.verify), ()


def _keys(index: Any, target: Tensor, options: dict[str, Any]) -> list[Hashable]:
    """Return one key for each target; raise if index, batch or mask have the wrong form."""
    ndim, mask = options.get("ndim", 2), options.get("mask")
    if not isinstance(target, Tensor):
        raise TypeError(f"target must be a tensor with index, got {type(target).__name__}")
    real("target", target, namespace(target=target))
    if target.ndim != ndim + 2:
        raise ValueError(f"target must be a batch (B, N, *space) with index and ndim={ndim}, got shape {tuple(target.shape)}")
    if mask is not None and mask.ndim != ndim:
        raise ValueError(f"mask must be (*space), the same for all targets, with index and ndim={ndim}, got shape {tuple(mask.shape)}")
    if not hasattr(index, "__iter__") or getattr(index, "ndim", 1) != 1:
        raise TypeError(f"index must be a 1-D tensor of integers or a list of keys, got {index!r}")
    keys = list(index.tolist() if hasattr(index, "tolist") else index)
    if len(keys) != len(target):
        raise ValueError(f"index must name each of the {len(target)} targets of the batch, got {len(keys)}")
    return keys


def _comparable(value: Any) -> Any:
    """Return an option in a form that can be compared: lists become tuples."""
    return tuple(_comparable(v) for v in value) if isinstance(value, Iterable) and not isinstance(value, str) else value


def _checksums(target: Tensor, mask: Tensor | None) -> list[float]:
    """Return a weighted mean of the pixels of each target inside the mask. All weights differ, so flips and shifts change it."""
    pixels = target if mask is None else torch.where(mask != 0, target, 0.0)
    weights = torch.frac(torch.arange(pixels[0].numel(), device=target.device, dtype=torch.float32) * _GOLDEN)
    checksums: list[float] = (pixels.flatten(1).float() * weights).mean(dim=1).tolist()
    return checksums
