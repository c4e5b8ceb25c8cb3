"""What files say of their spacing: it is not taken unasked, as many say it wrongly, but told."""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from .errors import InputError
from .units import Spacing, parse_spacing

_CENTIMETRE = 3  # resolution unit of a TIFF; inches are a printer's
_UNITS = {"micron": "um", "microns": "um", "micrometer": "um", "nanometer": "nm", "angstrom": "A", "inch": None, "pixel": None}
_MOST = 1e-2  # metres a pixel, beyond which a file speaks of something else
_OME = re.compile(r'PhysicalSize([XYZ])="([0-9.eE+-]+)"')
_OME_UNIT = re.compile(r'PhysicalSizeXUnit="([^"]*)"')


def said(spacing: Spacing) -> str:
    """Return what a person can do with the spacing that a file holds.

    Examples
    --------
    >>> from twopoint.cli.spacings import said
    >>> from twopoint.cli.units import Spacing
    >>> said(Spacing((2.0, 0.65, 0.65), "µm"))
    'the file says 2 x 0.65 x 0.65 µm a pixel, which is not taken unasked; pass --spacing 2um,0.65um,0.65um'
    """
    typed = {"µm": "um", "Å": "A"}.get(spacing.unit, spacing.unit)
    steps = [f"{step:.6g}" for step in spacing.steps]
    option = ",".join(f"{step}{typed}" for step in (steps[:1] if len(set(steps)) == 1 else steps))
    return f"the file says {' x '.join(steps)} {spacing.unit} a pixel, which is not taken unasked; pass --spacing {option}"


def of_tiff(file: Any) -> Spacing | None:
    """Return the spacing that a TIFF of ImageJ, of OME, or with a resolution in centimetres holds; None where it holds none."""
    if file.ome_metadata:
        return _of_ome(str(file.ome_metadata))
    tags = file.pages[0].tags
    per_unit = [_ratio(tags[name].value) for name in ("YResolution", "XResolution") if name in tags]
    if len(per_unit) < 2 or not all(per_unit):
        return None
    steps = [1 / value for value in per_unit]
    imagej = file.imagej_metadata or {}
    if imagej.get("unit"):
        depth = imagej.get("spacing")
        known = [float(depth)] if isinstance(depth, int | float) else []
        return _checked([*known, *steps], str(imagej["unit"]).replace("\\u00B5", "µ"))
    if "ResolutionUnit" in tags and int(tags["ResolutionUnit"].value) == _CENTIMETRE:
        return _checked([step * 1e4 for step in steps], "um")
    return None


def of_hdf5(attributes: Mapping[str, Any]) -> Spacing | None:
    """Return the spacing in the attribute element_size_um, which Fiji and ilastik write: slices, rows, columns."""
    size = np.asarray(attributes.get("element_size_um", []))
    return _checked([float(step) for step in size.ravel()], "um") if size.dtype.kind in "iuf" and size.size else None


def _of_ome(text: str) -> Spacing | None:
    """Return the spacing of the first image of an OME description."""
    found = {axis: parts[0] for axis in "ZYX" if (parts := [value for name, value in _OME.findall(text) if name == axis])}
    unit = _OME_UNIT.search(text)
    return _checked([_number(value) for value in found.values()], unit[1] if unit else "um") if {"X", "Y"} <= set(found) else None


def _number(text: str) -> float:
    """Return a number; 0 for text that only looks like one."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def _ratio(value: Any) -> float:
    """Return a rational of a TIFF as a number; 0 where it is none."""
    above, below = value if isinstance(value, tuple) and len(value) == 2 else (0, 1)
    return float(above) / float(below) if below else 0.0


def _checked(steps: list[float], unit: str) -> Spacing | None:
    """Return steps as a spacing in micrometres or whatever the unit is; None where they cannot be one of pixels."""
    name = _UNITS.get(unit.strip().lower(), unit.strip())
    if name is None or not all(0 < step < math.inf for step in steps):
        return None
    try:
        spacing = parse_spacing(",".join(f"{step:.6g}{name}" for step in steps))
    except InputError:  # a unit that is none, or steps that are not alike: the file says nothing
        return None
    return spacing if max(spacing.metres) < _MOST else None
