"""Physical spacing of pixels: parsed from --spacing, and common to two images."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..terminal import InputError

# Both micro signs (U+00B5 and the Greek letter) and the letter u, as keyboards differ.
_METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "µm": 1e-6, "nm": 1e-9, "Å": 1e-10, "pm": 1e-12}
_OTHER_NAMES = {"um": "µm", "\u03bcm": "µm", "A": "Å", "\u212b": "Å"}
FROM_FILE = "file"
_MOST_RATIO = 1000  # between the largest and the smallest step
_LENGTH = re.compile(r"\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*([^\W\d_]+)\s*")
_LONGEST = 1000  # in a picture, where ticks of four digits overlap
_LARGER = {"pm": "nm", "Å": "nm", "nm": "µm", "µm": "mm", "mm": "m", "cm": "m"}
_ROUNDING = 1e-9
_SAME = 1e-6  # relative difference of spacings that count as equal


def readable_unit(unit: str, longest: float) -> tuple[float, str]:
    """Return a factor and a unit in which lengths up to ``longest`` have at most three digits.

    Examples
    --------
    >>> from twopoint.cli.reading.spacing import readable_unit
    >>> readable_unit("nm", 2500.0), readable_unit("nm", 250.0), readable_unit("px", 2500.0)
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
        """Whether the steps are lengths, not pixels."""
        return self.unit != "px"

    @property
    def metres(self) -> tuple[float, ...]:
        """The steps in metres, or in pixels."""
        return tuple(step * _METRES.get(self.unit, 1.0) for step in self.steps)

    def summary(self) -> dict[str, Any]:
        """Return steps and unit for a .json file."""
        return {"steps": list(self.steps), "unit": self.unit}

    def last(self, ndim: int) -> "Spacing | None":
        """Return the steps of the last axes; None if there are fewer."""
        return Spacing(self.steps[-ndim:], self.unit) if len(self.steps) >= ndim else None

    def turned(self) -> "Spacing":
        """Return the steps with rows and columns exchanged."""
        return Spacing((*self.steps[:-2], *self.steps[:-3:-1]), self.unit)

    def along(self, ndim: int) -> "Spacing":
        """Return one step for each of ndim axes; raise an error for any other number of steps."""
        if len(self.steps) not in (1, ndim):
            raise InputError(f"--spacing must be one length or {ndim}, one per axis of the image, got {len(self.steps)}")
        return Spacing(self.steps * ndim if len(self.steps) == 1 else self.steps, self.unit)


def requested_spacing(text: str | None) -> Spacing | None:
    """Return the spacing of --spacing; None for ``file``, the spacing in the file, which is known after it has been opened."""
    return None if text is not None and text.strip().lower() == FROM_FILE else parse_spacing(text)


def parse_spacing(text: str | None) -> Spacing:
    """Parse a spacing.

    Parameters
    ----------
    text : str or None
        ``"0.65um"``, or one length per axis, ``"1um,0.65um,0.65um"``, slices or rows first; None for pixels.

    Returns
    -------
    Spacing
        In the unit of the first length.

    Raises
    ------
    InputError
        If a part is not a positive number with a unit of length.

    Examples
    --------
    >>> from twopoint.cli.reading.spacing import parse_spacing
    >>> parse_spacing("0.5um, 250nm")
    Spacing(steps=(0.5, 0.25), unit='µm')
    """
    if text is None:
        return Spacing()
    lengths = [_length(part, text) for part in text.split(",")]
    unit = lengths[0][1]
    steps = tuple(value if own == unit else float(f"{value * _METRES[own] / _METRES[unit]:.12g}") for value, own in lengths)
    if not all(0 < step < math.inf for step in steps) or max(steps) / min(steps) > _MOST_RATIO:
        raise InputError(f"--spacing must hold positive lengths that differ by a factor of at most {_MOST_RATIO:g}, got {text!r}")
    return Spacing(steps, unit)


def _length(part: str, text: str) -> tuple[float, str]:
    """Return the number and the unit of one length."""
    match = _LENGTH.fullmatch(part)
    unit = _OTHER_NAMES.get(match[2], match[2]) if match else ""
    if unit not in _METRES:
        raise InputError(f"--spacing must be a number with a unit ({', '.join(_METRES)}), such as 0.65um, got {text!r}")
    return _number(match[1] if match else "", text), unit


def _number(digits: str, text: str) -> float:
    """Return a number in the range of physical lengths."""
    try:
        value = float(digits)
    except ValueError as error:
        raise InputError(f"--spacing must begin with a number, such as 0.65um, got {text!r}") from error
    if not 1e-30 < value < 1e30:
        raise InputError(f"--spacing must be a finite positive length, got {text!r}")
    return value


def spacing_note(spacing: Spacing) -> str:
    """Return a note on the spacing in a file, with the option that uses it: many files hold a wrong one, so it is not used by default.

    Examples
    --------
    >>> from twopoint.cli.reading.spacing import spacing_note
    >>> from twopoint.cli.reading.spacing import Spacing
    >>> spacing_note(Spacing((2.0, 0.65, 0.65), "µm"))
    'the file says 2 x 0.65 x 0.65 µm per pixel, which is not used by default; pass --spacing 2um,0.65um,0.65um'
    """
    steps = " x ".join(f"{step:.6g}" for step in spacing.steps)
    return f"the file says {steps} {spacing.unit} per pixel, which is not used by default; pass --spacing {as_option(spacing)}"


def as_option(spacing: Spacing) -> str:
    """Return a spacing as it is typed after --spacing.

    Examples
    --------
    >>> from twopoint.cli.reading.spacing import Spacing, as_option
    >>> as_option(Spacing((0.5, 0.5), "µm")), as_option(Spacing((2.0, 0.5), "Å"))
    ('0.5um', '2A,0.5A')
    """
    typed = {"µm": "um", "Å": "A"}.get(spacing.unit, spacing.unit)
    steps = [f"{step:.6g}{typed}" for step in spacing.steps]
    return steps[0] if len(set(steps)) == 1 else ",".join(steps)


def common_spacing(a: Spacing, b: Spacing) -> Spacing:
    """Return the coarser spacing along each axis, in the unit of the first.

    Examples
    --------
    >>> from twopoint.cli.reading.spacing import common_spacing
    >>> from twopoint.cli.reading.spacing import Spacing
    >>> common_spacing(Spacing((1.0, 2.0), "µm"), Spacing((1500.0, 1500.0), "nm"))
    Spacing(steps=(1.5, 2.0), unit='µm')
    """
    unit = a.metres[0] / a.steps[0]
    steps = (max(x, float(f"{y / unit:.12g}")) for x, y in zip(a.steps, b.metres, strict=True))
    return Spacing(tuple(steps), a.unit)


def nearest_pixels(shape: tuple[int, ...], own: Spacing, coarser: Spacing) -> tuple[np.ndarray, ...] | None:
    """Return the index of the pixels nearest to points of a coarser spacing; None if the spacings are equal.

    Parameters
    ----------
    shape : tuple of int
        Shape of the image.
    own : Spacing
        Its spacing, one step per axis.
    coarser : Spacing
        The spacing of the points, at least ``own`` along each axis.
    """
    if all(abs(x - y) <= _SAME * y for x, y in zip(own.metres, coarser.metres, strict=True)):
        return None
    index = []
    for size, fine, coarse in zip(shape, own.metres, coarser.metres, strict=True):
        points = max(int(size * fine / coarse * (1 + _SAME)), 1)
        index.append(np.minimum(((np.arange(points) + 0.5) * (coarse / fine) * (1 + _ROUNDING)).astype(int), size - 1))
    return np.ix_(*index)
