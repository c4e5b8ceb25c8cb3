"""Refusals of bad input at the door, by shape, dtype and option; each names the argument, what came and what is needed."""

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np

from .namespace import is_array
from .types import Array, Namespace

REDUCTIONS = ("mean", "sum", "none")
BOUNDARIES = ("periodic", "open")
MANY, FEW = 16, 4  # so many phases beside so few points along the last axis are channels that come last
LABELS = 256  # of the dtype uint8


def choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Refuse an option that is none of the allowed words."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")


def dimensions(ndim: Any) -> None:
    """Refuse a number of spatial axes other than 1, 2 or 3."""
    if isinstance(ndim, bool) or not hasattr(ndim, "__index__") or ndim not in (1, 2, 3):
        raise ValueError(f"ndim must be 1, 2 or 3, got {ndim!r}")


def integer(name: str, value: Any, least: int | None = None, most: int | None = None) -> int:
    """Return a Python int not below the least and not above the most."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
    if least is not None and value.__index__() < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    if most is not None and value.__index__() > most:
        raise ValueError(f"{name} must be at most {most}, got {value}")
    return int(value.__index__())


def positive(name: str, value: Any) -> float:
    """Return a number as a float; refuse what is none, or is not finite and above zero."""
    if not 0 < number(name, value) < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}")
    return float(value)


def number(name: str, value: Any) -> float:
    """Return a number as a float; refuse what is none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return float(value)


def finite(name: str, value: Any, above: float = -math.inf) -> float:
    """Return a finite Python float above a bound, of anything that becomes a float."""
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a real number, got {type(value).__name__}")
    if not above < float(value) < math.inf:
        bound = "" if above == -math.inf else f" above {above:g}"
        raise ValueError(f"{name} must be a finite number{bound}, got {value!r}")
    return float(value)


def is_scalar_array(name: str, value: Any) -> bool:
    """Tell whether a value is an array without axes, as a traced or learnt number is; refuse an array that has some."""
    if not is_array(value) or isinstance(value, Real):  # numpy's scalars are both
        return False
    if tuple(value.shape) != ():
        raise ValueError(f"{name} must be one number, got an array of shape {tuple(value.shape)}")
    return True


def weight(name: str, value: Any) -> None:
    """Refuse what is neither a number nor an array without axes."""
    if not is_scalar_array(name, value):
        number(name, value)


def real(name: str, x: Array, xp: Namespace, *, booleans: bool = False) -> None:
    """Refuse an array that is not real floating, or boolean where that is allowed."""
    if xp.isdtype(x.dtype, "real floating") or (booleans and xp.isdtype(x.dtype, "bool")):
        return
    hint = "; one_hot(labels, n_phases) makes phases of labels, a conversion to floats of an indicator or of gray values / 255"
    hint = "" if xp.isdtype(x.dtype, "complex floating") else hint
    raise TypeError(f"{name} must be of a real floating dtype, got {x.dtype}{hint}")


def microstructure(name: str, m: Array, ndim: int) -> tuple[int, ...]:
    """Return the space of an array (..., phases, *space); refuse too few axes, no phase and no point."""
    if len(m.shape) < ndim + 1:
        axes = ", ".join(["phases", *["space"] * ndim])
        raise ValueError(f"{name} must have at least {ndim + 1} axes (..., {axes}) for ndim={ndim}, got shape {tuple(m.shape)}")
    if m.shape[-ndim - 1] < 1:
        raise ValueError(f"{name} must hold at least one explicit phase on axis {-ndim - 1}, got shape {tuple(m.shape)}")
    return field(name, m, ndim)


def phases_first(name: str, m: Array, ndim: int) -> None:
    """Refuse what holds its phases on the last axis, as far as a shape tells."""
    n_phases, last = m.shape[-ndim - 1], m.shape[-1]
    if n_phases >= MANY and last <= FEW:
        raise ValueError(
            f"{name} of shape {tuple(m.shape)} would hold {n_phases} phases: phases come before space, so move a last axis of phases "
            f"there, moveaxis({name}, -1, {-ndim - 1})"
        )


def field(name: str, x: Array, ndim: int) -> tuple[int, ...]:
    """Return the space of an array (..., *space); refuse too few axes, no point and an empty batch."""
    if len(x.shape) < ndim:
        raise ValueError(f"{name} must have at least {ndim} axes (..., *space) for ndim={ndim}, got shape {tuple(x.shape)}")
    if 0 in x.shape:
        raise ValueError(f"{name} must not be empty, got shape {tuple(x.shape)}")
    return tuple(int(n) for n in x.shape[-ndim:])


