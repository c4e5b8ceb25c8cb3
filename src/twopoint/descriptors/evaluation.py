"""Evaluation of descriptors that are mean products of memberships, with the weights of a mask, and its adjoint."""

from typing import Protocol, runtime_checkable

from ..arrays.types import Array, Namespace
from ..statistics.adjoint import transpose_explicit
from .fields import Fields


@runtime_checkable
class Products(Protocol):
    """Sums or means of products of memberships; entries follow the phases, whose axes are of size 1 for a single field."""

    @property
    def unseen(self) -> float:
        """The fraction of the entries that nothing in the space spans."""
        ...

    def means(self, m: Array, xp: Namespace) -> Array:
        """Return the means for fields (..., N, *space)."""
        ...

    def transpose(self, cotangent: Array, m: Array, xp: Namespace) -> Array:
        """Return the cotangent of m from that of the means."""
        ...


def evaluate(products: Products, fields: Fields) -> tuple[Array, Array | None]:
    """Return a descriptor, 0 for entries without a structure inside the mask, and the other entries as booleans (None for all)."""
    means = products.means(fields.m, fields.xp)
    if fields.mask is None:
        return means, None
    share, seen = _shares(products, fields)
    return fields.xp.where(seen, means / share, fields.xp.zeros_like(means)), seen


def transpose(products: Products, cotangent: Array, fields: Fields) -> Array:
    """Return the cotangent of the phases that the caller gave, from that of the descriptor."""
    xp = fields.xp
    if fields.mask is not None:
        share, seen = _shares(products, fields)
        cotangent = xp.where(seen, cotangent / share, xp.zeros_like(cotangent))
    found = products.transpose(cotangent, fields.m, xp)
    found = found if fields.mask is None else found * fields.mask
    return transpose_explicit(found, fields.ndim) if fields.implied else found


def _shares(products: Products, fields: Fields) -> tuple[Array, Array]:
    """Return the mean products of confidences, 1 where they vanish, and where they do not."""
    xp, mask = fields.xp, fields.mask
    share = products.means(mask, xp)
    seen = share > xp.finfo(share.dtype).smallest_normal
    return xp.where(seen, share, xp.ones_like(share)), seen
