"""A loss over a whole dataset, accumulated batch by batch, in one process or in several."""

import sys
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import numpy as np
from jaxtyping import Float64

from ..arrays.namespace import to_numpy
from ..arrays.types import Array
from ..losses import cess

__all__ = ["DatasetLoss"]


class DatasetLoss:
    """Collect the loss of each microstructure of a dataset, for validation in a training loop on numpy, torch or jax.

    The mean over batches is not the mean over the dataset if the last batch is smaller, and the mean over processes is not if a sampler
    repeats images to give each process the same number. Here every microstructure counts once: its value is stored, and an index that
    was added before is skipped. So the median and quantiles are available as well.

    Parameters
    ----------
    loss : callable
        ``loss(prediction, target, reduction="none", **options)``: :func:`twopoint.cess`, :func:`twopoint.msess`, ...
    **options
        Options of the loss, except the reduction.

    Raises
    ------
    TypeError, ValueError
        If the loss is a module with a reduction of its own, or if the options contain one.

    References
    ----------
    Cai et al., eqs. (7) and (8).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> from twopoint.adapters.accumulate import DatasetLoss
    >>> validation = DatasetLoss(tp.cess, excess=True)
    >>> target = tp.two_phase(np.arange(5 * 64).reshape(5, 8, 8) % 3 == 0)
    >>> for start in range(0, 5, 2):
    ...     validation.add(0.9 * target[start : start + 2] + 0.05, target[start : start + 2])
    >>> len(validation), round(validation.mean, 4), round(validation.median, 4)
    (5, 0.0091, 0.0091)
    """

    def __init__(self, loss: Callable[..., Array] = cess, **options: Any) -> None:
        if "reduction" in options:
            raise ValueError("options must not contain a reduction: the values of all microstructures are stored")
        if hasattr(loss, "reduction"):
            raise TypeError(f"loss must be a function, such as twopoint.cess, with its options as keywords, not the module {loss!r}")
        self.loss, self.options = loss, options
        self.reset()

    def reset(self) -> None:
        """Remove all values, for instance at the start of an epoch."""
        self._values: list[float] = []
        self._indices: dict[Hashable, None] = {}

    def add(self, prediction: Array, target: Any, index: Any = None) -> None:
        """Add the values of a batch.

        Parameters
        ----------
        prediction : array (..., phases, *space)
            Gradients are not stored.
        target : array of the same shape, or TargetStatistics
        index : array, sequence, or for one microstructure a number or a name; optional
            The index of each microstructure in the dataset. One that was added before is skipped, until :meth:`reset`.

        Raises
        ------
        TypeError, ValueError
            As in the loss; if the loss returns a value for each point; if there is not one index for each microstructure; if only some
            batches have indices.
        """
        values = self.loss(prediction, target, reduction="none", **self.options)
        if tuple(values.shape) == tuple(prediction.shape):
            raise ValueError(
                f"loss must return one value for each microstructure, got values of the prediction's own shape {tuple(values.shape)}; "
                "take the mean over pixels: lambda p, t, reduction: ((p - t) ** 2).mean((-3, -2, -1))"
            )
        flat = to_numpy(values).astype(np.float64).reshape(-1)
        indices = [] if index is None else _as_list(index)
        if index is not None and len(indices) != len(flat):
            raise ValueError(f"index must hold one entry for each of the {len(flat)} microstructures, got {len(indices)}")
        self._append(flat.tolist(), indices)

    @property
    def values(self) -> Float64[np.ndarray, " n"]:
        """The value of each microstructure, in the order of addition; (n,)."""
        return np.array(self._values, dtype=np.float64)

    @property
    def mean(self) -> float:
        """Mean over microstructures; ValueError if there are none."""
        return float(self._nonempty().mean())

    @property
    def median(self) -> float:
        """Median over microstructures; ValueError if there are none."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> float:
        """Return the value below which this share of the microstructures lies; ValueError if there are none."""
        return float(np.quantile(self._nonempty(), share))

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        summary = f"mean {self.mean:.4g}, median {self.median:.4g}" if len(self) else "none yet"
        return f"DatasetLoss({getattr(self.loss, '__name__', self.loss)}, {len(self)} microstructures, {summary})"

    def merged(self, *others: "DatasetLoss") -> "DatasetLoss":
        """Return a new one with the microstructures of this one and of others, for instance from other processes; all can be pickled."""
        return self._combine([each._contents() for each in (self, *others)])

    def gathered(self) -> "DatasetLoss":
        """Return a new one with the microstructures of all processes of ``torch.distributed`` or JAX; in a single process, a copy.

        Every process must call it, and every process receives all values. With JAX each process adds its own arrays, not arrays that are
        sharded over processes, and the indices must be integers.
        """
        torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
        own = self._contents()
        parts: list[Any] = [own]
        if torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized():
            parts = [None] * torch.distributed.get_world_size()
            torch.distributed.all_gather_object(parts, own)
        elif jax is not None and jax.process_count() > 1:
            parts = _gather_by_jax(*own)
        return self._combine(parts)

    def _contents(self) -> tuple[list[float], list[Hashable]]:
        """Return the values and the indices."""
        return self._values, list(self._indices)

    def _combine(self, parts: Iterable[tuple[list[float], list[Hashable]]]) -> "DatasetLoss":
        """Return a new one with the contents of several."""
        combined = DatasetLoss(self.loss, **self.options)
        for values, indices in parts:
            combined._append(values, indices)
        return combined

    def _nonempty(self) -> Float64[np.ndarray, " n"]:
        """Return the values; raise if there are none."""
        if not self._values:
            raise ValueError("there is no microstructure yet: add a batch first")
        return self.values

    def _append(self, values: list[float], indices: list[Hashable]) -> None:
        """Append the values whose indices are new, or all of them without indices."""
        if self._values and values and bool(self._indices) != bool(indices):
            raise ValueError("index must be given for all batches, or for none")
        if not indices:
            self._values.extend(values)
        for index, value in zip(indices, values, strict=bool(indices)):
            if index not in self._indices:
                self._indices[index] = None
                self._values.append(value)


def _as_list(index: Any) -> list[Hashable]:
    """Return indices as plain values, from an array of any library, a sequence of numbers or of one-element arrays, or one number."""
    if hasattr(index, "shape"):
        return to_numpy(index).reshape(-1).tolist()
    each = list(index) if isinstance(index, Iterable) and not isinstance(index, str) else [index]
    return [x.item() if hasattr(x, "item") else x for x in each]


def _gather_by_jax(values: list[float], indices: list[Any]) -> list[tuple[list[float], list[int]]]:
    """Return values and indices of all JAX processes. They are sent as 32-bit words, because JAX without x64 would round 64 bits."""
    from jax.experimental.multihost_utils import process_allgather

    counts = process_allgather(np.array([len(values), len(indices)], dtype=np.int32)).reshape(-1, 2)
    length = max(1, int(counts.max()))
    words = np.zeros((2, length, 2), dtype=np.uint32)
    words[0, : len(values)] = np.array(values, dtype=np.float64).view(np.uint32).reshape(-1, 2)
    words[1, : len(indices)] = np.array(indices, dtype=np.int64).view(np.uint32).reshape(-1, 2)
    every = np.ascontiguousarray(process_allgather(words)).reshape(-1, 2, length, 2)
    return [
        (part[0].view(np.float64)[: n[0], 0].tolist(), part[1].view(np.int64)[: n[1], 0].tolist())
        for part, n in zip(every, counts, strict=True)
    ]