def equal_shapes(prediction: Array, target: Array, names: tuple[str, str] = ("prediction", "target")) -> None:
    """Refuse two arrays of unequal shape: losses do not broadcast."""
    if tuple(prediction.shape) != tuple(target.shape):
        a, b = tuple(prediction.shape), tuple(target.shape)
        raise ValueError(f"{names[0]} and {names[1]} must have equal shapes, got {a} and {b}; nothing is broadcast")


def real_or_boolean(name: str, x: Array, xp: Namespace) -> None:
    """Refuse a complex array."""
    if xp.isdtype(x.dtype, "complex floating"):
        raise TypeError(f"{name} must be boolean or real, got {x.dtype}")


def mask_shape(mask: Array, batch: tuple[int, ...], space: tuple[int, ...], xp: Namespace) -> None:
    """Refuse a mask that is complex or of a shape other than (*space) or (*batch, *space)."""
    real_or_boolean("mask", mask, xp)
    if tuple(mask.shape) not in (space, batch + space):
        raise ValueError(f"mask must have shape {space}{f' or {batch + space}' if batch else ''}, got {tuple(mask.shape)}")


def crop_sizes(crop: Any, totals: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return one number of kept lags an axis; refuse fewer than one or more than there are."""
    if crop is None:
        return None
    sizes = (crop,) * len(totals) if getattr(crop, "ndim", None) == 0 or not isinstance(crop, Iterable) else tuple(crop)
    if len(sizes) != len(totals):
        raise ValueError(f"crop must be one integer or {len(totals)}, one an axis, got {crop!r}")
    sizes = tuple(integer("crop", n, 1) for n in sizes)
    if any(n > total for n, total in zip(sizes, totals, strict=True)):
        raise ValueError(f"crop must not exceed the number of lags {totals}, got {crop!r}")
    return sizes


def sizes(shape: Iterable[int], dimensions: tuple[int, ...] = (1, 2, 3)) -> tuple[int, ...]:
    """Return the sizes of a space as Python ints."""
    if not isinstance(shape, Iterable):
        raise TypeError(f"shape must be the sizes of the space, one integer an axis, got {shape!r}")
    space = tuple(integer("shape", n, 1) for n in shape)
    if len(space) not in dimensions:
        allowed = "1, 2 or 3" if len(dimensions) > 1 else dimensions[0]
        raise ValueError(f"shape must have {allowed} sizes, got {space}")
    return space


def generator(rng: Any) -> None:
    """Refuse what is no Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, as numpy.random.default_rng(0) gives it, got {type(rng).__name__}")


def fractions(volume_fractions: Iterable[float]) -> np.ndarray:
    """Return volume fractions of two phases or more, (N,), each above 0, their sum 1."""
    values = np.array([finite("volume_fractions", v, 0.0) for v in volume_fractions])
    if not 2 <= len(values) <= LABELS:
        raise ValueError(f"volume_fractions must be of 2 to {LABELS} phases, got {len(values)}")
    if abs(values.sum() - 1) > 1e-9:
        raise ValueError(f"volume_fractions must sum to 1, got {values.sum()}")
    return values / values.sum()


def batch_index(index: Any, batch: tuple[int, ...], ndim: int) -> tuple[Any, ...]:
    """Return an index of a batch as one of arrays (*batch, *lags); refuse what is out of bounds, which jax would clamp."""
    entries = index if isinstance(index, tuple) else (index,)
    dots = [at for at, entry in enumerate(entries) if entry is Ellipsis]
    taken = [entry for entry in entries if entry is not None and entry is not Ellipsis]
    after = sum(entry is not None for entry in entries[dots[0] + 1 :]) if dots else 0
    if len(taken) > len(batch):
        raise IndexError(f"target statistics of batch shape {batch} take no index {index!r}")
    for entry, size in zip(taken, batch[: len(taken) - after] + batch[len(batch) - after :], strict=True):
        if isinstance(entry, int) and not -size <= entry < size:
            raise IndexError(f"index {entry} is out of bounds for target statistics of batch shape {batch}")
    return (*entries, *(slice(None),) * ndim) if dots else (*entries, ...)
