"""Checks of shapes, dtypes and options; each error names the argument, its value and what is required."""

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np

from .frameworks import at_once, comparable, may_inspect, stop_gradient
from .namespace import is_array
from .types import Array, Namespace

REDUCTIONS = ("mean", "sum", "none")
BOUNDARIES = ("periodic", "open")
MANY, FEW = 16, 4  # phases, and points along the last axis, from which on a shape suggests that the channels are last
LABELS = 256  # number of labels that uint8 can hold


def choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Raise if an option is not one of the allowed words."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")


def dimensions(ndim: Any) -> None:
    """Raise if the number of spatial axes is not 1, 2 or 3."""
    if isinstance(ndim, bool) or not hasattr(ndim, "__index__") or ndim not in (1, 2, 3):
        raise ValueError(f"ndim must be 1, 2 or 3, got {ndim!r}")


def integer(name: str, value: Any, least: int | None = None, most: int | None = None) -> int:
    """Return a Python int; raise if it is below the least or above the most."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
    if least is not None and value.__index__() < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    if most is not None and value.__index__() > most:
        raise ValueError(f"{name} must be at most {most}, got {value}")
    return int(value.__index__())


def positive(name: str, value: Any) -> float:
    """Return a number as a float; raise if it is not a finite number above 0."""
    if not 0 < number(name, value) < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}")
    return float(value)


def number(name: str, value: Any) -> float:
    """Return a number as a float; raise if it is not a number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return float(value)


def finite(name: str, value: Any, above: float = -math.inf) -> float:
    """Return any object with a finite value above a bound as a Python float."""
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a real number, got {type(value).__name__}")
    if not above < float(value) < math.inf:
        bound = "" if above == -math.inf else f" above {above:g}"
        raise ValueError(f"{name} must be a finite number{bound}, got {value!r}")
    return float(value)


def is_scalar_array(name: str, value: Any) -> bool:
    """Return whether a value is a 0-D array, such as a traced or learnt number; raise if it is an array with axes."""
    if not is_array(value) or isinstance(value, Real):  # numpy scalars are both
        return False
    if tuple(value.shape) != ():
        raise ValueError(f"{name} must be one number, got an array of shape {tuple(value.shape)}")
    return True


def weight(name: str, value: Any) -> None:
    """Raise if a weight is neither a number nor a 0-D array."""
    if not is_scalar_array(name, value):
        number(name, value)


def real(name: str, x: Array, xp: Namespace, *, booleans: bool = False) -> None:
    """Raise if an array is neither real floating nor, if that is allowed, boolean."""
    if xp.isdtype(x.dtype, "real floating") or (booleans and xp.isdtype(x.dtype, "bool")):
        return
    hint = "; one_hot(labels, n_phases) or two_phase(image of 0 and 1) converts; convert phases, or gray values / 255, to floats"
    hint = "" if xp.isdtype(x.dtype, "complex floating") else hint
    raise TypeError(f"{name} must be of a real floating dtype, got {x.dtype}{hint}")


def microstructure(name: str, m: Array, ndim: int) -> tuple[int, ...]:
    """Return the space of an array (..., phases, *space); raise if it has too few axes, no phase or no point."""
    if len(m.shape) < ndim + 1:
        axes = ", ".join(["phases", *["space"] * ndim])
        raise ValueError(f"{name} must have at least {ndim + 1} axes (..., {axes}) for ndim={ndim}, got shape {tuple(m.shape)}")
    if m.shape[-ndim - 1] < 1:
        raise ValueError(f"{name} must hold at least one explicit phase on axis {-ndim - 1}, got shape {tuple(m.shape)}")
    return field(name, m, ndim)


def phases_first(name: str, m: Array, ndim: int) -> None:
    """Raise if the shape of an array suggests that its phases are on the last axis."""
    n_phases, last = m.shape[-ndim - 1], m.shape[-1]
    if n_phases >= MANY and last <= FEW:
        raise ValueError(
            f"{name} of shape {tuple(m.shape)} would hold {n_phases} phases: phases come before space, so move a last axis of phases "
            f"there, moveaxis({name}, -1, {-ndim - 1})"
        )


def field(name: str, x: Array, ndim: int) -> tuple[int, ...]:
    """Return the space of an array (..., *space); raise if it has too few axes or is empty."""
    if len(x.shape) < ndim:
        raise ValueError(f"{name} must have at least {ndim} axes (..., *space) for ndim={ndim}, got shape {tuple(x.shape)}")
    if 0 in x.shape:
        raise ValueError(f"{name} must not be empty, got shape {tuple(x.shape)}")
    return tuple(int(n) for n in x.shape[-ndim:])


def equal_shapes(prediction: Array, target: Array, names: tuple[str, str] = ("prediction", "target")) -> None:
    """Raise if the shapes of two arrays differ, because losses do not broadcast."""
    if tuple(prediction.shape) != tuple(target.shape):
        a, b = tuple(prediction.shape), tuple(target.shape)
        raise ValueError(f"{names[0]} and {names[1]} must have equal shapes, got {a} and {b}; nothing is broadcast")


def real_or_boolean(name: str, x: Array, xp: Namespace) -> None:
    """Raise if an array is complex."""
    if xp.isdtype(x.dtype, "complex floating"):
        raise TypeError(f"{name} must be boolean or real, got {x.dtype}")


