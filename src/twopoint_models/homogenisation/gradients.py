"""Gradients for numpy, and local fields."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from twopoint.backend import Array, Namespace, namespace, stop_gradient

from .effective import ITERATIONS, TOLERANCE, solution, solved
from .element import Modes, strain
from .laws import Conducting, Elastic, Law, add_load
from .materials import accuracy_of, batch_of, conducting_phases, elastic_phases, memberships, mixed, numbers, real


def stiffness_gradient(
    m: Float[Array, "*batch_phases_space"],
    cotangent: Float[Array, "*batch strains strains"],
    young: Sequence[float] | Array,
    poisson: Sequence[float] | Array,
    *,
    ndim: int = 2,
    plane: str = "strain",
    implied_phase: bool = False,
    tolerance: float = TOLERANCE,
    iterations: int = ITERATIONS,
) -> Float[Array, "*batch_phases_space"]:
    """Return the gradient, with respect to the memberships, of the sum of cotangent times :func:`elastic_stiffness`, for numpy.

    ``d C_ab / d m_h(x) = eps_a(x) : C_h : eps_b(x) / |space|``, where eps are the strains of the load cases.

    Parameters
    ----------
    m : array (..., N, *space)
        Memberships.
    cotangent : array (..., v, v)
        Derivative of the objective with respect to each entry of C. For E_x and other constants see :func:`engineering_constants`.
    young, poisson, ndim, plane, implied_phase, tolerance, iterations
        As for :func:`elastic_stiffness`. The error of the gradient scales with the square root of the tolerance.

    Returns
    -------
    array of the shape of m
        Phases are treated as independent; with implied_phase, phase 0 compensates for changes of the others.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As :func:`elastic_stiffness`, and if cotangent has another shape.

    References
    ----------
    Cai et al. v2, section 4.3: properties to be designed for. Haftka and Gurdal, *Elements of Structural Optimization* (1992), chapter 7.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.homogenisation import stiffness_gradient
    >>> gray = np.full((2, 8, 8), 0.5)
    >>> pull = np.zeros((3, 3))
    >>> pull[0, 0] = 1
    >>> (64 * stiffness_gradient(gray, pull, [1.0, 3.0], [0.0, 0.0]))[:, 0, 0].round(6)
    array([1., 3.])
    """
    xp = namespace(m=m, cotangent=cotangent)
    whole = memberships(m, ndim, implied_phase, xp)
    phases = elastic_phases(young, poisson, whole.shape[1], plane, ndim, whole, xp)
    return _gradient(Elastic(ndim), m, whole, cotangent, phases, accuracy_of(tolerance, iterations, whole, xp), xp)


def conductivity_gradient(
    m: Float[Array, "*batch_phases_space"],
    cotangent: Float[Array, "*batch ndim ndim"],
    conductivities: Sequence[float] | Array,
    *,
    ndim: int = 2,
    implied_phase: bool = False,
    tolerance: float = TOLERANCE,
    iterations: int = ITERATIONS,
) -> Float[Array, "*batch_phases_space"]:
    """Return the gradient, with respect to the memberships, of the sum of cotangent times :func:`conductivity`, for numpy.

    Parameters
    ----------
    m : array (..., N, *space)
        Memberships.
    cotangent : array (..., ndim, ndim)
        Derivative of the objective with respect to each entry of the conductivity.
    conductivities, ndim, implied_phase, tolerance, iterations
        As for :func:`conductivity`.

    Returns
    -------
    array of the shape of m

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As :func:`conductivity`, and if cotangent has another shape.

    References
    ----------
    As :func:`stiffness_gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.homogenisation import conductivity_gradient
    >>> (64 * conductivity_gradient(np.full((2, 8, 8), 0.5), np.eye(2), [1.0, 3.0]))[:, 0, 0].round(6)
    array([2., 6.])
    """
    xp = namespace(m=m, cotangent=cotangent)
    whole = memberships(m, ndim, implied_phase, xp)
    phases = conducting_phases(conductivities, whole.shape[1], whole, xp)
    return _gradient(Conducting(ndim), m, whole, cotangent, phases, accuracy_of(tolerance, iterations, whole, xp), xp)


def local_fields(
    m: Float[Array, "*batch_phases_space"],
    load: Sequence[float],
    young: Sequence[float] | Array,
    poisson: Sequence[float] | Array,
    *,
    ndim: int = 2,
    plane: str = "strain",
    implied_phase: bool = False,
    tolerance: float = TOLERANCE,
    iterations: int = ITERATIONS,
) -> tuple[Float[Array, "*batch_strains_space"], Float[Array, "*batch_strains_space"]]:
    """Return the mean strain and stress of each element under a given mean strain.

    Parameters
    ----------
    m : array (..., N, *space)
        Memberships.
    load : v numbers
        The mean strain in Voigt order with engineering shear.
    young, poisson, ndim, plane, implied_phase, tolerance, iterations
        As for :func:`elastic_stiffness`. The error of the fields scales with the square root of the tolerance.

    Returns
    -------
    strain : array (..., v, *space)
        Strains in Voigt order with engineering shear; their mean over space is the load.
    stress : array (..., v, *space)
        Stresses in the unit of young; their mean over space is C times the load.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As :func:`elastic_stiffness`, and if load is not v numbers.

    References
    ----------
    Cai et al. v2, section 4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.homogenisation import local_fields
    >>> layers = np.zeros((2, 8, 8))
    >>> layers[0, :4], layers[1, 4:] = 1, 1
    >>> strain, stress = local_fields(layers, [1, 0, 0], [1.0, 3.0], [0.0, 0.0])
    >>> strain[0, ::4, 0].round(6), stress[0, ::4, 0].round(6)
    (array([1.5, 0.5]), array([1.5, 1.5]))
    """
    xp = namespace(m=m)
    whole = memberships(stop_gradient(m), ndim, implied_phase, xp)
    phases = elastic_phases(young, poisson, whole.shape[1], plane, ndim, whole, xp)
    law = Elastic(ndim)
    strains = _combined(law, whole, phases, load, accuracy_of(tolerance, iterations, whole, xp), xp)
    first, shear = mixed(whole, phases, xp)
    places = [(i, i) for i in range(ndim)] + [(0, 1)] * (ndim == 2) + [(1, 2), (0, 2), (0, 1)] * (ndim == 3)
    trace = sum(strains[i, i] for i in range(ndim))
    stresses = [first * trace + 2 * shear * strains[i, j] if i == j else shear * strains[i, j] for i, j in places]
    shape = (*batch_of(m, ndim), len(places), *whole.shape[2:])
    return xp.reshape(xp.stack([strains[p] for p in places], axis=1), shape), xp.reshape(xp.stack(stresses, axis=1), shape)


def _combined(
    law: Elastic, m: Array, phases: Sequence[Array], load: Sequence[float], accuracy: tuple[float, int], xp: Namespace
) -> dict[tuple[int, int], Array]:
    """Return the mean strain of each element, (batch, *space) for each pair of axes, with engineering shear."""
    given = numbers("load", load)
    if given.shape != (len(law.loads),):
        raise ValueError(f"load must be {len(law.loads)} numbers, a strain in Voigt order, got {load!r}")
    displacement, _ = solution(law, m, phases, accuracy, xp)
    total = [sum(float(x) * u[:, k, ...] for k, x in enumerate(given)) for u in displacement]
    gradient = sum(x * unit for x, unit in zip(given, law.loads, strict=True))
    modes: Modes = add_load(strain(total, law.ndim, xp), np.asarray(gradient), law.ndim)
    scale = 0.5 ** (law.ndim - 1)
    axes = range(law.ndim)
    return {(i, j): scale * (modes[j,][i] if i == j else modes[j,][i] + modes[i,][j]) for i in axes for j in axes if i <= j}


def _gradient(
    law: Law, m: Array, whole: Array, cotangent: Array, phases: Sequence[Array], accuracy: tuple[float, int], xp: Namespace
) -> Array:
    """Return the gradient of the shape of m."""
    v, batch = len(law.loads), batch_of(m, law.ndim)
    real("cotangent", cotangent, xp)
    if tuple(cotangent.shape) != (*batch, v, v):
        raise ValueError(f"cotangent must have the shape {(*batch, v, v)}, got {tuple(cotangent.shape)}")
    weights = xp.reshape(xp.astype(cotangent, whole.dtype), (-1, v, v))
    known = solved(law, whole, phases, accuracy, xp)
    total = [xp.zeros_like(whole[:, 0, ...]) for _ in phases]
    for a in range(v):
        for b in range(a, v):
            both = weights[:, a, b] + (weights[:, b, a] if a < b else 0)
            both = xp.reshape(both, (-1, *(1,) * law.ndim))
            total = [t + both * d for t, d in zip(total, known(a, b), strict=True)]
    points = 1.0
    for n in whole.shape[2:]:
        points *= n
    shape = (1, -1, *(1,) * law.ndim)
    found = sum(xp.reshape(stop_gradient(p), shape) * t[:, None, ...] for p, t in zip(phases, total, strict=True)) / points
    if whole.shape[1] != m.shape[-law.ndim - 1]:  # phase 0 is implied
        found = found[:, 1:, ...] - found[:, :1, ...]
    return xp.reshape(found, m.shape)
