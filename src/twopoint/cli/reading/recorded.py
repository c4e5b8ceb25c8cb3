"""The spacing that a file holds, as ImageJ, OME, electron microscopes, Fiji and ilastik write it."""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..terminal import InputError
from .spacing import Spacing, parse_spacing

_CENTIMETRE = 3  # resolution unit of a TIFF; inches are meant for printers
_UNITS = {"micron": "um", "microns": "um", "micrometer": "um", "micrometre": "um", "nanometer": "nm", "nanometre": "nm", "angstrom": "A"}
_UNITS |= {"millimeter": "mm", "millimetre": "mm", "centimeter": "cm", "meter": "m", "metre": "m", "picometer": "pm"}
_MOST = 1e-2  # metres per pixel, above which the number in a file has another meaning
_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b[^>]*>")
_SIZE = r'\bPhysicalSize{}="([^"]*)"'
_UNIT = r'\bPhysicalSize{}Unit="([^"]*)"'
_OME_UNIT = "µm"  # of sizes without a unit

Length = tuple[float, str]


def spacing_of_tiff(file: Any, number: int) -> Spacing | None:
    """Return the spacing of a series in a TIFF of ImageJ, OME, FEI, Zeiss, or with a resolution in centimetres; None if there is none."""
    if file.ome_metadata:
        return _of_ome(str(file.ome_metadata), number, len(file.series))
    of_microscope = _of_fei(file.fei_metadata) or _of_zeiss(file.sem_metadata)
    if of_microscope is not None:
        return of_microscope
    tags = file.series[number].keyframe.tags
    per_unit = [_ratio(tags[name].value) for name in ("YResolution", "XResolution") if name in tags]
    if len(per_unit) < 2 or not all(per_unit):
        return None
    rows, columns = (1 / value for value in per_unit)
    imagej = file.imagej_metadata or {}
    if imagej.get("unit"):
        return _of_imagej(imagej, rows, columns)
    if "ResolutionUnit" in tags and int(tags["ResolutionUnit"].value) == _CENTIMETRE:
        return recorded([(rows * 1e4, "um"), (columns * 1e4, "um")])
    return None


def spacing_of_hdf5(attributes: Mapping[str, Any]) -> Spacing | None:
    """Return the spacing in the attribute element_size_um, as Fiji and ilastik write it: slices, rows, columns."""
    size = np.asarray(attributes.get("element_size_um", []))
    return recorded([(float(step), "um") for step in size.ravel()]) if size.dtype.kind in "iuf" and size.size else None


def _of_ome(text: str, index: int, n_series: int) -> Spacing | None:
    """Return the spacing of one image in an OME description, each size in its own unit."""
    described = _PIXELS.findall(text)
    if len(described) not in (1, n_series):
        return None
    pixels, lengths = described[index if len(described) > 1 else 0], []
    for axis in "ZYX":
        size, unit = re.search(_SIZE.format(axis), pixels), re.search(_UNIT.format(axis), pixels)
        if size is not None:
            lengths.append((_number_or_zero(size[1]), _entities(unit[1]) if unit else _OME_UNIT))
        elif axis != "Z":
            return None
    return recorded(lengths) or (recorded(lengths[1:]) if len(lengths) > 2 else None)


def _entities(text: str) -> str:
    """Return the text of an attribute in XML, in which µ and Å may be numbers."""
    return re.sub(r"&#(?:x([0-9a-fA-F]{1,5})|([0-9]{1,6}));", lambda found: chr(int(found[1], 16) if found[1] else int(found[2])), text)


def _of_imagej(imagej: Mapping[str, Any], rows: float, columns: float) -> Spacing | None:
    """Return the spacing in a description of ImageJ, where yunit and zunit are written if they differ from unit."""
    unit, depth = imagej["unit"], imagej.get("spacing")
    plane = [(rows, _text(imagej.get("yunit", unit))), (columns, _text(unit))]
    if isinstance(depth, int | float):
        whole = recorded([(abs(float(depth)), _text(imagej.get("zunit", unit))), *plane])
        return whole or recorded(plane)
    return recorded(plane)


def _text(unit: object) -> str:
    """Return a unit of ImageJ as text, in which the micro sign may be escaped."""
    return str(unit).replace("\\u00B5", "µ").replace("\\u00b5", "µ")


def _of_fei(metadata: Mapping[str, Any] | None) -> Spacing | None:
    """Return the spacing that FEI and Thermo Fisher write, in metres, with rows before columns."""
    for section in ("Scan", "EScan", "IScan"):
        scan = (metadata or {}).get(section)
        if isinstance(scan, Mapping) and isinstance(scan.get("PixelWidth"), int | float):
            width, height = scan["PixelWidth"], scan.get("PixelHeight", scan["PixelWidth"])
            return recorded([(float(step) * 1e9, "nm") if isinstance(step, int | float) else (0.0, "nm") for step in (height, width)])
    return None


def _of_zeiss(metadata: Mapping[str, Any] | None) -> Spacing | None:
    """Return the spacing that Zeiss writes: of the image as it is stored, or else of the scan."""
    for name in ("ap_image_pixel_size", "ap_pixel_size"):
        value = (metadata or {}).get(name)
        if isinstance(value, tuple) and len(value) == 3 and isinstance(value[1], int | float):
            return recorded([(float(value[1]), str(value[2]))] * 2)
    return None


def _number_or_zero(text: str) -> float:
    """Return a number; 0 if the text is not one."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def _ratio(value: Any) -> float:
    """Return a rational of a TIFF as a number; 0 if it is not a rational."""
    above, below = value if isinstance(value, tuple) and len(value) == 2 else (0, 1)
    return float(above) / float(below) if below else 0.0


def recorded(lengths: list[Length]) -> Spacing | None:
    """Return lengths as a spacing in the unit of the last, that of columns; None if a unit is unknown or pixels cannot be this large.

    Examples
    --------
    >>> from twopoint.cli.reading.recorded import recorded
    >>> recorded([(2.0, "micron"), (650.0, "nm"), (650.0, "nm")])
    Spacing(steps=(2000.0, 650.0, 650.0), unit='nm')
    """
    named = [(step, _UNITS.get(unit.strip().lower(), unit.strip())) for step, unit in lengths]
    if not named or not all(0 < step < math.inf for step, _ in named):
        return None
    try:
        spacing = parse_spacing(",".join(f"{step:.6g}{unit}" for step, unit in reversed(named)))
    except InputError:  # an unknown unit, such as inch or pixel, or steps that differ too much: ignore them
        return None
    return Spacing(spacing.steps[::-1], spacing.unit) if max(spacing.metres) < _MOST else None
