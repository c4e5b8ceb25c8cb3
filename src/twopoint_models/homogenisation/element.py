"""Linear elements on a periodic grid, one a pixel, without a matrix: strains, stresses and forces by sums and differences of neighbours.

In a square or cubic element with d-linear shape functions the gradient of a displacement is a sum of monomials of the place, which are
orthogonal. The coefficient a of component i that belongs to the set S of axes is the product of differences along S and means along the
others of the nodal values, and with ``G^T_ij = a_i,(T+j)`` for j outside T the energy of an element is ``sum over T of 12^-|T| [lambda (tr
G^T)^2 + 2 mu |sym G^T|^2]``, exactly as 2^d Gauss points give it. Sums stand for means, and the powers of 2 that this makes are in weights.
"""

from collections.abc import Iterator
from itertools import combinations

from twopoint.backend import Array, Namespace

Axes = tuple[int, ...]
Modes = dict[Axes, list[Array]]  # by set of axes, not the empty one: an array for each component


def sets(ndim: int) -> Iterator[Axes]:
    """Yield the sets of axes, the empty one left out."""
    for size in range(1, ndim + 1):
        yield from combinations(range(ndim), size)


def weight(axes: Axes, ndim: int) -> float:
    """Return what the square of a mode of these axes counts, one of them being the direction of the gradient."""
    return 12.0 ** (1 - len(axes)) * 4.0 ** (len(axes) - ndim)


def strain(displacement: list[Array], ndim: int, xp: Namespace) -> Modes:
    """Return the modes of each element from nodal values, an array (..., *space) a component; element x has the nodes x and x + 1."""
    found: Modes = {(): displacement}
    for axis in range(ndim):
        place, further = axis - ndim, Modes()
        for axes, values in found.items():
            ahead = [xp.roll(u, -1, axis=place) for u in values]
            if axes or axis < ndim - 1:  # sums along all axes give no strain
                further[axes] = [a + u for a, u in zip(ahead, values, strict=True)]
            further[(*axes, axis)] = [a - u for a, u in zip(ahead, values, strict=True)]
        found = further
    return found


def force(stress: Modes, ndim: int, xp: Namespace) -> list[Array]:
    """Return nodal forces from the modes of stress: the transpose of strain."""
    found = dict(stress)
    for axis in range(ndim - 1, -1, -1):
        place, lower = axis - ndim, {}
        for axes in {tuple(a for a in s if a != axis) for s in found}:
            summed, along = found.get(axes), found.get((*axes, axis))
            if along is None:
                assert summed is not None
                lower[axes] = [s + xp.roll(s, 1, axis=place) for s in summed]
            elif summed is None:
                lower[axes] = [xp.roll(d, 1, axis=place) - d for d in along]
            else:
                lower[axes] = [xp.roll(s + d, 1, axis=place) + (s - d) for s, d in zip(summed, along, strict=True)]
        found = lower
    return found[()]
