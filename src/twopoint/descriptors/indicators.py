"""Indicators of phases in the memory of the CPU, whose runs and clusters are counted, which has no gradient."""

from typing import Any, NamedTuple

import numpy as np

from ..arrays import checks
from ..arrays.frameworks import is_concrete, may_inspect, may_split
from ..arrays.namespace import device_of, namespace, result_dtype, to_numpy
from ..arrays.types import Array, Namespace
from ..statistics.plan import Options


class Indicators(NamedTuple):
    """The phases of a microstructure as booleans of numpy, and what is needed to return results in the user's kind of array."""

    phases: np.ndarray  # booleans (..., N, *space), all phases
    ndim: int
    periodic: bool
    dtype: Any  # of floating results
    device: Any
    xp: Namespace

    @property
    def space(self) -> tuple[int, ...]:
        """The shape of the space."""
        return self.phases.shape[-self.ndim :]

    def counts(self, values: np.ndarray) -> Array:
        """Return whole numbers as integers of the user's library."""
        return self.xp.asarray(values, device=self.device)

    def numbers(self, values: np.ndarray) -> Array:
        """Return numbers in the dtype of results of the user's array."""
        return self.xp.asarray(values, dtype=self.dtype, device=self.device)


def indicators_of(m: Array, descriptor: str, *, ndim: int, boundary: str, implied_phase: bool) -> Indicators:
    """Check the arguments of a descriptor without a gradient, and return its indicators."""
    xp = namespace(m=m)
    Options(ndim, boundary, implied_phase=implied_phase).check()
    checks.real("m", m, xp, booleans=True)
    checks.microstructure("m", m, ndim)
    checks.phases_first("m", m, ndim)
    _require_constant(m, descriptor, xp)
    phases = _booleans(to_numpy(m), descriptor)
    if implied_phase:
        phases = _with_implied(phases, descriptor, ndim)
    return Indicators(phases, ndim, boundary == "periodic", result_dtype(m, xp), device_of(m), xp)


def known_booleans(m: Array, xp: Namespace) -> bool:
    """Whether m holds booleans, which have no gradient, and its values are known and in the memory of the CPU."""
    return bool(xp.isdtype(m.dtype, "bool")) and may_inspect(m, xp)


def _require_constant(m: Array, descriptor: str, xp: Namespace) -> None:
    """Raise if a gradient with respect to m is requested, or if the values of m are not known."""
    if not is_concrete(m, xp):
        raise TypeError(f"{descriptor} has no gradient and needs known values, but m is traced; call it outside of transformed functions")
    if not may_split(m, xp):
        raise TypeError(f"{descriptor} has no gradient, but m requires one; pass m.detach(), or call it under torch.no_grad()")


def _booleans(m: np.ndarray, descriptor: str) -> np.ndarray:
    """Return an array of 0 and 1 as booleans; raise if it has other values."""
    if m.dtype == bool:
        return m
    ones = m == 1
    if np.count_nonzero(m) != np.count_nonzero(ones):  # NaN is not zero
        low, high = float(m.min()), float(m.max())
        found = "NaN" if low != low else f"{low:g}..{high:g}"
        raise ValueError(
            f"{descriptor} needs indicators, m of 0 and 1 only, got values of {found}; "
            "one_hot(argmax over the phases, n_phases) thresholds soft phases"
        )
    return ones


def _with_implied(phases: np.ndarray, descriptor: str, ndim: int) -> np.ndarray:
    """Return all phases; the implied one holds the points of none of the others. Raise if two of the others share a point."""
    axis = -ndim - 1
    if phases.shape[axis] > 1 and (phases.sum(axis=axis, dtype=np.uint8) > 1).any():
        raise ValueError(
            f"{descriptor} with implied_phase=True needs phases of which at most one is 1 at a point, but m has points with several"
        )
    return np.concatenate([~phases.any(axis=axis, keepdims=True), phases], axis=axis)
