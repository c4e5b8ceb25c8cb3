"""Physical distances: --spacing as a person types it."""

import math
import re
from dataclasses import dataclass
from typing import Any

from .errors import InputError

# Both micro signs (U+00B5 and the Greek letter) and the letter u, as keyboards differ.
_METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "µm": 1e-6, "nm": 1e-9, "Å": 1e-10, "pm": 1e-12}
_OTHER_NAMES = {"um": "µm", "\u03bcm": "µm", "A": "Å", "\u212b": "Å"}
_MOST_RATIO = 1000  # of the largest step to the smallest
_LENGTH = re.compile(r"\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*([^\W\d_]+)\s*")


_LONGEST = 1000  # in a picture; four digits a tick run into each other
_LARGER = {"pm": "nm", "Å": "nm", "nm": "µm", "µm": "mm", "mm": "m", "cm": "m"}


def readable(unit: str, longest: float) -> tuple[float, str]:
    """Return a factor and a unit in which lengths up to the longest have at most three digits.

    Examples
    --------
    >>> from twopoint.cli.units import readable
    >>> readable("nm", 2500.0), readable("nm", 250.0), readable("px", 2500.0)
    ((0.001, 'µm'), (1.0, 'nm'), (1.0, 'px'))
    """
    factor = 1.0
    while longest * factor >= _LONGEST and unit in _LARGER:
        larger = _LARGER[unit]
        factor, unit = float(f"{factor * _METRES[unit] / _METRES[larger]:.9g}"), larger
    return factor, unit


@dataclass(frozen=True)
class Spacing:
    """The distance between neighbouring pixels along each axis, rows first, and its unit."""

    steps: tuple[float, ...] = (1.0,)
    unit: str = "px"

    @property
    def physical(self) -> bool:
        """Whether a spacing was given."""
        return self.unit != "px"

    @property
    def metres(self) -> tuple[float, ...]:
        """The steps in metres; in pixels where no spacing was given."""
        return tuple(step * _METRES.get(self.unit, 1.0) for step in self.steps)

    def figures(self) -> dict[str, Any]:
        """Return steps and unit as the figures of a command hold them."""
        return {"steps": list(self.steps), "unit": self.unit}

    def last(self, ndim: int) -> "Spacing | None":
        """Return the steps of the last axes; None where fewer are known."""
        return Spacing(self.steps[-ndim:], self.unit) if len(self.steps) >= ndim else None

    def along(self, ndim: int) -> "Spacing":
        """Return one step for each of ndim axes; refuse another number of them."""
        if len(self.steps) not in (1, ndim):
            raise InputError(f"--spacing must be one length or {ndim}, one an axis of the image, got {len(self.steps)}")
        return Spacing(self.steps * ndim if len(self.steps) == 1 else self.steps, self.unit)


def parse_spacing(text: str | None) -> Spacing:
    """Read a spacing.

    Parameters
    ----------
    text : str or None
        ``"0.65um"``, or one length an axis, ``"1um,0.65um,0.65um"``, slices or rows first; None for pixels.

    Returns
    -------
    Spacing
        In the unit of the first length.

    Raises
    ------
    InputError
        If a part is no number above 0 with a unit of length.

    Examples
    --------
    >>> from twopoint.cli.units import parse_spacing
    >>> parse_spacing("0.5um, 250nm")
    Spacing(steps=(0.5, 0.25), unit='µm')
    """
    if text is None:
        return Spacing()
    lengths = [_length(part, text) for part in text.split(",")]
    unit = lengths[0][1]
    steps = tuple(value if own == unit else float(f"{value * _METRES[own] / _METRES[unit]:.12g}") for value, own in lengths)
    if not all(0 < step < math.inf for step in steps) or max(steps) / min(steps) > _MOST_RATIO:
        raise InputError(f"--spacing must hold lengths above 0 that are alike to within {_MOST_RATIO:g} times, got {text!r}")
    return Spacing(steps, unit)


def _length(part: str, text: str) -> tuple[float, str]:
    """Return number and unit of one length."""
    found = _LENGTH.fullmatch(part)
    unit = _OTHER_NAMES.get(found[2], found[2]) if found else ""
    if unit not in _METRES:
        raise InputError(f"--spacing must be a number with a unit ({', '.join(_METRES)}), such as 0.65um, got {text!r}")
    return _number(found[1] if found else "", text), unit


def _number(digits: str, text: str) -> float:
    """Return a number within the range of lengths that anything has."""
    try:
        value = float(digits)
    except ValueError as error:
        raise InputError(f"--spacing must begin with a number, such as 0.65um, got {text!r}") from error
    if not 1e-30 < value < 1e30:
        raise InputError(f"--spacing must be a finite length above 0, got {text!r}")
    return value
