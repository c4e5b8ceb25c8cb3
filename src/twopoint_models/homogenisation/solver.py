"""Conjugate gradients on a periodic grid of elements, preconditioned by the FFT of a homogeneous medium, with a bound of the error."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from twopoint.backend import Array, Namespace, constant, irfftn, rfftn, while_loop

from .element import force, strain
from .laws import Law, add_load, uniform

CAUTION = 0.999  # Gauss-Radau quadrature breaks down if rounding puts an eigenvalue below the bound of the spectrum


class Reference(NamedTuple):
    """A homogeneous medium: the inverse of its stiffness at each frequency, and its moduli."""

    inverse: list[list[Array]]
    moduli: list[Array]  # no axes


class Found(NamedTuple):
    """A solution: displacements, an array (batch, loads, *space) for each component, and a bound of their error."""

    displacement: list[Array]
    error: Array  # (batch, loads), a bound of the error of the energy over the energy
    steps: Array  # no axes


def reference(law: Law, phases: Sequence[Array], like: Array, xp: Namespace) -> Reference:
    """Return the medium whose moduli are the geometric means of the smallest and the largest modulus of the phases, arrays (N,)."""
    space = like.shape[-law.ndim :]
    moduli = law.bounds(phases)
    means = [xp.sqrt(xp.min(each) * xp.max(each)) for each in moduli]
    delta = np.zeros(space)
    delta[(0,) * law.ndim] = 1.0
    point, nothing = constant(delta, like=like), constant(np.zeros(space), like=like)
    coefficients, rows = law.from_bounds(means), []
    for j in range(law.components):
        pushed = [point if i == j else nothing for i in range(law.components)]
        forces = force(law.stress(strain(pushed, law.ndim, xp), coefficients), law.ndim, xp)
        rows.append([rfftn(f, space) * float(math.prod(space)) for f in forces])
    mean = constant(delta[..., : space[-1] // 2 + 1], like=like)  # frequency 0, at which the stiffness vanishes
    return Reference([[entry * (1 - mean) for entry in row] for row in _inverse(rows, mean)], means)


def solve(
    law: Law, coefficients: Sequence[Array], loads: Sequence[int], medium: Reference, tolerance: float, iterations: int, xp: Namespace
) -> Found:
    """Return the displacements under some load cases; coefficients are (batch, 1, *space). Each image and load stops independently."""
    ndim = law.ndim
    space = coefficients[0].shape[-ndim:]
    axes = tuple(range(-ndim, 0))
    pushes = [force(law.stress(uniform(law.loads[a], coefficients[0], ndim, xp), coefficients), ndim, xp) for a in loads]
    residual = [-xp.concat([push[i] for push in pushes], axis=1) for i in range(law.components)]  # (batch, loads, *space)
    mean = xp.concat([_mean_energy(law, a, coefficients, axes, xp) for a in loads], axis=1)  # (batch, loads), over all elements
    least = CAUTION * least_ratio(law, coefficients, medium, xp)  # (batch, 1), lower bound of the spectrum

    def spread(x: Array) -> Array:
        return xp.reshape(x, (*x.shape, *(1,) * ndim))

    def unfinished(state: dict[str, Any]) -> Array:
        """Tell which are not converged, by the Gauss-Radau bound of the remaining energy."""
        left = state["radau"] * state["rz"]
        return left > tolerance * (mean - state["gained"] - left)

    def going(state: dict[str, Any]) -> Array:
        return xp.any(unfinished(state)) & (state["step"] < iterations)

    def step(state: dict[str, Any]) -> dict[str, Any]:
        active = unfinished(state)
        pushed = force(law.stress(strain(state["p"], ndim, xp), coefficients), ndim, xp)
        alpha = _ratio(state["rz"], _dot(state["p"], pushed, axes, xp), active, xp.zeros_like(mean), xp)
        u = [x + spread(alpha) * p for x, p in zip(state["u"], state["p"], strict=True)]
        r = [x - spread(alpha) * f for x, f in zip(state["r"], pushed, strict=True)]
        z = _preconditioned(r, medium, space)
        rz = xp.where(active, _dot(r, z, axes, xp), state["rz"])
        beta = _ratio(rz, state["rz"], active, xp.zeros_like(rz), xp)
        over = xp.maximum(state["radau"] - alpha, xp.zeros_like(alpha))
        radau = _ratio(over, least * over + beta, active, state["radau"], xp)
        p = [x + spread(beta) * q for x, q in zip(z, state["p"], strict=True)]
        gained = state["gained"] + alpha * state["rz"]
        return {"u": u, "r": r, "p": p, "rz": rz, "radau": radau, "gained": gained, "step": state["step"] + 1}

    begin = _at_rest(residual, _preconditioned(residual, medium, space), least, axes, xp)
    end = while_loop(going, step, begin, like=begin["rz"])
    left = end["radau"] * end["rz"]
    return Found(end["u"], left / xp.maximum(mean - end["gained"] - left, 1e-30 * mean), end["step"])


def _at_rest(residual: list[Array], z: list[Array], least: Array, axes: tuple[int, ...], xp: Namespace) -> dict[str, Any]:
    """Return the state before the first step, with zero displacements; z is the preconditioned residual."""
    rz = _dot(residual, z, axes, xp)
    begin = {"u": [xp.zeros_like(x) for x in residual], "r": residual, "p": z, "rz": rz, "gained": xp.zeros_like(rz)}
    return begin | {"radau": xp.ones_like(rz) / least, "step": xp.sum(xp.zeros_like(rz))}


def _dot(a: list[Array], b: list[Array], axes: tuple[int, ...], xp: Namespace) -> Array:
    """Return the scalar products of fields (batch, loads, *space), (batch, loads)."""
    total = 0.0
    for x, y in zip(a, b, strict=True):
        total = total + xp.sum(x * y, axis=axes)
    return total


def _preconditioned(r: list[Array], medium: Reference, space: tuple[int, ...]) -> list[Array]:
    """Return the displacements (batch, loads, *space) of the homogeneous medium under forces."""
    waves = [rfftn(x, space) for x in r]
    found = []
    for row in medium.inverse:
        total = row[0] * waves[0]
        for entry, wave in zip(row[1:], waves[1:], strict=True):
            total = total + entry * wave
        found.append(irfftn(total, space))
    return found


def _ratio(a: Array, b: Array, where: Array, other: Array, xp: Namespace) -> Array:
    """Return a / b where a condition holds and b is above 0, and another number elsewhere."""
    good = b > 0
    return xp.where(where & good, a / xp.where(good, b, xp.ones_like(b)), other)


def densities(law: Law, found: list[Array], a: int, b: int, xp: Namespace) -> list[Array]:
    """Return the energies (batch, *space) of load cases a and b for unit coefficients, from displacements (batch, loads, *space)."""
    modes = [add_load(strain([u[:, k, ...] for u in found], law.ndim, xp), law.loads[k], law.ndim) for k in ((a,) if a == b else (a, b))]
    return law.densities(modes[0], modes[-1])


def least_ratio(law: Law, coefficients: Sequence[Array], medium: Reference, xp: Namespace) -> Array:
    """Return the least ratio (batch, 1) of the energies of a point to those of the medium; coefficients are (batch, 1, *space)."""
    axes = tuple(range(-law.ndim, 0))
    ratios = [xp.min(each, axis=axes) / one for each, one in zip(law.bounds(coefficients), medium.moduli, strict=True)]
    return ratios[0] if len(ratios) == 1 else xp.minimum(*ratios)


def _mean_energy(law: Law, a: int, coefficients: Sequence[Array], axes: tuple[int, ...], xp: Namespace) -> Array:
    """Return the energy of a uniform load case in all elements, (batch, 1)."""
    one = uniform(law.loads[a], np.ones((1,) * law.ndim), law.ndim, np)
    total = 0.0
    for each, coefficient in zip(law.densities(one, one), coefficients, strict=True):
        total = total + float(np.asarray(each).item()) * xp.sum(coefficient, axis=axes)
    return total


def _inverse(rows: list[list[Array]], mean: Array) -> list[list[Array]]:
    """Return the inverse of Hermitian matrices by the adjugate, entry by entry, with a determinant of 1 at frequency 0."""
    k = rows  # k[j][i] is component i of the force under a displacement of component j; the matrix is its transpose
    n = len(k)
    if n == 1:
        return [[1 / (k[0][0] + mean)]]
    if n == 2:
        determinant = k[0][0] * k[1][1] - k[0][1] * k[1][0] + mean
        return [[k[1][1] / determinant, -k[1][0] / determinant], [-k[0][1] / determinant, k[0][0] / determinant]]

    def minor(i: int, j: int) -> Array:
        (a, b), (c, d) = [x for x in range(3) if x != i], [x for x in range(3) if x != j]
        return (-1) ** (i + j) * (k[c][a] * k[d][b] - k[c][b] * k[d][a])  # minor of the matrix K_ab = k[b][a]

    cofactors = [[minor(i, j) for j in range(3)] for i in range(3)]
    determinant = k[0][0] * cofactors[0][0] + k[1][0] * cofactors[0][1] + k[2][0] * cofactors[0][2] + mean
    return [[cofactors[j][i] / determinant for j in range(3)] for i in range(3)]
