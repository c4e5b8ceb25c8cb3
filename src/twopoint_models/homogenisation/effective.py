"""Effective properties of periodic microstructures by finite elements, one for each pixel or voxel, with gradients."""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from jaxtyping import Float

from twopoint.backend import Array, Namespace, compiled, is_concrete, namespace, on_cpu, one_thread, stop_gradient

from .laws import Conducting, Elastic, Law
from .materials import accuracy_of, batch_of, conducting_phases, elastic_phases, memberships, mixed
from .solver import Found, Reference, densities, least_ratio, reference, solve

TOLERANCE, ITERATIONS = 1e-4, 1000
CACHED = 160_000  # points times loads of a chunk on a CPU (measured): three loads of 224 x 224
HELD = 1 << 26  # points times loads of a chunk on an accelerator, which bounds the memory
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def elastic_stiffness(
    m: Float[Array, "*batch_phases_space"],
    young: Sequence[float] | Array,
    poisson: Sequence[float] | Array,
    *,
    ndim: int = 2,
    plane: str = "strain",
    implied_phase: bool = False,
    tolerance: float = TOLERANCE,
    iterations: int = ITERATIONS,
) -> Float[Array, "*batch strains strains"]:
    """Return the effective stiffness of periodic microstructures.

    ``E . C E = min over periodic u of mean over x of (E + grad u) : C(x) : (E + grad u)`` with ``C(x) = sum_h m_h(x) C_h``, by d-linear
    elements, one for each point, and conjugate gradients preconditioned by the FFT of a homogeneous medium. The energy is stationary in u.
    So the gradient with respect to memberships and properties needs no second solution, and the error of C is of second order in that of u.
    Only first derivatives are right: u is treated as constant, which drops a term of the second derivatives.

    Parameters
    ----------
    m : array (..., N, *space)
        Memberships of N phases, at least 0 with the sum 1 at each point. Torch and jax differentiate with respect to them.
    young : N numbers, or array (N,)
        Young's modulus of each phase, above 0, in any unit. Torch and jax differentiate with respect to an array.
    poisson : N numbers, or array (N,)
        Poisson's ratio of each phase, above -1 and below 0.5.
    ndim : int
        2 or 3.
    plane : "strain" or "stress"
        Used in two dimensions only.
    implied_phase : bool
        Whether m holds phases 1..N-1 only; phase 0 is one minus their sum.
    tolerance : float
        Relative tolerance of the diagonal entries. Iterations stop when a bound of the error (Gauss-Radau quadrature with the bound of the
        spectrum from the phases) is below it. The error of an entry C_ab is then at most tolerance times ``sqrt(C_aa C_bb)``.
    iterations : int
        Largest number of iterations.

    Returns
    -------
    array (..., v, v)
        v is 3 in two dimensions (xx, yy, xy) and 6 in three (xx, yy, zz, yz, xz, xy), with engineering shear strains, in the unit of young;
        x is the first axis of space. In a traced program, results that have not converged are NaN.

    Raises
    ------
    TypeError
        If m is not an array of real floats, or a property is not a number.
    ValueError
        If m has too few axes or is not finite, phases do not sum to one, a property is out of its range (a void is a phase of small
        stiffness), an option is invalid, or the tolerance is finer than the dtype allows.
    RuntimeError
        If the iterations do not converge; the message states the reached bound.

    References
    ----------
    Cai et al. v2, section 4.3. Leute et al., *Elimination of ringing artifacts by finite-element projection in FFT-based homogenization*,
    J. Comput. Phys. 453 (2022) 110931; Ladecky et al., *An optimal preconditioned FFT-accelerated finite element solver for
    homogenization*, Appl. Math. Comput. 446 (2023) 127835. Meurant and Tichy, *On computing quadrature-based bounds for the A-norm of the
    error in conjugate gradients*, Numer. Algorithms 62 (2013) 163.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.homogenisation import elastic_stiffness
    >>> layers = np.zeros((2, 8, 8))
    >>> layers[0, :4], layers[1, 4:] = 1, 1
    >>> C = elastic_stiffness(layers, [1.0, 3.0], [0.0, 0.0])
    >>> C.shape, C[0, 0].round(6).item(), C[1, 1].round(6).item()
    ((3, 3), 1.5, 2.0)
    """
    xp = namespace(m=m)
    whole = memberships(m, ndim, implied_phase, xp)
    phases = elastic_phases(young, poisson, whole.shape[1], plane, ndim, whole, xp)
    return _effective(Elastic(ndim), whole, phases, batch_of(m, ndim), accuracy_of(tolerance, iterations, whole, xp), xp)


