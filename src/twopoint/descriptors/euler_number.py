"""The Euler number: the alternating sum over the cells of a phase."""

import itertools
from dataclasses import dataclass

from jaxtyping import Bool, Float

from ..arrays.namespace import widest
from ..arrays.types import Array, Namespace
from ..statistics.lags import along
from .evaluation import evaluate
from .fields import Fields, fields_of, finish_descriptor, require_connectivity


def euler_number(
    m: Float[Array, "*microstructure"] | Bool[Array, "*microstructure"],
    *,
    ndim: int = 2,
    boundary: str = "periodic",
    connectivity: str = "faces",
    implied_phase: bool = False,
) -> Float[Array, "*batch phases"]:
    """Return the Euler number of each phase: clusters minus holes in 2-D, clusters minus tunnels plus cavities in 3-D.

    With "faces" it is ``sum over blocks of 1 or 2 points along each axis of (-1)^k times the product of m over the block``, where k is the
    number of axes along which the block has 2 points: points minus pairs of neighbours plus squares, minus cubes. With "corners" it is
    ``sum over the vertices, edges, ... of the points of (-1)^dimension (1 - product of (1 - m) over the points around it)``. Both are
    polynomials in m, and so differentiable.

    Parameters
    ----------
    m : array (..., N, *space)
        Microstructure function, the probability of each phase at each point; with ``implied_phase=True`` phases 1..N-1 only.
    ndim : int
        Number of spatial axes, 1, 2 or 3.
    boundary : "periodic" or "open"
        With "periodic" the number is that of the phase on a torus, where a full image and a band that closes on itself have 0. With "open"
        nothing of the phase lies outside.
    connectivity : "faces" or "corners"
        Whether points are connected if they have a face in common (4 neighbours in 2-D, 6 in 3-D), or a corner (8 or 26).
    implied_phase : bool
        Phase 0 is one minus the sum of the phases in m.

    Returns
    -------
    array (..., N)
        A whole number for indicators, as a float.

    Raises
    ------
    TypeError
        If m is not an array, or is complex or of integers.
    ValueError
        If an option is invalid, or the shape of m does not fit.

    References
    ----------
    Serra, Image Analysis and Mathematical Morphology (1982), chapter VI; Legland et al. (2007), doi:10.5566/ias.v26.p83-92.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> ring = np.array([[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 0, 1], [0, 1, 1, 1]])
    >>> tp.euler_number(tp.two_phase(ring), boundary="open")
    array([2., 0.])
    """
    fields = fields_of(m, ndim, boundary, implied_phase=implied_phase)
    values, _ = evaluate(cells_of(fields, connectivity), fields)
    return finish_descriptor(values, m, fields.xp)


def cells_of(fields: Fields, connectivity: str) -> "Cells":
    """Return the cells of a space."""
    require_connectivity(connectivity)
    return Cells(fields.space, fields.periodic, connectivity == "corners")


@dataclass(frozen=True)
class Cells:
    """Blocks of one or two points along each axis of a space. Blocks of the complement are the corners, edges, ... of a phase."""

    space: tuple[int, ...]
    periodic: bool
    corners: bool

    @property
    def unseen(self) -> float:
        """The fraction of the entries that nothing in the space spans."""
        return 0.0

    def means(self, m: Array, xp: Namespace) -> Array:
        """Return the Euler number, (..., N)."""
        ndim = len(self.space)
        blocks = self._blocks(1 - m if self.corners else m, xp)
        axes, dtype = tuple(range(-ndim, 0)), widest(m, xp)
        total = sum(_sign(cell) * xp.sum(block, axis=axes, dtype=dtype) for cell, block in blocks.items())
        return (-1) ** ndim * (self._whole - total) if self.corners else total

    def transpose(self, cotangent: Array, m: Array, xp: Namespace) -> Array:
        """Return the cotangent of m from that of the Euler number, (..., N)."""
        ndim = len(self.space)
        blocks = self._blocks(1 - m if self.corners else m, xp)
        each = xp.reshape(xp.astype(cotangent, m.dtype), (*cotangent.shape, *(1,) * ndim))
        each = each * (-1) ** ndim if self.corners else each  # the product is of 1 - m, with the opposite sign
        found = {cell: _sign(cell) * each for cell in blocks}
        for cell in list(blocks)[:0:-1]:
            axis, smaller = cell[-1] - ndim, cell[:-1]
            back = xp.broadcast_to(found.pop(cell), blocks[cell].shape)
            ahead, behind = (self._neighbours(blocks[smaller], axis, xp)[i] * back for i in (1, 0))
            found[smaller] = found[smaller] + self._join(ahead, behind, blocks[smaller], axis, xp)
        return self._inside(xp.broadcast_to(found[()], blocks[()].shape))

    @property
    def _whole(self) -> int:
        """The Euler number of the whole space, 0 for a torus and 1 for a box."""
        return 0 if self.periodic else 1

    def _blocks(self, m: Array, xp: Namespace) -> dict[tuple[int, ...], Array]:
        """Return the products over blocks that have two points along some axes, from the single points on."""
        ndim = len(self.space)
        if self.corners and not self.periodic:  # the corners at the border have points outside, which are of the complement
            for axis in range(-ndim, 0):
                ones = xp.ones_like(along(m, axis, 0, 1))
                m = xp.concat([ones, m, ones], axis=axis)
        blocks: dict[tuple[int, ...], Array] = {(): m}
        for cell in (cell for n in range(1, ndim + 1) for cell in itertools.combinations(range(ndim), n)):
            first, second = self._neighbours(blocks[cell[:-1]], cell[-1] - ndim, xp)
            blocks[cell] = first * second
        return blocks

    def _neighbours(self, x: Array, axis: int, xp: Namespace) -> tuple[Array, Array]:
        """Return the first and the second points of all pairs of neighbours along an axis."""
        if self.periodic:
            return x, xp.roll(x, -1, axis=axis)
        return along(x, axis, 0, x.shape[axis] - 1), along(x, axis, 1, x.shape[axis])

    def _join(self, first: Array, second: Array, like: Array, axis: int, xp: Namespace) -> Array:
        """Transpose _neighbours."""
        if self.periodic:
            return first + xp.roll(second, 1, axis=axis)
        zeros = xp.zeros_like(along(like, axis, 0, 1))
        return xp.concat([first, zeros], axis=axis) + xp.concat([zeros, second], axis=axis)

    def _inside(self, x: Array) -> Array:
        """Remove the points outside that _blocks adds."""
        if self.corners and not self.periodic:
            for axis in range(-len(self.space), 0):
                x = along(x, axis, 1, x.shape[axis] - 1)
        return x


def _sign(cell: tuple[int, ...]) -> int:
    """Return the sign of a block that has two points along some axes."""
    return -1 if len(cell) % 2 else 1
