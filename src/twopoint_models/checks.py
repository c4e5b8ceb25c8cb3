"""Checks of input that several parts share."""

from typing import Any


class NotFiniteError(ArithmeticError):
    """A loss is not a finite number. Training stops at once; the last checkpoint stays."""


def positive(name: str, value: Any, *, zero: bool = False) -> int:
    """Return an integer above 0, or of 0 or more if zero is allowed; refuse anything else."""
    try:
        number = int(value.__index__())
    except (AttributeError, TypeError):
        number = -1
    if number < (0 if zero else 1) or isinstance(value, bool):
        raise ValueError(f"{name} must be an integer {'of 0 or more' if zero else 'above 0'}, got {value!r}")
    return number


def names(name: str, value: Any) -> tuple[str, ...]:
    """Return names; refuse a single string and anything else that is not a list of strings."""
    if isinstance(value, str):
        raise TypeError(f"{name} must be a list of names, got the one string {value!r}; write [{value!r}]")
    found = tuple(value) if hasattr(value, "__iter__") else (value,)
    if not all(isinstance(each, str) for each in found):
        raise TypeError(f"{name} must be a list of names, got {value!r}")
    return found


def item(at: Any, length: int) -> int:
    """Return the index of an item of a dataset; a negative one counts from the end."""
    try:
        number = int(at.__index__())
    except (AttributeError, TypeError):
        raise TypeError(f"an item is chosen by an integer, got {type(at).__name__}") from None
    if not -length <= number < length:
        raise IndexError(f"item {number} of {length}")
    return number % length