def conductivity(
    m: Float[Array, "*batch_phases_space"],
    conductivities: Sequence[float] | Array,
    *,
    ndim: int = 2,
    implied_phase: bool = False,
    tolerance: float = TOLERANCE,
    iterations: int = ITERATIONS,
) -> Float[Array, "*batch ndim ndim"]:
    """Return the effective conductivity of periodic microstructures: thermal, electric or diffusive.

    The method is that of :func:`elastic_stiffness`, for a scalar field: ``G . K G = min over periodic u of mean over x of k(x) |G + grad
    u|^2``.

    Parameters
    ----------
    m : array (..., N, *space)
        Memberships of N phases, at least 0 with the sum 1 at each point.
    conductivities : N numbers, or array (N,)
        Conductivity of each phase, above 0, in any unit.
    ndim : int
        1, 2 or 3.
    implied_phase, tolerance, iterations
        As for :func:`elastic_stiffness`.

    Returns
    -------
    array (..., ndim, ndim)
        Conductivities in the unit of the input; x is the first axis of space.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As :func:`elastic_stiffness`.

    References
    ----------
    MICRO2D's homogenized_thermal (Robertson et al. 2024): k_x and k_y are the diagonal.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.homogenisation import conductivity
    >>> layers = np.zeros((2, 8, 8))
    >>> layers[0, :4], layers[1, 4:] = 1, 1
    >>> conductivity(layers, [1.0, 3.0]).round(6)
    array([[1.5, 0. ],
           [0. , 2. ]])
    """
    xp = namespace(m=m)
    whole = memberships(m, ndim, implied_phase, xp)
    phases = conducting_phases(conductivities, whole.shape[1], whole, xp)
    return _effective(Conducting(ndim), whole, phases, batch_of(m, ndim), accuracy_of(tolerance, iterations, whole, xp), xp)


def _effective(law: Law, m: Array, phases: Sequence[Array], batch: tuple[int, ...], accuracy: tuple[float, int], xp: Namespace) -> Array:
    """Return the effective tensor (*batch, v, v)."""
    v = len(law.loads)
    coefficients, entries = mixed(m, phases, xp), {}
    known = solved(law, m, phases, accuracy, xp)
    for a in range(v):
        for b in range(a, v):
            parts = [xp.mean(c * d, axis=tuple(range(1, law.ndim + 1))) for c, d in zip(coefficients, known(a, b), strict=True)]
            entries[a, b] = entries[b, a] = sum(parts[1:], parts[0])
    found = xp.stack([xp.stack([entries[a, b] for b in range(v)], axis=-1) for a in range(v)], axis=-2)
    return xp.reshape(found, (*batch, v, v))


def solved(law: Law, m: Array, phases: Sequence[Array], accuracy: tuple[float, int], xp: Namespace) -> Callable[[int, int], list[Array]]:
    """Return a function of two loads that returns their energies (batch, *space) for each coefficient."""
    displacement, _ = solution(law, m, phases, accuracy, xp)
    return lambda a, b: densities(law, displacement, a, b, xp)


