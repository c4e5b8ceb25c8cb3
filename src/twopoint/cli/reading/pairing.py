"""Pairing: which phase of one image corresponds to which phase of another."""

import numpy as np

from ..terminal import InputError
from .load import LoadedImage

_WHITE = (255, 65535)  # the brightest values of PNG and TIFF files, over which labels are spread evenly
_ROUNDING = 1e-6


def pair(a: LoadedImage, b: LoadedImage) -> str:
    """Return how the phases of two images with equal numbers of phases are paired.

    Labels that are integers are paired by value. Labels that are spread evenly from black to white count as 0, 1, ... All other phases
    are paired in their order, from dark to bright.

    Parameters
    ----------
    a, b : LoadedImage
        The images.

    Returns
    -------
    str
        A description for the user.

    Raises
    ------
    InputError
        If both hold integers as labels, and the values differ.
    """
    gray = [name for name, loaded in (("A", a), ("B", b)) if not loaded.segmentation.values]
    if gray:
        return f"from dark to bright: {' and '.join(gray)} segmented from gray values"
    if a.colours or b.colours:
        return "from dark to bright: colours have no values"
    values_a, values_b = a.segmentation.values, b.segmentation.values
    if np.allclose(values_a, values_b, rtol=_ROUNDING, atol=0):
        return f"by value: {_listed(values_a)}"
    matched = f"{_listed(values_a)} of A with {_listed(values_b)} of B"
    if not all(value == round(value) for value in (*values_a, *values_b)):
        return f"from dark to bright: {matched}"
    if not (are_numbers(values_a) and are_numbers(values_b)):
        raise InputError(
            f"{a.name} holds the values {_listed(values_a)} and {b.name} {_listed(values_b)}, and integers are paired by value; "
            "give both images the same values, or pair phases from dark to bright by --threshold and --threshold-b"
        )
    return f"as spread evenly from black to white: {matched}"


def are_numbers(values: tuple[float, ...]) -> bool:
    """Return whether labels are 0, 1, ..., or these spread evenly from black to white.

    Examples
    --------
    >>> from twopoint.cli.reading.pairing import are_numbers
    >>> are_numbers((0, 1, 2)), are_numbers((0, 128, 255)), are_numbers((0, 2))
    (True, True, False)
    """
    steps = (1.0, *(white / (len(values) - 1) for white in _WHITE))
    return any((np.abs(np.asarray(values) - step * np.arange(len(values))) < 1).all() for step in steps)  # whichever way they were rounded


def _listed(values: tuple[float, ...]) -> str:
    """Return values as text."""
    return ", ".join(f"{value:g}" for value in values)
