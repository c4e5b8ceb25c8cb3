"""Material laws: stresses and energies of isotropic elastic and of conducting elements, in the modes of the elements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from twopoint.backend import Array, Namespace

from .element import Modes, sets, weight


class Law(Protocol):
    """A linear law whose stiffness is linear in a few coefficients at each point."""

    @property
    def ndim(self) -> int:
        """Return the number of axes of space."""

    @property
    def components(self) -> int:
        """Return the number of components at a node."""

    @property
    def loads(self) -> tuple[np.ndarray, ...]:
        """Return the gradients (components, ndim) of the load cases, in the order of the effective tensor."""

    def stress(self, modes: Modes, coefficients: Sequence[Array]) -> Modes:
        """Return the weighted stress of each mode."""

    def densities(self, a: Modes, b: Modes) -> list[Array]:
        """Return, for each coefficient, the energy of two strains if it is 1 and the others are 0."""

    def bounds(self, coefficients: Sequence[Array]) -> list[Array]:
        """Return moduli whose ratios bound the ratios of the energies of two stiffnesses."""

    def from_bounds(self, moduli: Sequence[Array]) -> list[Array]:
        """Return the coefficients with these moduli."""


@dataclass(frozen=True)
class Elastic:
    """Isotropic elasticity with the coefficients lambda and mu; the load cases are unit strains in Voigt order with engineering shear."""

    ndim: int

    @property
    def components(self) -> int:
        """Return the number of displacements."""
        return self.ndim

    @property
    def loads(self) -> tuple[np.ndarray, ...]:
        """Return the unit strains (ndim, ndim)."""
        normal = [(i, i) for i in range(self.ndim)]
        shear = [(0, 1)] if self.ndim == 2 else [(1, 2), (0, 2), (0, 1)]
        return tuple(_symmetric(i, j, self.ndim) for i, j in normal + shear)

    def stress(self, modes: Modes, coefficients: Sequence[Array]) -> Modes:
        """Return the weighted stress of each mode."""
        first, shear = coefficients
        found: Modes = {}
        for axes in sets(self.ndim):
            each = []
            for i in range(self.components):
                if i in axes:
                    part = (len(axes) + 1) * shear * modes[axes][i] + first * self._trace(modes, _without(axes, i))
                else:
                    part = len(axes) * modes[axes][i]
                    for j in axes:
                        part = part + modes[_with(_without(axes, j), i)][j]
                    part = shear * part
                each.append(weight(axes, self.ndim) * part)
            found[axes] = each
        return found

    def densities(self, a: Modes, b: Modes) -> list[Array]:
        """Return the energies of two strains for lambda = 1 and for mu = 1."""
        bulk = shear = 0.0
        for axes in ((), *sets(self.ndim)):
            if len(axes) < self.ndim:
                bulk = bulk + weight((*axes, -1), self.ndim) * self._trace(a, axes) * self._trace(b, axes)
        one = self.stress(a, (0.0, 1.0))
        for axes, each in one.items():
            for s, e in zip(each, b[axes], strict=True):
                shear = shear + s * e
        return [bulk, shear]

    def bounds(self, coefficients: Sequence[Array]) -> list[Array]:
        """Return bulk and shear moduli, whose ratios bound those of the energies of isotropic tensors."""
        first, shear = coefficients
        return [first + 2 / self.ndim * shear, shear]

    def from_bounds(self, moduli: Sequence[Array]) -> list[Array]:
        """Return lambda and mu of bulk and shear moduli."""
        return [moduli[0] - 2 / self.ndim * moduli[1], moduli[1]]

    def _trace(self, modes: Modes, axes: tuple[int, ...]) -> Array:
        """Return the trace of the gradient that belongs to a set of axes."""
        total = None
        for k in range(self.ndim):
            if k not in axes:
                part = modes[_with(axes, k)][k]
                total = part if total is None else total + part
        return total


@dataclass(frozen=True)
class Conducting:
    """Conduction with the conductivity as coefficient; the load cases are unit gradients along the axes."""

    ndim: int

    @property
    def components(self) -> int:
        """Return the number of fields."""
        return 1

    @property
    def loads(self) -> tuple[np.ndarray, ...]:
        """Return the unit gradients (1, ndim)."""
        return tuple(np.eye(self.ndim)[i][None] for i in range(self.ndim))

    def stress(self, modes: Modes, coefficients: Sequence[Array]) -> Modes:
        """Return the weighted flux of each mode."""
        return {axes: [len(axes) * weight(axes, self.ndim) * coefficients[0] * modes[axes][0]] for axes in sets(self.ndim)}

    def densities(self, a: Modes, b: Modes) -> list[Array]:
        """Return the energy of two gradients for a conductivity of 1."""
        total = 0.0
        for axes in sets(self.ndim):
            total = total + len(axes) * weight(axes, self.ndim) * a[axes][0] * b[axes][0]
        return [total]

    def bounds(self, coefficients: Sequence[Array]) -> list[Array]:
        """Return the conductivity."""
        return [coefficients[0]]

    def from_bounds(self, moduli: Sequence[Array]) -> list[Array]:
        """Return the conductivity."""
        return [moduli[0]]


def add_load(modes: Modes, load: np.ndarray, ndim: int) -> Modes:
    """Return the modes with a uniform gradient (components, ndim) added."""
    return {
        axes: [u + float(load[i, axes[0]]) * 2.0 ** (ndim - 1) if len(axes) == 1 and load[i, axes[0]] else u for i, u in enumerate(each)]
        for axes, each in modes.items()
    }


def uniform(load: np.ndarray, like: Array, ndim: int, xp: Namespace) -> Modes:
    """Return the modes of a uniform gradient (components, ndim)."""
    return add_load({axes: [xp.zeros_like(like) for _ in load] for axes in sets(ndim)}, load, ndim)


def _symmetric(i: int, j: int, ndim: int) -> np.ndarray:
    """Return a unit strain; an engineering shear has one half in each entry."""
    found = np.zeros((ndim, ndim))
    found[i, j] += 0.5
    found[j, i] += 0.5
    return found


def _without(axes: tuple[int, ...], i: int) -> tuple[int, ...]:
    """Return a set of axes without one."""
    return tuple(a for a in axes if a != i)


def _with(axes: tuple[int, ...], i: int) -> tuple[int, ...]:
    """Return a set of axes with one more, sorted."""
    return tuple(sorted((*axes, i)))