def solution(law: Law, m: Array, phases: Sequence[Array], accuracy: tuple[float, int], xp: Namespace) -> tuple[list[Array], Array]:
    """Return the displacements, an array (batch, loads, *space) for each component, as constants, and bounds of errors (batch, loads).

    Raises RuntimeError if a solution has not converged; in a traced program it is NaN.
    """
    phases = [stop_gradient(p) for p in phases]
    fixed = [c[:, None, ...] for c in mixed(stop_gradient(m), phases, xp)]
    chosen = compiled(reference, like=fixed[0], static=("law", "xp"))
    medium, parts = chosen(law=law, phases=phases, like=fixed[0][0, 0, ...], xp=xp), _parts(law, fixed[0])
    _refuse_slack(law, fixed, medium, xp)
    run = _runner(law, fixed, medium, accuracy, xp)
    found = _in_threads(run, parts) if isinstance(m, np.ndarray) and len(parts) > 1 else [run(part) for part in parts]
    rows: dict[int, list[Found]] = {part[0].start: [] for part in parts}
    for part, each in zip(parts, found, strict=True):
        rows[part[0].start].append(each)  # groups of loads of the same images
    joined = [_joined([each.displacement for each in row], xp) for row in rows.values()]
    errors = xp.concat([xp.concat([each.error for each in row], axis=1) for row in rows.values()], axis=0)
    displacement = [xp.concat([each[i] for each in joined], axis=0) for i in range(law.components)]
    if not is_concrete(errors):
        trust = xp.where(errors <= accuracy[0], xp.ones_like(errors), math.nan * errors)
        trust = xp.reshape(trust, (*errors.shape, *(1,) * law.ndim))
        return [u * trust for u in displacement], errors
    if not bool(xp.all(errors <= accuracy[0])):
        bound = float(xp.max(errors))
        raise RuntimeError(
            f"no convergence in {accuracy[1]} iterations: the error is at most {bound:.2g}, where {accuracy[0]:g} is required"
        )
    return displacement, errors


def _refuse_slack(law: Law, fixed: list[Array], medium: Reference, xp: Namespace) -> None:
    """Refuse points without positive stiffness, which rounding of memberships can cause at high contrast."""
    least = xp.min(least_ratio(law, fixed, medium, xp))
    if is_concrete(least) and not float(least) > 0:
        raise ValueError("m must give each point a stiffness above 0: it is below 0 by rounding, too much for so high a contrast of phases")


def _joined(rows: list[list[Array]], xp: Namespace) -> list[Array]:
    """Concatenate the components of several groups of loads."""
    return [xp.concat([row[i] for row in rows], axis=1) for i in range(len(rows[0]))]


def _runner(law: Law, fixed: list[Array], medium: Reference, accuracy: tuple[float, int], xp: Namespace) -> Callable[[Any], Any]:
    """Return a function that solves a part, a slice of the images and loads."""
    program = compiled(solve, like=fixed[0], static=("law", "loads", "xp"))

    def run(part: tuple[slice, tuple[int, ...]]) -> Any:
        chunk = [c[part[0], ...] for c in fixed]
        return program(law=law, coefficients=chunk, loads=part[1], medium=medium, tolerance=accuracy[0], iterations=accuracy[1], xp=xp)

    return run


def _in_threads(run: Callable[[Any], Any], parts: list[Any]) -> list[Any]:
    """Return the results for all parts, computed in as many threads as there are cores."""

    def alone(part: Any) -> Any:
        with one_thread():
            return run(part)

    with ThreadPoolExecutor(CORES) as pool:
        return list(pool.map(alone, parts))


def _parts(law: Law, like: Array) -> list[tuple[slice, tuple[int, ...]]]:
    """Return slices of the batch with their loads. Large images are solved load by load, so that the work stays in cache."""
    images, loads = like.shape[0], tuple(range(len(law.loads)))
    if not is_concrete(like):
        return [(slice(0, images), loads)]
    points = math.prod(like.shape[2:])
    room = CACHED if on_cpu(like) else HELD
    each = max(1, room // (points * len(loads)))
    groups = [loads] if points * len(loads) <= room // 4 else [(a,) for a in loads]
    return [(slice(i, min(i + each, images)), group) for i in range(0, images, each) for group in groups]
