"""Refusals that name the argument, what came and what is wanted."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

LABELS = 256  # of the dtype uint8


def sizes(shape: Iterable[int], dimensions: tuple[int, ...] = (1, 2, 3)) -> tuple[int, ...]:
    """Return the sizes of the space as Python ints."""
    if not isinstance(shape, Iterable):
        raise TypeError(f"shape must be the sizes of the space, one integer an axis, got {shape!r}")
    space = tuple(whole("shape", n, 1) for n in shape)
    if len(space) not in dimensions:
        wanted = "1, 2 or 3" if len(dimensions) > 1 else dimensions[0]
        raise ValueError(f"shape must have {wanted} sizes, got {space}")
    return space


def generator(rng: Any) -> None:
    """Refuse what is no Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, as numpy.random.default_rng(0) gives it, got {type(rng).__name__}")


def whole(name: str, value: Any, least: int | None = None, most: int | None = None) -> int:
    """Return a Python int not below the least and not above the most."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
    if least is not None and value.__index__() < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    if most is not None and value.__index__() > most:
        raise ValueError(f"{name} must be at most {most}, got {value}")
    return int(value)


def real(name: str, value: Any, low: float = -math.inf) -> float:
    """Return a finite Python float above a bound."""
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a real number, got {type(value).__name__}")
    if not low < float(value) < math.inf:
        bound = "" if low == -math.inf else f" above {low:g}"
        raise ValueError(f"{name} must be a finite number{bound}, got {value!r}")
    return float(value)


def open_or_periodic(boundary: str) -> str:
    """Refuse a boundary that is neither."""
    if boundary not in ("periodic", "open"):
        raise ValueError(f'boundary must be "periodic" or "open", got {boundary!r}')
    return boundary


def fractions(volume_fractions: Iterable[float]) -> np.ndarray:
    """Return volume fractions of two phases or more, (N,), each above 0, their sum 1."""
    values = np.array([real("volume_fractions", v, 0.0) for v in volume_fractions])
    if not 2 <= len(values) <= LABELS:
        raise ValueError(f"volume_fractions must be of 2 to {LABELS} phases, got {len(values)}")
    if abs(values.sum() - 1) > 1e-9:
        raise ValueError(f"volume_fractions must sum to 1, got {values.sum()}")
    return values / values.sum()
