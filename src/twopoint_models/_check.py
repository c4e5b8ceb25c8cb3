"""Refusals that several parts share."""

from typing import Any


def positive(name: str, value: Any) -> int:
    """Return an integer above 0; refuse anything else."""
    try:
        number = int(value.__index__())
    except (AttributeError, TypeError):
        number = 0
    if number < 1 or isinstance(value, bool):
        raise ValueError(f"{name} must be an integer above 0, got {value!r}")
    return number


def item(at: Any, length: int) -> int:
    """Return the place of an item of a dataset, counted from the end if negative."""
    try:
        number = int(at.__index__())
    except (AttributeError, TypeError):
        raise TypeError(f"an item is chosen by an integer, got {type(at).__name__}") from None
    if not -length <= number < length:
        raise IndexError(f"item {number} of {length}")
    return number % length
