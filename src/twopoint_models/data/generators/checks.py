"""Checks of the arguments of generators."""

import math
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np

from ...checks import positive

FINEST = 1.0  # px: thinner parts would be drawn intermittently


def shape_of(size: Any) -> tuple[int, int]:
    """Return height and width of a size."""
    both = tuple(size) if isinstance(size, Iterable) and not isinstance(size, (str, bytes)) else (size, size)
    if len(both) != 2:
        raise ValueError(f"size must be one integer, or height and width, got {size!r}")
    return positive("size", both[0]), positive("size", both[1])


def generator(rng: Any) -> None:
    """Refuse anything but a Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, as numpy.random.default_rng(0) gives it, got {type(rng).__name__}")


def real(name: str, value: Any) -> float:
    """Return a finite Python float."""
    if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__float__") or np.ndim(value):
        raise TypeError(f"{name} must be a real number, got {type(value).__name__}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number!r}")
    return number


def fraction(name: str, value: Any, below: float) -> float:
    """Return a number above 0 and below a bound."""
    number = real(name, value)
    if not 0 < number < below:
        raise ValueError(f"{name} must be above 0 and below {below:g}, got {number!r}")
    return number


def within(name: str, value: Any, most: float) -> float:
    """Return a number from 0 to a bound."""
    number = real(name, value)
    if not 0 <= number <= most:
        raise ValueError(f"{name} must be from 0 to {most:g}, got {number!r}")
    return number


def above(name: str, value: Any) -> float:
    """Return a number above 0."""
    number = real(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be above 0, got {number!r}")
    return number


def length(name: str, value: Any, most: float, shape: tuple[int, int]) -> float:
    """Return a length in pixels; refuse one that is not resolved or does not fit into the image."""
    number = real(name, value)
    if number < FINEST:
        raise ValueError(f"{name} must be at least {FINEST:g} pixel, got {number!r}")
    if number > most:
        raise ValueError(f"{name} must be at most {most:.4g} pixels in an image of {shape[0]} x {shape[1]}, got {number:.4g}")
    return number


def several(name: str, value: Any) -> tuple[Any, ...]:
    """Return a list as a tuple."""
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes)):
        raise TypeError(f"{name} must be a list of numbers, got {type(value).__name__}")
    return tuple(value)


def one_of(name: str, value: Any, known: Iterable[str]) -> str:
    """Return a known name; suggest the nearest one for an unknown name."""
    names = list(known)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {', '.join(map(repr, names))}, got {type(value).__name__}")
    if value not in names:
        near = get_close_matches(value.lower(), [known.lower() for known in names], 1)
        meant = next((known for known in names if near and known.lower() == near[0]), None)
        hint = f"; did you mean {meant!r}?" if meant else ""
        raise ValueError(f"{name} must be one of {', '.join(map(repr, names))}, got {value!r}{hint}")
    return value
