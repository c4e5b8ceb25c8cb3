"""Linear elements on a periodic grid, one for each pixel, without a matrix: strains and forces by sums and differences of neighbours.

In a square or cubic element with d-linear shape functions the gradient of a displacement is a sum of orthogonal monomials of the position.
The coefficient a of component i that belongs to the set S of axes is the product of differences along S and means along the others of the
nodal values, and with ``G^T_ij = a_i,(T+j)`` for j outside T the energy of an element is ``sum over T of 12^-|T| [lambda (tr G^T)^2 + 2 mu
|sym G^T|^2]``, exactly as by 2^d Gauss points. Sums are used for means; the weights contain the resulting powers of 2.
"""

from collections.abc import Iterator
from itertools import combinations

from twopoint.backend import Array, Namespace

Axes = tuple[int, ...]
Modes = dict[Axes, list[Array]]  # arrays of the components, by non-empty set of axes


def sets(ndim: int) -> Iterator[Axes]:
    """Yield the non-empty sets of axes."""
    for size in range(1, ndim + 1):
        yield from combinations(range(ndim), size)


def weight(axes: Axes, ndim: int) -> float:
    """Return the weight of the square of a mode of these axes, one of which is the direction of the gradient."""
    return 12.0 ** (1 - len(axes)) * 4.0 ** (len(axes) - ndim)


def strain(displacement: list[Array], ndim: int, xp: Namespace) -> Modes:
    """Return the modes of each element from nodal values, arrays (..., *space) of the components; element x has the nodes x and x + 1."""
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
    """Return nodal forces from the modes of stress, the transpose of :func:`strain`."""
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
