"""Phases: checks of memberships and properties, and the mixture at each point."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from twopoint.backend import Array, Namespace, constant, is_concrete, namespace, stop_gradient

SUM = 1e-4  # tolerance of the sum of memberships at a point; a softmax is off by 1e-6 in single precision, more in half precision
PLANES = ("strain", "stress")
VOID = "a void is given as a phase of small stiffness: 1e-4 of the stiffest adds some 1e-3 of it to the result, more where bridges are thin"


def memberships(m: Array, ndim: int, implied_phase: bool, xp: Namespace) -> Array:
    """Return all N phases at each point, (batch, N, *space); refuse invalid memberships."""
    dimensions(ndim)
    real("m", m, xp, "; one_hot(labels, n_phases) makes phases of labels")
    if len(m.shape) < ndim + 1 or 0 in m.shape:
        raise ValueError(f"m must have the shape (batch, phases, *space) with {ndim} axes of space, got {tuple(m.shape)}")
    slack = max(SUM, float(xp.finfo(m.dtype).eps))
    m = xp.astype(m, m.dtype if xp.finfo(m.dtype).bits >= 32 else xp.float32)
    m = xp.reshape(m, (-1, *m.shape[-ndim - 1 :]))
    if implied_phase:
        m = xp.concat([1 - xp.sum(m, axis=1, keepdims=True), m], axis=1)
    if is_concrete(m):
        values = stop_gradient(m)
        if not bool(xp.all(xp.isfinite(values))):
            raise ValueError("m must be finite, got NaN or infinity")
        off = float(xp.max(xp.abs(xp.sum(values, axis=1) - 1)))
        if off > slack:
            raise ValueError(f"m must hold phases that sum to one at each point, got one off by {off:.3g}; implied_phase=True adds phase 0")
        if float(xp.min(values)) < -slack:
            raise ValueError(f"m must hold phases of 0 at least, got {float(xp.min(values)):.3g}")
    return m


def dimensions(ndim: Any, *, least: int = 1) -> None:
    """Refuse an invalid number of axes."""
    if isinstance(ndim, bool) or not hasattr(ndim, "__index__") or not least <= ndim <= 3:
        allowed = "1, 2 or 3" if least == 1 else "2 or 3 for elasticity"
        raise ValueError(f"ndim must be {allowed}, got {ndim!r}")


def real(name: str, x: Array, xp: Namespace, hint: str = "") -> None:
    """Refuse an array that is not real floating."""
    if not xp.isdtype(x.dtype, "real floating"):
        raise TypeError(f"{name} must be of a real floating dtype, got {x.dtype}{hint}")


def elastic_phases(young: Any, poisson: Any, n: int, plane: str, ndim: int, like: Array, xp: Namespace) -> list[Array]:
    """Return lambda and mu of each phase, arrays (N,); under plane stress, lambda of the plane."""
    if plane not in PLANES:
        raise ValueError(f"plane must be one of {', '.join(map(repr, PLANES))}, got {plane!r}")
    dimensions(ndim, least=2)
    stiff, ratio = _values("young", young, n, like), _values("poisson", poisson, n, like)
    if is_concrete(stiff) and not bool(xp.all(stiff > 0)):
        raise ValueError(f"young must be above 0 for each phase, got {_shown(young)}; {VOID}")
    if is_concrete(ratio) and not bool(xp.all((ratio > -1) & (ratio < 0.5))):
        raise ValueError(f"poisson must be above -1 and below 0.5 for each phase, got {_shown(poisson)}")
    shear = stiff / (2 * (1 + ratio))
    if ndim == 2 and plane == "stress":
        return [stiff * ratio / (1 - ratio**2), shear]
    return [stiff * ratio / ((1 + ratio) * (1 - 2 * ratio)), shear]


def conducting_phases(conductivities: Any, n: int, like: Array, xp: Namespace) -> list[Array]:
    """Return the conductivity of each phase, an array (N,)."""
    found = _values("conductivities", conductivities, n, like)
    if is_concrete(found) and not bool(xp.all(found > 0)):
        raise ValueError(f"conductivities must be above 0 for each phase, got {_shown(conductivities)}; {VOID}")
    return [found]


def batch_of(m: Array, ndim: int) -> tuple[int, ...]:
    """Return the batch axes of memberships."""
    return tuple(m.shape[: -ndim - 1])


def accuracy_of(tolerance: Any, iterations: Any, m: Array, xp: Namespace) -> tuple[float, int]:
    """Return tolerance and iterations; refuse invalid ones."""
    least = 8 * float(xp.finfo(m.dtype).eps)
    if isinstance(tolerance, bool) or not isinstance(tolerance, Real) or not least <= float(tolerance) < 1:
        raise ValueError(f"tolerance must be below 1 and at least {least:.1g} in {m.dtype}, got {tolerance!r}")
    if isinstance(iterations, bool) or not isinstance(iterations, Integral) or int(iterations) < 1:
        raise ValueError(f"iterations must be an integer above 0, got {iterations!r}")
    return float(tolerance), int(iterations)


def mixed(m: Array, phases: Sequence[Array], xp: Namespace) -> list[Array]:
    """Return each coefficient at each point, (batch, *space): the sum over phases of memberships times theirs."""
    shape = (1, -1, *(1,) * (len(m.shape) - 2))
    return [xp.sum(m * xp.reshape(each, shape), axis=1) for each in phases]


def _values(name: str, values: Any, n: int, like: Array) -> Array:
    """Return one finite number for each phase as an array (N,) of the library, dtype and device of ``like``; arrays stay differentiable."""
    if hasattr(values, "dtype") and hasattr(values, "shape") and not isinstance(values, (np.ndarray, np.generic)):
        xp = namespace(**{"m": like, name: values})
        if not xp.isdtype(values.dtype, ("real floating", "integral")):
            raise TypeError(f"{name} must be real numbers, got {values.dtype}")
        if is_concrete(values) and not bool(xp.all(xp.isfinite(stop_gradient(values)))):
            raise ValueError(f"{name} must be finite, got {_shown(values)}")
        found = xp.astype(values, like.dtype)
    else:
        found = constant(numbers(name, values), like=like)
    if tuple(found.shape) != (n,):
        raise ValueError(f"{name} must be one number per phase, {n} of them, got the shape {tuple(found.shape)}")
    return found


def numbers(name: str, values: Any) -> np.ndarray:
    """Return a list of numbers as a numpy array in double precision; refuse anything else, and numbers that are not finite."""
    listed = () if isinstance(values, (str, bytes)) or not hasattr(values, "__len__") else np.asarray(values, object).ravel()
    if not len(listed) or not all(map(_is_number, listed)):
        raise TypeError(f"{name} must be a list of numbers, got {values!r}")
    found: np.ndarray[Any, Any] = np.asarray(values, dtype=float)
    if not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite, got {values!r}")
    return found


def _is_number(value: Any) -> bool:
    """Tell whether a value is a real number and not a boolean."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _shown(values: Any) -> str:
    """Return values as text for an error."""
    return str([float(stop_gradient(values[i])) for i in range(values.shape[0])]) if hasattr(values, "shape") else str(list(values))