def mask_shape(mask: Array, batch: tuple[int, ...], space: tuple[int, ...], xp: Namespace) -> None:
    """Raise if a mask is complex or has a shape other than (*space) or (*batch, *space)."""
    real_or_boolean("mask", mask, xp)
    if tuple(mask.shape) not in (space, batch + space):
        raise ValueError(f"mask must have shape {space}{f' or {batch + space}' if batch else ''}, got {tuple(mask.shape)}")


def mask_values(mask: Array, xp: Namespace) -> bool:
    """Return whether a mask is known to hold only 0 and 1; raise unless it holds booleans, integers 0 and 1, or confidences in [0, 1].

    Traced values and those on an accelerator are not inspected. Integers are then used where they are not 0.
    """
    real_or_boolean("mask", mask, xp)
    if xp.isdtype(mask.dtype, "bool"):
        return True
    integral = xp.isdtype(mask.dtype, "integral")
    if 0 in mask.shape or not may_inspect(mask, xp):
        return bool(integral)
    with at_once(xp):
        values = stop_gradient(mask, xp)
        low, high = integer_range(values, xp) if integral else (float(xp.min(values)), float(xp.max(values)))
        if not (low >= 0 and high <= 1):
            found = "NaN" if low != low else f"{low:g}..{high:g}"
            raise ValueError(
                f"mask must hold booleans, integers 0 and 1, or confidences from 0 to 1, got {found} in {mask.dtype}; "
                "mask != 0 uses the points that are not 0, mask / 255 turns gray values into confidences"
            )
        return bool(integral) or bool(xp.all((values == 0) | (values == 1)))


def integer_range(x: Array, xp: Namespace) -> tuple[int, int]:
    """Return the least and the largest of concrete integers; if torch has some from 2**63 on, two of the values."""
    with at_once(xp):
        values = comparable(x, xp)
        low, high = int(xp.min(values)), int(xp.max(values))
    if low < 0 and xp.isdtype(x.dtype, "unsigned integer"):
        low, high = sorted((low % 2**64, high % 2**64))
    return low, high


def crop_sizes(crop: Any, totals: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the number of lags to keep along each axis; raise if it is below 1 or exceeds the number of lags."""
    if crop is None:
        return None
    sizes = (crop,) * len(totals) if getattr(crop, "ndim", None) == 0 or not isinstance(crop, Iterable) else tuple(crop)
    if len(sizes) != len(totals):
        raise ValueError(f"crop must be one integer or {len(totals)}, one per axis, got {crop!r}")
    sizes = tuple(integer("crop", n, 1) for n in sizes)
    if any(n > total for n, total in zip(sizes, totals, strict=True)):
        raise ValueError(f"crop must not exceed the number of lags {totals}, got {crop!r}")
    return sizes


def sizes(shape: Iterable[int], dimensions: tuple[int, ...] = (1, 2, 3)) -> tuple[int, ...]:
    """Return the sizes of the axes of space as Python ints."""
    if not isinstance(shape, Iterable):
        raise TypeError(f"shape must be the sizes of the space, one integer per axis, got {shape!r}")
    space = tuple(integer("shape", n, 1) for n in shape)
    if len(space) not in dimensions:
        allowed = "1, 2 or 3" if len(dimensions) > 1 else dimensions[0]
        raise ValueError(f"shape must have {allowed} sizes, got {space}")
    return space


def generator(rng: Any) -> None:
    """Raise if rng is not a Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, such as numpy.random.default_rng(0), got {type(rng).__name__}")


def fractions(volume_fractions: Iterable[float]) -> np.ndarray:
    """Return the volume fractions of two or more phases, (N,); raise unless each is above 0 and their sum is 1."""
    values = np.array([finite("volume_fractions", v, 0.0) for v in volume_fractions])
    if not 2 <= len(values) <= LABELS:
        raise ValueError(f"volume_fractions must be of 2 to {LABELS} phases, got {len(values)}")
    if abs(values.sum() - 1) > 1e-9:
        raise ValueError(f"volume_fractions must sum to 1, got {values.sum()}")
    return values / values.sum()


def batch_index(index: Any, batch: tuple[int, ...], ndim: int) -> tuple[Any, ...]:
    """Return an index of a batch as an index of arrays (*batch, *lags); raise if it is out of bounds, where jax would clamp it."""
    entries = index if isinstance(index, tuple) else (index,)
    dots = [at for at, entry in enumerate(entries) if entry is Ellipsis]
    taken = [entry for entry in entries if entry is not None and entry is not Ellipsis]
    after = sum(entry is not None for entry in entries[dots[0] + 1 :]) if dots else 0
    if len(taken) > len(batch):
        raise IndexError(f"target statistics of batch shape {batch} cannot be indexed by {index!r}")
    for entry, size in zip(taken, batch[: len(taken) - after] + batch[len(batch) - after :], strict=True):
        if isinstance(entry, int) and not -size <= entry < size:
            raise IndexError(f"index {entry} is out of bounds for target statistics of batch shape {batch}")
    return (*entries, *(slice(None),) * ndim) if dots else (*entries, ...)
