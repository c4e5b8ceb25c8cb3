"""The arguments that all descriptors share: checked, and turned into explicit phases of a floating dtype."""

from typing import NamedTuple

from ..arrays import checks
from ..arrays.namespace import as_floating, namespace, result_dtype, widest
from ..arrays.types import Array, Namespace
from ..statistics import phases
from ..statistics.plan import Options

CONNECTIVITIES = ("faces", "corners")


class Fields(NamedTuple):
    """The phases of a microstructure, as a descriptor needs them."""

    m: Array  # (..., N, *space), all phases; times the confidences, and 0 outside the mask, if there is a mask
    mask: Array | None  # confidences (..., 1, *space), at most 1, in the dtype of m; None without a mask
    ndim: int
    space: tuple[int, ...]
    periodic: bool
    implied: bool  # whether phase 0 was implied
    xp: Namespace

    @property
    def n_phases(self) -> int:
        """The number of phases."""
        return int(self.m.shape[-self.ndim - 1])

    @property
    def batch(self) -> tuple[int, ...]:
        """The shape of the batch."""
        return tuple(self.m.shape[: -self.ndim - 1])


def fields_of(
    m: Array, ndim: int, boundary: str, mask: Array | None = None, *, implied_phase: bool = False, name: str = "m", booleans: bool = True
) -> Fields:
    """Check the arguments of a descriptor and return its fields; under a mask in float64, if there is float64."""
    xp = namespace(**{name: m}, mask=mask)
    Options(ndim, boundary, implied_phase=implied_phase).check()
    checks.real(name, m, xp, booleans=booleans)
    space = checks.microstructure(name, m, ndim)
    checks.phases_first(name, m, ndim)
    weights = None
    if mask is not None:
        checks.mask_shape(mask, tuple(m.shape[: -ndim - 1]), space, xp)
        mask = phases.point_mask(mask, ndim, xp)
    m = as_floating(m, xp)
    if mask is not None:
        m = xp.astype(m, widest(m, xp), copy=False)
        weights = xp.astype(mask, m.dtype)
        m = phases.inside(m, mask, xp)
    m = phases.explicit(m, ndim, xp) if implied_phase else m
    m = m if mask is None else phases.weigh(m, mask, xp)  # the implied phase is 1 outside the mask
    return Fields(m, weights, ndim, space, boundary == "periodic", implied_phase, xp)


def finish_descriptor(values: Array, m: Array, xp: Namespace) -> Array:
    """Return values in the dtype of results of m."""
    return xp.astype(values, result_dtype(m, xp), copy=False)


def require_connectivity(connectivity: str) -> None:
    """Raise if the connectivity is neither that of faces nor that of corners."""
    checks.choice("connectivity", connectivity, CONNECTIVITIES)
