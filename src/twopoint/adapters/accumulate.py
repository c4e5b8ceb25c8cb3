"""A loss over a whole dataset: batches go in one by one, in one process or in several, and the figures are those of all microstructures."""

import sys
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import numpy as np
from jaxtyping import Float64

from .._namespace import Array, to_numpy
from ..losses import cess

__all__ = ["DatasetLoss"]


class DatasetLoss:
    """Values of a loss of each microstructure of a dataset, for the validation of a training loop on numpy, torch or jax.

    The mean over batches is not the mean over a dataset where the last batch is smaller, and means of processes are not where a sampler
    fills the last share up with images that another process has too. Here every microstructure counts once: values are kept, and an index
    that comes again is passed over. So there are a median and quantiles too.

    Parameters
    ----------
    loss : callable
        ``loss(prediction, target, reduction="none", **options)``: :func:`twopoint.cess`, :func:`twopoint.msess`, ...
    **options
        Of the loss, but for the reduction.

    Raises
    ------
    TypeError, ValueError
        If the loss is a module that has a reduction of its own; if options hold one.

    References
    ----------
    Cai et al., eqs. (7) and (8).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> from twopoint.adapters.accumulate import DatasetLoss
    >>> found = DatasetLoss(tp.cess, excess=True)
    >>> target = tp.two_phase(np.arange(5 * 64).reshape(5, 8, 8) % 3 == 0)
    >>> for start in range(0, 5, 2):
    ...     found.add(0.9 * target[start : start + 2] + 0.05, target[start : start + 2])
    >>> len(found), round(found.mean, 4), round(found.median, 4)
    (5, 0.0189, 0.0189)
    """

    def __init__(self, loss: Callable[..., Array] = cess, **options: Any) -> None:
        if "reduction" in options:
            raise ValueError("options must not hold a reduction: the values of all microstructures are kept")
        if hasattr(loss, "reduction"):
            raise TypeError(f"loss must be a function, such as twopoint.cess, with its options beside it, not the module {loss!r}")
        self.loss, self.options = loss, options
        self.reset()

    def reset(self) -> None:
        """Forget all values, as at the start of an epoch."""
        self._values: list[float] = []
        self._indices: dict[Hashable, None] = {}

    def add(self, prediction: Array, target: Any, index: Any = None) -> None:
        """Take a batch in.

        Parameters
        ----------
        prediction : array (..., phases, *space)
            Gradients are not kept.
        target : array of the same shape, or TargetStatistics
        index : array, sequence, or for one microstructure a number or a name; optional
            Of each microstructure, its own in the dataset: one that has been taken in before is passed over, until :meth:`reset`.

        Raises
        ------
        TypeError, ValueError
            As the loss; if it gives a value for each point; if there is not one index for each microstructure; if some batches have indices
            and others none.
        """
        given = self.loss(prediction, target, reduction="none", **self.options)
        if tuple(given.shape) == tuple(prediction.shape):
            raise ValueError(
                f"loss must give one value for each microstructure, got values of the prediction's own shape {tuple(given.shape)}; "
                "of pixels take the mean: lambda p, t, reduction: ((p - t) ** 2).mean((-3, -2, -1))"
            )
        found = to_numpy(given).astype(np.float64).reshape(-1)
        indices = [] if index is None else _listed(index)
        if index is not None and len(indices) != len(found):
            raise ValueError(f"index must hold one for each of the {len(found)} microstructures, got {len(indices)}")
        self._take(found.tolist(), indices)

    @property
    def values(self) -> Float64[np.ndarray, " n"]:
        """The value of each microstructure, in the order in which they came; (n,)."""
        return np.array(self._values, dtype=np.float64)

    @property
    def mean(self) -> float:
        """Mean over microstructures; ValueError where there is none."""
        return float(self._some().mean())

    @property
    def median(self) -> float:
        """Median over microstructures; ValueError where there is none."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> float:
        """Return the value below which a share of the microstructures lies; ValueError where there is none."""
        return float(np.quantile(self._some(), share))

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        told = f"mean {self.mean:.4g}, median {self.median:.4g}" if len(self) else "none yet"
        return f"DatasetLoss({getattr(self.loss, '__name__', self.loss)}, {len(self)} microstructures, {told})"

    def merged(self, *others: "DatasetLoss") -> "DatasetLoss":
        """Return one of this one's microstructures and those of others, such as other processes'; each pickles."""
        return self._joined([each._held() for each in (self, *others)])

    def gathered(self) -> "DatasetLoss":
        """Return one of the microstructures of all processes of ``torch.distributed``, or of JAX; in a single process, of its own.

        Every process must call it, and each gets all. With JAX each process adds its own arrays, not ones that are spread over
        processes, and indices must be integers.
        """
        torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
        held = self._held()
        parts: list[Any] = [held]
        if torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized():
            parts = [None] * torch.distributed.get_world_size()
            torch.distributed.all_gather_object(parts, held)
        elif jax is not None and jax.process_count() > 1:
            parts = _gathered_by_jax(*held)
        return self._joined(parts)

    def _held(self) -> tuple[list[float], list[Hashable]]:
        """Return values and indices."""
        return self._values, list(self._indices)

    def _joined(self, parts: Iterable[tuple[list[float], list[Hashable]]]) -> "DatasetLoss":
        """Return one of what several hold."""
        whole = DatasetLoss(self.loss, **self.options)
        for values, indices in parts:
            whole._take(values, indices)
        return whole

    def _some(self) -> Float64[np.ndarray, " n"]:
        """Return the values; refuse none."""
        if not self._values:
            raise ValueError("there is no microstructure yet: add a batch first")
        return self.values

    def _take(self, values: list[float], indices: list[Hashable]) -> None:
        """Take in values whose indices are new, or that have none."""
        if self._values and values and bool(self._indices) != bool(indices):
            raise ValueError("index must be given for all batches, or for none")
        if not indices:
            self._values.extend(values)
        for index, value in zip(indices, values, strict=bool(indices)):
            if index not in self._indices:
                self._indices[index] = None
                self._values.append(value)


def _listed(index: Any) -> list[Hashable]:
    """Return indices as plain values: of an array of any library, of a sequence of numbers or of arrays of one, or of one number alone."""
    if hasattr(index, "shape"):
        return to_numpy(index).reshape(-1).tolist()
    each = list(index) if isinstance(index, Iterable) and not isinstance(index, str) else [index]
    return [x.item() if hasattr(x, "item") else x for x in each]


def _gathered_by_jax(values: list[float], indices: list[Any]) -> list[tuple[list[float], list[int]]]:
    """Return values and indices of all processes of JAX, by way of 32-bit words, for without x64 JAX would round the rest."""
    from jax.experimental.multihost_utils import process_allgather

    counts = process_allgather(np.array([len(values), len(indices)], dtype=np.int32)).reshape(-1, 2)
    length = max(1, int(counts.max()))
    held = np.zeros((2, length, 2), dtype=np.uint32)
    held[0, : len(values)] = np.array(values, dtype=np.float64).view(np.uint32).reshape(-1, 2)
    held[1, : len(indices)] = np.array(indices, dtype=np.int64).view(np.uint32).reshape(-1, 2)
    every = np.ascontiguousarray(process_allgather(held)).reshape(-1, 2, length, 2)
    return [
        (part[0].view(np.float64)[: n[0], 0].tolist(), part[1].view(np.int64)[: n[1], 0].tolist())
        for part, n in zip(every, counts, strict=True)
    ]
